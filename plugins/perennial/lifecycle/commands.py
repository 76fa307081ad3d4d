"""The commands `perennial lifecycle ...`: what a changed rule does, before and until it counts."""

import getpass
import json
from datetime import date, timedelta

import click
from rich import box
from rich.console import Console
from rich.table import Table

from perennial import config, night, paths, runs
from perennial.clock import wall_clock
from perennial.errors import ConfigError
from perennial.lifecycle import approval, calibrate, diff
from perennial.warehouse import database


@click.group()
def lifecycle() -> None:
    """Change the rules of lifecycle models: see who moves, freeze population values, approve."""


@lifecycle.command("diff")
@click.option("--list", "keys", is_flag=True, help="Also the customer keys of those who move.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show_diff(keys: bool, as_json: bool) -> None:
    """Who would be in another stage tonight if config/ were built as it stands now?

    Computes all stays of the newest night aside, with the rules, cycle, trend and population of config/, and compares.
    Of rules that a night was already built with and nobody approved it also shows whom they have moved.
    """
    settings = config.load()
    with database.running(stay=False):
        as_of = _newest_night()
        with runs.exclusively("marts"), database.connect() as session:
            moves = diff.stages(settings, as_of, database.warehouse(), session)
            came_in = diff.came_in(session, approval.waiting(session, settings))
    moved = [m for m in moves if m["from_stage"] != m["to_stage"]]
    if as_json:
        found = {"as_of": str(as_of), "moves": [_plain(m, keys) for m in moved]}
        waits = [{**_plain(m, keys), "on_day": str(m["on_day"])} for m in came_in]
        click.echo(json.dumps(found | {"waiting_for_approval": waits}, indent=2))
        return
    customers = {m["lifecycle_model"]: 0 for m in moves}
    for move in moves:
        customers[move["lifecycle_model"]] += move["customers"]
    if came_in:
        title = f"Whom the rules that wait for approval have moved, as of {came_in[0]['on_day']}"
        _print(title, came_in, customers, keys)
    if moved:
        _print(f"Who would move on {as_of}", moved, customers, keys)
    else:
        click.echo(f"Nobody moves: on {as_of} every customer is in the stage that config/ says now.")


def _print(title: str, moves: list[dict], customers: dict[str, int], keys: bool) -> None:
    table = Table("model", "from", "to", title=title, title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("customers", justify="right")
    table.add_column("of all", justify="right")
    for move in moves:
        share = move["customers"] / max(customers.get(move["lifecycle_model"], 0), 1)
        stages = [move[key] or "(not computed)" for key in ("from_stage", "to_stage")]
        table.add_row(move["lifecycle_model"], *stages, f"{move['customers']:,}", f"{share:.1%}")
    console = Console(soft_wrap=True)
    console.print(table)
    for move in moves if keys else []:
        console.print(f"{move['lifecycle_model']} {move['from_stage']} -> {move['to_stage']}:", *move["customer_keys"])


def _plain(move: dict, keys: bool) -> dict:
    return {key: value for key, value in move.items() if keys or key != "customer_keys"}


@lifecycle.command("calibrate")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="First order-day to measure; default a year back.")
@click.option("--freeze", is_flag=True, help="Add the row to lifecycle.yml; without it, only show it.")
def run_calibrate(since, freeze: bool) -> None:
    """Measure the population's order gap and order value on what is known, for the time after the newest night."""
    settings = config.load().lifecycle
    with database.running(stay=False):
        as_of = _newest_night()
        start = since.date() if since else as_of - timedelta(days=364)
        with database.connect() as session:
            found = calibrate.measure(session, start, as_of)
    effective_from = as_of + timedelta(days=1)
    click.echo(
        f"Measured on {found.gaps:,} gaps between order-days from {found.since} to {found.until}: median gap "
        f"{found.median_gap_days:g} days, an order-day is worth {found.order_value:g}. In force: "
        f"{settings.population[-1].median_gap_days:g} and {settings.population[-1].order_value:g}."
    )
    if not freeze:
        click.echo(f"Nothing is changed. --freeze adds it to lifecycle.yml for episodes from {effective_from} on.")
        return
    path = paths.config() / "lifecycle.yml"
    click.echo(f"Added to {path}:\n{calibrate.freeze(path, found, effective_from, settings.models)}", nl=False)
    click.echo("The next night rebuilds the timeline and holds its exports until `perennial lifecycle approve`.")


@lifecycle.command("approve")
@click.option("--by", default=getpass.getuser, show_default="the user of this machine", help="Who approves.")
def run_approve(by: str) -> None:
    """Approve the changed rules that the newest night was built with; its exports may then go out."""
    settings = config.load()
    with database.running(stay=False):
        _newest_night()
        database.migrate()
        with database.connect() as session:
            models = approval.approve(session, settings, wall_clock(), by)
    if not models:
        click.echo("nothing waits for approval")
        return
    click.echo(f"approved by {by}: {', '.join(models)}. Run the night again to export (in Airflow: clear `export`).")


def _newest_night() -> date:
    as_of = night.horizon()
    if as_of is None:
        raise ConfigError("no night has been built yet; run `perennial nightly` first")
    with database.connect() as session:
        night_ = session.execute("select built_at from ops.nights where as_of = %s", [as_of]).fetchone()
    if night_["built_at"] is None:
        raise ConfigError(f"the build of night {as_of} did not end; run its task `transform` again first")
    return as_of
