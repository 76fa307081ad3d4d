"""`perennial explain`: one customer's story in the terminal, or as JSON."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import fields, is_dataclass
from datetime import date
from typing import Any

import click
import psycopg

from perennial import config
from perennial.errors import ConfigError
from perennial.lifecycle.moment import Moment
from perennial.warehouse.database import connect


def command(day: click.ParamType, warehouse: Callable[[bool], AbstractContextManager[None]]) -> click.Command:
    """The command; `day` reads dates and `warehouse` keeps the server running meanwhile."""

    @click.command()
    @click.argument("customer")
    @click.option("--model", "model", help="Lifecycle model to tell her life in; without it the default one.")
    @click.option("--all-models", is_flag=True, help="Tell it in every enabled model.")
    @click.option("--on", type=day, help="The story as it was known at the end of an earlier day.")
    @click.option("--lang", type=click.Choice(["en", "zh", "both"]), default="both", show_default=True)
    @click.option("--full", is_flag=True, help="Every stay of a long life, not only the latest.")
    @click.option("--json", "as_json", is_flag=True, help="Everything, as JSON.")
    def explain(
        customer: str, model: str | None, all_models: bool, on: date | None, lang: str, full: bool, as_json: bool
    ) -> None:
        """Tell a customer's life: stages and why, value, audiences, what comes next.

        CUSTOMER is a customer_key, also one that a merge retired, the first six or more characters of one, or
        source:customer_id as the source knows her. E-mail addresses and phone numbers are not
        accepted, and none is ever shown.
        """
        from perennial import night
        from perennial.lifecycle.explain import story
        from perennial.lifecycle.story_text import tell

        if model and all_models:
            raise click.UsageError("--model or --all-models, not both")
        settings = config.load()
        models = settings.lifecycle.enabled if all_models else [model] if model else None
        with warehouse(False):
            as_of = night.horizon()
            if as_of is None:
                raise ConfigError("no night has been built yet; run `make demo`, or `perennial nightly`")
            with connect() as session:
                session.read_only = True
                session.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ  # one state of all tables
                told = story(session, customer, settings, as_of, on, models)
        click.echo(json.dumps(plain(told), ensure_ascii=False, indent=2) if as_json else tell(told, lang, full=full))

    return explain


def plain(value: Any) -> Any:
    """A story as what JSON knows: dates are ISO texts, money and shares are numbers; the keys never change."""
    if isinstance(value, Moment):
        return plain(value.numbers())
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.isoformat() if isinstance(value, date) else value
