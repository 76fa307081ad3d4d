"""The command `perennial backtest`."""

import json
from datetime import datetime

import click

from perennial.warehouse import database


@click.command()
@click.option("--model", "models", multiple=True, help="Lifecycle model in config/; without it all enabled ones.")
@click.option(
    "--horizon",
    type=click.IntRange(1, 3650),
    default=92,
    show_default=True,
    help="Days after an origin without an order to count as silent.",
)
@click.option(
    "--origin",
    "origins",
    type=click.DateTime(["%Y-%m-%d"]),
    multiple=True,
    help="Day to ask on, several times if you like; without it up to six month ends.",
)
@click.option(
    "--thresholds", help="Silence to try beside the stages, e.g. 45,60,4x,4x75: days, cycles, cycles x floor."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--stay", is_flag=True, help="Leave the embedded server running at the end.")
def backtest(
    models: tuple[str, ...],
    horizon: int,
    origins: tuple[datetime, ...],
    thresholds: str | None,
    as_json: bool,
    stay: bool,
) -> None:
    """Prove a rule before it goes live: whom would it have flagged, and who then stayed silent?

    The models are tested as config/ says them now, enabled or not; the cycle, trend and population values are those
    of the newest night. One --model shows every threshold, several are compared.
    """
    from perennial import config, night, runs
    from perennial.errors import ConfigError
    from perennial.lifecycle.backtest import plain, rules, run, show

    lifecycle = config.load().lifecycle
    tried = rules.parse(thresholds) if thresholds else rules.DEFAULT
    with database.running(stay):
        as_of = night.horizon()
        if as_of is None:
            raise ConfigError("no night has been built yet; run `perennial nightly` first")
        database.migrate()
        days = [origin.date() for origin in origins]
        with runs.exclusively("marts"):  # not while a night rebuilds what is read
            found = run.run(lifecycle, as_of, list(dict.fromkeys(models)) or lifecycle.enabled, horizon, days, tried)
    if as_json:
        click.echo(json.dumps(plain.as_json(found), ensure_ascii=False, indent=2))
    else:
        show.show(found)
