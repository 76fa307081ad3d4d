"""`perennial quarantine`: which rows were rejected and why, and loading them once the cause is mended."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from perennial import config
from perennial.warehouse import quarantine
from perennial.warehouse.database import connect
from perennial.warehouse.masking import contact_columns, printable, shown


def commands(running: Callable[[bool], AbstractContextManager[Any]]) -> click.Group:
    """The group; `running` gives a reachable warehouse."""

    @click.group("quarantine")
    def group() -> None:
        """Rows that broke the contract: list them, look at them, load them once the cause is mended."""

    @group.command("list")
    def list_() -> None:
        """How many rows wait, by source, column and reason."""
        with running(False), connect() as session:
            rows = session.execute(quarantine.OPEN).fetchall()
        table = _table("where", "column", "reason", "rows", "nights")
        for row in rows:
            nights = f"{row['first_on']}" + (f" to {row['last_on']}" if row["last_on"] != row["first_on"] else "")
            where = f"{row['source']}.{row['entity']}"
            table.add_row(*map(_cell, (where, row["column_name"], row["reason"], f"{row['rows']:,}", nights)))
        Console().print(table if rows else "No row waits in quarantine.")

    @group.command()
    @click.argument("source")
    @click.option("--entity", help="Only these rows, e.g. orders.")
    @click.option("--reason", help="Only rows rejected for this, e.g. not_a_number.")
    @click.option("--limit", default=20, show_default=True, type=click.IntRange(1))
    def show(source: str, entity: str | None, reason: str | None, limit: int) -> None:
        """The newest rows of SOURCE with the value that was refused; contact details are masked."""
        asked = config.load().sources.sources.get(source)
        with running(False), connect() as session:
            rows = session.execute(quarantine.ROWS, [source, entity, entity, reason, reason, limit]).fetchall()
        contacts = contact_columns(asked)
        table = _table("batch", "row", "column", "reason", "value")
        for row in rows:
            line = f":{row['line']}" if row["line"] else ""
            place = f"{row['file']}{line}" if row["file"] else f"{row['row_no']:,}"
            value = shown(row["value"], row["column_name"] in contacts)
            table.add_row(*map(_cell, (row["batch_id"], place, row["column_name"], row["reason"], value)))
        Console().print(table if rows else _cell(f"No such row of {source} waits in quarantine."))

    @group.command()
    @click.argument("source")
    @click.option("--entity", help="Only these rows, e.g. orders.")
    def replay(source: str, entity: str | None) -> None:
        """Load what today's mapping accepts of the rejected rows of SOURCE; they count from the next night on."""
        with running(False):
            counts_from, done = quarantine.replay(source, entity, config.load().sources)
        for one in done:
            if one.loaded or one.settled or one.still:
                click.echo(
                    f"{source}.{one.entity}: {one.loaded:,} rows loaded, {one.settled:,} settled by something newer, "
                    f"{one.still:,} rejected as before"
                )
        if any(one.loaded for one in done):
            click.echo(f"They count from the night of {counts_from} on.")
        elif not any(one.settled or one.still for one in done):
            click.echo(f"No row of {source} waits in quarantine that a mapping could mend.")

    return group


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    for column in columns:
        table.add_column(column, justify="right" if column == "rows" else "left", overflow="fold")
    return table


def _cell(text: str) -> Text:
    return Text(printable(text))  # a name or value in brackets is no markup
