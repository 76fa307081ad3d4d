"""The commands `perennial identity ...`: what tonight's merges change, and letting one go that waits."""

import getpass
import json
from dataclasses import asdict
from datetime import date

import click
from rich import box
from rich.console import Console
from rich.table import Table

from perennial import config, night, runs
from perennial.clock import wall_clock
from perennial.errors import ConfigError
from perennial.identity import approval, preview
from perennial.warehouse import database

WORDS = {"merge": "merge 合并", "split": "split 拆分", "rename": "rename 换键"}
WAITS = {"held_consent": "a consent would change 授权会改变", "held_a_customer": "an A customer 涉及A类客户"}


def command(day: click.ParamType) -> click.Group:
    """The commands; `day` is the type of a date."""

    @click.group("identity")
    def identity() -> None:
        """Which records are one person: see what merges change, approve those that wait."""

    @identity.command("preview")
    @click.option("--as-of", type=day, help="The night; without it the newest.")
    @click.option("--json", "as_json", is_flag=True, help="Print JSON.")
    def show(as_of: date | None, as_json: bool) -> None:
        """Show a night's merges and splits, and what they change: stage, tier, consent, holdout.

        Everything is computed aside; no table of the night is touched. Merges that wait are shown as if let go.
        """
        settings = config.load()
        with database.running(stay=False):
            chosen = as_of or night.horizon()
            if chosen is None:
                raise ConfigError("no night has been built yet; run `perennial nightly` first")
            database.migrate()
            with runs.exclusively("marts"), database.connect() as session:
                found = preview.changes(session, settings, chosen, database.warehouse())
        if as_json:
            click.echo(json.dumps({"as_of": str(chosen), "changes": [asdict(c) for c in found]}, indent=2))
            return
        waits = sum(change.waits_for is not None for change in found)
        click.echo(f"night of {chosen}: {len(found):,} changes, {waits:,} of them wait for approval")
        if found:
            Console(soft_wrap=True).print(_table(found))

    @identity.command("approve")
    @click.argument("key")
    @click.option("--by", default=getpass.getuser, show_default="the user of this machine", help="Who approves.")
    def run_approve(key: str, by: str) -> None:
        """Let the merge of the customer KEY go that waits; the next night, or this one run again, applies it."""
        with database.running(stay=False):
            database.migrate()
            with database.connect() as session:
                keys = approval.approve(session, key, wall_clock(), by)
        click.echo(f"approved by {by}: {', '.join(keys)} may become one customer. The next `transform` applies it.")

    return identity


def _table(found: list[preview.Change]) -> Table:
    table = Table("", "customer_key", "stage", "tier", "consent", "held out", box=box.SIMPLE_HEAD)
    for change in found:
        what = f"{WORDS[change.event]} ({', '.join(change.joined_by) or 'nothing shared any more'})"
        table.add_row(what, f"waits: {WAITS[change.waits_for]}" if change.waits_for else "")
        for side, people in (("was 原为", change.before), ("becomes 变为", change.after)):
            for p in people:
                held = "yes 是" if p.is_held_out else "no 否"
                table.add_row(f"  {side}", p.customer_key, p.stage or "?", p.tier or "?", p.consent or "none 无", held)
    return table
