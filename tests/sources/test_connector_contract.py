"""What every connector must do. A new connector is found through the registry and needs an example here."""

import sqlite3
from datetime import date

import pyarrow as pa
import pytest

from perennial.config.sources import Source
from perennial.connections import Connection
from perennial.sources.registry import CONNECTORS

NIGHT = date(2017, 9, 30)
COLUMNS = {"customer_id": "who", "registered_at": "since"}


def example_files(state):
    folder = state / "drop"
    folder.mkdir()
    (folder / "a.csv").write_text("who,since\nann,2017-01-01\nbo,2017-02-01\n")
    entities = {"customers": {"columns": COLUMNS}}
    return Source(kind="files", folder="drop", files="*.csv", timezone="UTC", entities=entities), None


def example_sql(state):
    with sqlite3.connect(state / "shop.db") as session:
        session.execute("create table customers (who text, since text)")
        session.execute("insert into customers values ('ann', '2017-01-01'), ('bo', '2017-02-01')")
    entities = {"customers": {"table": "customers", "columns": COLUMNS}}
    source = Source(kind="sql", connection="shop", timezone="UTC", entities=entities)
    return source, Connection("sqlite", database=str(state / "shop.db"))


EXAMPLES = {"files": example_files, "sql": example_sql}


@pytest.fixture(params=sorted(CONNECTORS))
def opened(request, state):
    """A function that opens the kind's example source, given stored positions."""
    source, connection = EXAMPLES[request.param](state)
    return lambda positions=None: CONNECTORS[request.param].open("it", source, connection, positions or {}, NIGHT)


def test_the_mapped_columns_arrive_as_text(opened):
    for entity, extract in opened():
        tables = list(extract.tables)
        assert entity == "customers"
        assert set(COLUMNS.values()) <= set(extract.columns)
        for table in tables:
            assert table.schema.names == list(extract.columns)
            assert set(table.schema.types) == {pa.string()}
        assert [r["who"] for t in tables for r in t.to_pylist()] == ["ann", "bo"]


def test_the_position_survives_json_and_is_understood_the_next_night(opened):
    import json

    for _, extract in opened():
        list(extract.tables)
        position = json.loads(json.dumps(extract.position()))
    for _, extract in opened({"customers": position}):
        list(extract.tables)
        assert extract.position() == position, "reading again without news moves nothing"
