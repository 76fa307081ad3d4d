"""`perennial sources`: what the systems behind config/sources.yml deliver."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from perennial import config, embedded, paths
from perennial.connections import Connection, configured
from perennial.errors import ConfigError, PerennialError
from perennial.sources import entry_writer
from perennial.warehouse import introspect
from perennial.warehouse.masking import printable
from perennial.warehouse.preview import Preview, previews
from perennial.warehouse.rewind import rewind

WIDTH = 200  # a row of the contract stays on one line


def commands(running: Callable[[bool], AbstractContextManager[Any]]) -> click.Group:
    """The group; `running` gives a reachable warehouse."""

    @click.group("sources")
    def group() -> None:
        """The systems that orders come from."""

    @group.command()
    @click.argument("names", metavar="[SOURCE]...", nargs=-1)
    @click.option("--rows", default=1000, show_default=True, type=click.IntRange(1), help="How many of each entity.")
    @click.option("--all", "everything", is_flag=True, help="Read all rows, and count them.")
    def check(names: tuple[str, ...], rows: int, everything: bool) -> None:
        """Connect to every SOURCE, read some rows, and show them as the warehouse would get them.

        Nothing is stored. Contact details are masked. Of shops with an API what changed in the last 30 days is read.
        """
        found = config.load().sources
        if unknown := sorted(set(names) - set(found.sources)):
            raise ConfigError(f"no source '{unknown[0]}' in config/sources.yml; it has {', '.join(found.sources)}")
        failed = []
        with running(False):
            for name in names or found.sources:
                source = found.sources[name]
                connection = _connection(source.connection) if source.connection else None
                limit = None if everything else rows
                try:
                    for seen in previews(name, source, connection, found.business.currencies, limit):
                        _show(name, seen)
                except PerennialError as error:
                    click.echo(f"{name}: {printable(str(error))}\n", err=True)
                    failed.append(name)
        if failed:
            raise click.ClickException(f"{', '.join(failed)}: not all could be read")

    @group.command()
    @click.argument("name")
    @click.argument("tables", metavar="ENTITY=TABLE...", nargs=-1, required=True)
    @click.option("--connection", "connection_name", required=True, help="The Airflow connection of the database.")
    @click.option("--timezone", help="How timestamps without a zone are meant; needed if there are any.")
    @click.option("--map", "given", multiple=True, metavar="ENTITY.COLUMN=COLUMN", help="Where a guess is wrong.")
    @click.option("--constant", "always", multiple=True, metavar="ENTITY.COLUMN=VALUE", help="The same in all rows.")
    @click.option("--dry-run", is_flag=True, help="Only show the entry.")
    def add(
        name: str,
        tables: tuple[str, ...],
        connection_name: str,
        timezone: str | None,
        given: tuple[str, ...],
        always: tuple[str, ...],
        dry_run: bool,
    ) -> None:
        """Propose how the tables of a database map to the contract, and write it as source NAME into sources.yml.

        e.g. perennial sources add market --connection market orders=public.orders customers=public.buyers
        """
        said: dict[str, str | dict[str, str]] = dict(_pair(one, "ENTITY.COLUMN=COLUMN") for one in given)
        for one in always:
            column, value = _pair(one, "ENTITY.COLUMN=VALUE")
            if column in said:
                raise click.UsageError(f"{column}: either --map or --constant")
            said[column] = {"constant": value}
        with running(False):  # the sample shop is on its server
            added = introspect.entry(
                name,
                dict(_pair(table, "ENTITY=TABLE") for table in tables),
                (connection_name, _connection(connection_name)),
                timezone,
                said,
                config.load().sources.business,
            )
        path = paths.config() / "sources.yml"
        text = entry_writer.insert(path, name, added.entry)
        introspect.proven(path, text)
        click.echo(entry_writer.written(name, added.entry), nl=False)
        for note in added.notes:
            click.echo(f"note: {note}")
        if not dry_run:
            introspect.replace(path, text)
            click.echo(f"written to {path}; look at what it delivers: perennial sources check {name}")

    @group.command()
    @click.argument("name")
    @click.argument("entities", metavar="[ENTITY]...", nargs=-1)
    @click.option("--since", required=True, type=click.DateTime(["%Y-%m-%d"]), help="The day, in the source's zone.")
    def again(name: str, entities: tuple[str, ...], since: datetime) -> None:
        """Let the next night read again what changed in source NAME since a day; what is known is stored once."""
        found = config.load().sources.sources
        if name not in found:
            raise ConfigError(f"no source '{name}' in config/sources.yml; it has {', '.join(found)}")
        with running(False):
            back = rewind(name, found[name], list(entities), since.date())
        click.echo(f"{name}: the next night reads {', '.join(back)} again from {since:%Y-%m-%d} on")

    return group


def _pair(text: str, form: str) -> tuple[str, str]:
    key, _, value = text.partition("=")
    if not key or not value:
        raise click.UsageError(f"'{text}' is not {form}")
    return key, value


def _connection(name: str) -> Connection | None:
    """From the environment; the sample shop's own is on the embedded server, as `perennial nightly` has it."""
    found = configured(name)
    if found is None and name == "shop" and (paths.state() / "sample").is_dir():
        found = embedded.connection(name)
    return found


def _show(name: str, seen: Preview) -> None:
    count = f"{seen.rows:,} rows" if not seen.has_more else f"the first {seen.rows:,} rows"
    click.echo(f"{name}.{seen.entity}: {count}, {sum(one.rows for one in seen.rejected):,} of them would be rejected")
    for one in seen.rejected:
        click.echo(f"  {one.rows:,} x {one.reason} in {printable(one.column)}, e.g. '{one.value}'")
    for note in seen.notes:
        click.echo(f"  note: {printable(note)}")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for column in seen.columns:
        table.add_column(column, no_wrap=True)
    for row in seen.examples:
        table.add_row(*map(Text, row))  # a value in brackets is no markup
    Console(width=WIDTH, soft_wrap=True).print(table if seen.examples else "  no row that the contract accepts\n")
