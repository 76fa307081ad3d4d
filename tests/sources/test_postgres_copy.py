"""Rows copied out of PostgreSQL say the same as rows fetched one by one, and the cursor moves the same way."""

import json
import tracemalloc
from datetime import date, datetime, timedelta

import psycopg
import pytest

from perennial.clock import wall_clock
from perennial.connections import Connection
from perennial.errors import ContractError
from perennial.sources import postgres_copy, sql

pytestmark = pytest.mark.server

NIGHT = date(2026, 1, 5)
MAPPED = {"customer_id": "a", "registered_at": "b"}
ODD = (
    "",
    "a,b",
    'say "x"',
    "two\nlines",
    "\\N",
    "\\.",
    " padded ",
    "NULL",
    "流失 Ärger",
    "tab\there",
    "{}",
    "100%",
    None,
)


@pytest.fixture
def shop(warehouse):
    with psycopg.connect(
        host=warehouse.host, user=warehouse.login, dbname=warehouse.database, autocommit=True
    ) as session:
        yield warehouse, session


def read(connection: Connection, position=None, **entity) -> tuple[list[dict], dict]:
    told = {"table": "t", "columns": MAPPED} | entity
    source = sql.Settings(kind="sql", connection="shop", timezone="UTC", entities={"customers": told})
    for _, extract in sql.open("shop", source, connection, {"customers": position} if position else {}, NIGHT):
        rows = [row for table in extract.tables for row in table.to_pylist()]
        return rows, json.loads(json.dumps(extract.position()))
    raise AssertionError


@pytest.fixture
def ways(shop, monkeypatch):
    """Both ways of reading, and how often rows were copied."""
    connection, _ = shop
    copies = []
    tables = postgres_copy.Copy.tables
    monkeypatch.setattr(postgres_copy.Copy, "tables", lambda self, *a: copies.append(1) or tables(self, *a))

    def both(**entity):
        copied, position = read(connection, **entity)
        assert copies, "not copied"
        with monkeypatch.context() as slow:
            slow.setattr(postgres_copy.Copy, "of", lambda *a: None)
            fetched, other = read(connection, **entity)
        return copied, fetched, position, other

    return both


def test_every_odd_text_is_the_same_both_ways(shop, ways):
    _, session = shop
    session.execute("create table t (a text, b text)")
    session.cursor().executemany("insert into t values (%s, %s)", [(text, "x") for text in ODD])
    copied, fetched, _, _ = ways()
    assert [row["a"] for row in copied] == [row["a"] for row in fetched] == list(ODD)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("numeric", ["12345678901234.567890", "0", "-0.10", "1e30", "NaN"]),
        ("numeric(18,4)", ["99999999999999.9999"]),
        ("bigint", ["9223372036854775807"]),
        ("boolean", ["true", "false"]),
        ("date", ["2026-02-28"]),
        ("uuid", ["6a2f41a3-c54c-fce8-32d2-0324e1c32e22"]),
        ("varchar(9)", ["x"]),
        ("char(3)", ["x"]),
        ("mood", ["good"]),
        ("d_amount", ["1.50"]),
    ],
)
def test_values_of_simple_types_are_the_same_text_both_ways(shop, ways, kind, values):
    _, session = shop
    session.execute("create type mood as enum ('good', 'bad'); create domain d_amount as numeric(9, 2)")
    session.execute(f"create table t (a {kind}, b text)")
    for value in [*values, None]:
        session.execute(f"insert into t values (%s::text::{kind}, 'x')", [value])
    copied, fetched, _, _ = ways()
    assert copied == fetched


@pytest.mark.parametrize("style", ["ISO, MDY", "SQL, DMY", "German"])
@pytest.mark.parametrize("kind", ["timestamp", "timestamptz"])
def test_moments_are_exact_whatever_the_server_is_set_to(shop, kind, style):
    connection, session = shop
    session.execute(f"alter role {connection.login} in database {connection.database} set datestyle to '{style}'")
    session.execute(f"alter role {connection.login} in database {connection.database} set timezone to 'Asia/Kolkata'")
    session.execute(f"create table t (a text, b {kind})")
    zone = "+00:00" if kind == "timestamptz" else ""
    moments = [f"{at}{zone}" for at in ("2026-01-02 03:04:05", "2026-01-02 03:04:05.000001", "1999-12-31 23:59:59.5")]
    for at in moments:
        session.execute("insert into t values (1, %s::text::" + kind + ")", [at])
    copied, position = read(connection, cursor="b")
    session.execute(f"alter role {connection.login} in database {connection.database} reset all")
    assert [datetime.fromisoformat(row["b"]) for row in copied] == [datetime.fromisoformat(at) for at in moments]
    assert datetime.fromisoformat(position["newest"]) == datetime.fromisoformat(moments[1])


def test_moments_and_the_cursor_are_the_same_both_ways(shop, ways):
    _, session = shop
    session.execute("create table t (a text, b timestamptz)")
    for at in ("2026-01-02 03:04:05+05:30", "2025-10-26 02:30+02", "2025-10-26 02:30+01"):
        session.execute("insert into t values (1, %s)", [at])
    copied, fetched, position, other = ways(cursor="b")
    assert [datetime.fromisoformat(row["b"]) for row in copied] == [datetime.fromisoformat(r["b"]) for r in fetched]
    assert datetime.fromisoformat(position["newest"]) == datetime.fromisoformat(other["newest"])


def test_the_zone_of_the_session_that_a_query_may_depend_on_stays(shop, ways):
    connection, session = shop
    session.execute(f"alter role {connection.login} in database {connection.database} set timezone to 'Asia/Kolkata'")
    session.execute("create table t (a text, b timestamptz)")
    session.execute("insert into t values ('1', '2026-01-01 20:00+00')")
    copied, fetched, _, _ = ways(
        table=None, query="select a, b::date as b from t where a like '%1%' and '5%' = '5' || chr(37)"
    )
    assert copied == fetched == [{"a": "1", "b": "2026-01-02"}]
    session.execute(f"alter role {connection.login} in database {connection.database} reset all")


def test_the_cursor_passes_over_the_future_infinity_and_nothing_and_reads_on(shop, ways):
    connection, session = shop
    session.execute("create table t (a int, b timestamptz)")
    ahead = wall_clock() + timedelta(days=2)
    for number, at in enumerate(("2026-01-02", "2026-01-01", None, "infinity", "-infinity", ahead)):
        session.execute("insert into t values (%s, %s)", [number, at])
    position = read(connection, cursor="b")[1]
    assert datetime.fromisoformat(position["newest"]) == datetime.fromisoformat("2026-01-02T00:00:00+00:00")
    session.execute("insert into t values (9, '2025-12-31'), (10, '2025-12-01')")
    rows, again = read(connection, position, cursor="b")
    assert sorted(int(row["a"]) for row in rows) == [0, 1, 2, 3, 5, 9]
    assert again == position


@pytest.mark.parametrize("kind", ["bytea", "jsonb", "text[]", "interval"])
def test_other_types_are_fetched_row_by_row(shop, monkeypatch, kind):
    connection, session = shop
    monkeypatch.setattr(postgres_copy.Copy, "tables", None)
    session.execute(f"create table t (a {kind}, b text)")
    session.execute("insert into t values (null, 'x')")
    assert read(connection)[0] == [{"a": None, "b": "x"}]


def test_an_error_in_the_middle_is_told_without_a_value(shop):
    connection, session = shop
    session.execute("create table t (a text, b text)")
    session.execute("insert into t select n, n from generate_series(1, 30000) n")
    session.execute("insert into t values ('1', 'ann@example.com')")
    with pytest.raises(ContractError, match=r"entity 'customers': InvalidTextRepresentation \(22P02\)") as caught:
        read(connection, table=None, query="select a, b::int as b from t")
    assert "example.com" not in str(caught.value)


def test_breaking_off_leaves_the_connection_free(shop):
    connection, session = shop
    session.execute("create table t (a text, b text)")
    session.execute("insert into t select n, n from generate_series(1, 300000) n")
    source = sql.Settings(
        kind="sql", connection="shop", timezone="UTC", entities={"customers": {"table": "t", "columns": MAPPED}}
    )
    opened = sql.open("shop", source, connection, {}, NIGHT)
    _, extract = next(opened)
    assert next(iter(extract.tables)).num_rows == postgres_copy.ROWS_PER_TABLE
    extract.tables.close()
    opened.close()
    session.execute("drop table t")  # would wait for a reader


def test_memory_stays_flat_and_wide_rows_come_in_smaller_tables(shop, monkeypatch):
    connection, session = shop
    monkeypatch.setattr(postgres_copy, "MOST_BYTES", 1 << 20)
    session.execute("create table t (a text, b text)")
    session.execute("insert into t select n, repeat(md5(n::text), 320) from generate_series(1, 5000) n")
    source = sql.Settings(
        kind="sql", connection="shop", timezone="UTC", entities={"customers": {"table": "t", "columns": MAPPED}}
    )
    tracemalloc.start()
    sizes = [t.num_rows for _, e in sql.open("shop", source, connection, {}, NIGHT) for t in e.tables]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sum(sizes) == 5000
    assert max(sizes) < 200
    assert peak < 16 << 20
