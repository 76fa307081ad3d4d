"""What a source delivers, as the contract sees it, before any night reads it: nothing is landed, stored or moved on."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta

import psycopg
import pyarrow as pa
from psycopg import sql

from perennial.clock import wall_clock
from perennial.config.sources import Source
from perennial.connections import Connection
from perennial.landing import Extract
from perennial.sources import sweep
from perennial.sources.api import ApiSettings
from perennial.sources.base import Column as Origin
from perennial.sources.registry import connector
from perennial.warehouse import contract, landed_rows, rowcheck
from perennial.warehouse.database import connect
from perennial.warehouse.masking import contact_columns, shown
from perennial.warehouse.phones import COMPLETED, Phones

EXAMPLES = 10
API_DAYS = 30  # of an API only what changed lately is asked for: everything may take hours

REJECTED = """
    select problem[1] as reason, problem[2] as column_name, min(problem[3]) as value, count(*) as rows
    from checked_rows where problem is not null group by 1, 2 order by rows desc, 1, 2
"""


@dataclass(frozen=True)
class Rejected:
    """Rows that would go to quarantine for one reason, and a value of theirs without contact details."""

    reason: str
    column: str
    value: str
    rows: int


@dataclass(frozen=True)
class Preview:
    """One entity: rows that were read, whether there are more, what is wrong, and mapped rows, contacts masked."""

    entity: str
    rows: int
    has_more: bool
    rejected: list[Rejected]
    columns: list[str]
    examples: list[list[str]]
    notes: list[str]


def previews(
    name: str, source: Source, connection: Connection | None, currencies: tuple[str, ...], limit: int | None
) -> Iterator[Preview]:
    """Every entity of a source, read until `limit` rows were seen (all, if None). Raises what the source raises."""
    now = wall_clock()
    lately = {"newest": (now - timedelta(days=API_DAYS)).isoformat()} if isinstance(source, ApiSettings) else None
    for entity in source.entities:
        # each by itself: a reading that is broken off ends with its connection
        alone = source.model_copy(update={"entities": {entity: source.entities[entity]}})
        positions = {entity: lately} if lately else {}
        with closing(connector(source).open(name, alone, connection, positions, now.date())) as opened:
            for _, extract in opened:
                yield _preview(entity, source, extract, currencies, limit)


def _preview(entity: str, source: Source, extract: Extract, currencies: tuple[str, ...], limit: int | None) -> Preview:
    origins = source.entities[entity].columns
    contracted = contract.ENTITIES[entity]
    told = [column for column in contracted.columns if column.name in origins]
    contacts = contact_columns(source)
    reading = _Reading(extract, limit)
    batches, columns, mapping = reading.batches(), list(extract.columns), source.entities[entity]
    phones = Phones.of(source, entity)  # numbers as they will be stored
    if phones:
        batches, columns, mapping = map(phones.complete, batches), [*columns, COMPLETED], phones.mapped(mapping)
    with connect() as session:
        session.execute("select set_config('timezone', %s, true)", [source.timezone])
        landed_rows.copy_rows(session, columns, batches)
        at = wall_clock().isoformat()
        session.execute(rowcheck.checked_rows(contracted, mapping, columns, currencies, at))
        rejected = [
            Rejected(
                row["reason"], row["column_name"], shown(row["value"], row["column_name"] in contacts), row["rows"]
            )
            for row in session.execute(REJECTED).fetchall()
        ]
        examples = _examples(session, told, origins, contacts)
        session.rollback()
    why_not = sweep.why_not(connector(source), entity)
    notes = [
        *extract.notes,
        *(phones.notes() if phones else []),
        *([f"the weekly sweep leaves it out: {why_not}"] if why_not else []),
    ]
    return Preview(entity, reading.rows, reading.has_more, rejected, [column.name for column in told], examples, notes)


class _Reading:
    """The first rows of an extract."""

    def __init__(self, extract: Extract, limit: int | None) -> None:
        self.rows, self.has_more = 0, False
        self._extract, self._limit = extract, limit

    def batches(self) -> Iterator[pa.RecordBatch]:
        for table in self._extract.tables:
            for batch in table.to_batches() if isinstance(table, pa.Table) else [table]:
                left = batch.num_rows if self._limit is None else self._limit - self.rows
                if batch.num_rows > left:
                    self.has_more = True
                    batch = batch.slice(0, left)
                self.rows += batch.num_rows
                yield batch
                if self.has_more:
                    return


def _examples(
    session: psycopg.Connection, told: list[contract.Column], origins: dict[str, Origin], contacts: set[str]
) -> list[list[str]]:
    typed = sql.SQL(", ").join(rowcheck.typed(column, origins[column.name]) for column in told)
    query = sql.SQL("select {} from checked_rows where problem is null order by row_no limit {}")
    rows = session.execute(query.format(typed, EXAMPLES)).fetchall()
    # what was made of an address tells nobody the address
    masked = {name for name, origin in origins.items() if origin.from_ in contacts and origin.as_ != "email_key"}
    return [[shown(row[column.name], column.name in masked, longest=40) for column in told] for row in rows]
