"""perennial plan, approve, reject, replay: what would be exported, and letting it go or not."""

import getpass
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.table import Table

from perennial import night
from perennial.activation import effect, replays
from perennial.activation.approval import HELD
from perennial.activation.guards import Counts, told
from perennial.errors import ConfigError
from perennial.warehouse.database import connect

PLANS = "select * from activation.export_runs where as_of = %s order by audience, destination"
REJECTED = """
    select r.plan, r.op, r.error, count(*) as rows
    from activation.export_rows as r join activation.export_runs as p using (plan)
    where p.as_of = %s and r.status in ('rejected', 'handed_over') group by 1, 2, 3 order by 1, 2, 3
"""
Running = Callable[..., AbstractContextManager[Any]]


def commands(running: Running) -> list[click.Command]:
    """The commands; `running` gives a reachable warehouse."""

    @click.command()
    def plan() -> None:
        """Show what the newest night would change at every destination, what waits, and which effects will show."""
        with running():
            as_of = _newest()
            night.plan(as_of)
            show(as_of)
            with connect() as session:
                click.echo("\n".join(effect.power(session, as_of)))

    @click.command()
    @click.argument("plans", nargs=-1)
    @click.option("--all", "everything", is_flag=True, help="Every plan of the newest night that waits.")
    def approve(plans: tuple[str, ...], everything: bool) -> None:
        """Approve PLANS as `perennial plan` shows them, and send them. Changed data needs approval again.

        A plan that was rejected goes out if it is named.
        """
        if bool(plans) == everything:
            raise click.UsageError("name the plans, as `perennial plan` shows them, or say --all")
        with running():
            as_of = _newest()
            for name in night.approve(_held(as_of, plans, HELD), getpass.getuser(), although_rejected=bool(plans)):
                click.echo(f"approved {name}")
            night.send(as_of)
            show(as_of)

    @click.command()
    @click.argument("plans", nargs=-1, required=True)
    def reject(plans: tuple[str, ...]) -> None:
        """Send nothing of PLANS, which wait. Changed data waits anew, and so does the next night."""
        with running():
            as_of = _newest()
            for name in night.reject(_held(as_of, plans, ("waiting",)), getpass.getuser()):
                click.echo(f"rejected {name}")
            show(as_of)

    @click.command()
    @click.argument("plans", nargs=-1, required=True)
    def replay(plans: tuple[str, ...]) -> None:
        """Send again what destinations refused of PLANS of the newest night, once the cause is mended.

        Who is not wanted there any more is left out. Plans of earlier nights are never sent.
        """
        with running():
            as_of = _newest()
            replays.require(as_of, plans)
            again = replays.begin(plans)
            if any(again.values()):
                night.send(as_of)
            for name, rows in again.items():
                click.echo(f"{name}: {replays.told(name, rows)}")
            show(as_of)

    return [plan, approve, reject, replay]


def _held(as_of: date, plans: tuple[str, ...], states: tuple[str, ...]) -> list[str]:
    """The plans that were named, or all that wait; ConfigError if one of them is in none of these states."""
    with connect() as session:
        found = {row["plan"]: row["status"] for row in session.execute(PLANS, [as_of])}
    if unknown := sorted(name for name in plans if found.get(name) not in states):
        raise ConfigError(f"{', '.join(unknown)}: no plan of night {as_of} that waits; see `perennial plan`")
    return list(plans) or [name for name, status in found.items() if status == "waiting"]


def show(as_of: date) -> None:
    """Print the night's plans: members before and after, changes, and why one waits."""
    table = Table("plan", "members", "add", "update", "remove", "bought since", "status", box=box.SIMPLE_HEAD)
    with connect() as session:
        for row in session.execute(PLANS, [as_of]).fetchall():
            counts = Counts(
                *(row[name] for name in ("members_before", "members", "adds", "updates", "removes")),
            )
            why = f": {told(counts, row['tripped'])}" if row["status"] in ("waiting", "unevaluable") else ""
            change = f"{row['members_before']:,} -> {row['members']:,}"
            numbers = [f"{row[name]:,}" for name in ("adds", "updates", "removes", "bought_since")]
            table.add_row(row["plan"], change, *numbers, f"{row['status']}{why}")
        problems = session.execute(REJECTED, [as_of]).fetchall()
    console = Console()
    console.print(table)
    for row in problems:
        console.print(f"{row['plan']}: {row['rows']:,} x {row['op']}: {row['error'] or 'handed over, outcome unknown'}")


def _newest() -> date:
    as_of = night.horizon()
    if as_of is None:
        raise ConfigError("no night has been built yet; run `perennial nightly` first")
    return as_of
