"""SQL sources, on SQLite and PostgreSQL: incremental with overlap, exact text, clear errors."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import psycopg
import pyarrow as pa
import pytest

from order_columns import ORDER_COLUMNS
from perennial.connections import Connection
from perennial.errors import ConfigError, ContractError, RetriableError
from perennial.sources import sql
from perennial.sources.sql import Settings

NIGHT = date(2017, 9, 30)


def source(**entity) -> Settings:
    entity = {"table": "orders", "columns": ORDER_COLUMNS} | entity
    return Settings(kind="sql", connection="shop", timezone="UTC", overlap_days=3, entities={"orders": entity})


@pytest.fixture
def sqlite(tmp_path):
    import sqlite3

    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as session:
        session.execute("create table orders (no text, who text, at text, amount numeric, changed text)")
        session.executemany(
            "insert into orders values (?, ?, ?, ?, ?)",
            [
                ("1", "ann", "2017-09-01", 10, "2017-09-01 10:00:00"),
                ("2", "bo", "2017-09-20", 20, "2017-09-20 10:00:00"),
                ("3", "cem", "2017-09-22", 30, None),
            ],
        )
    return Connection("sqlite", database=str(path))


@pytest.fixture
def postgres(warehouse):
    with psycopg.connect(
        host=warehouse.host, user=warehouse.login, dbname=warehouse.database, autocommit=True
    ) as session:
        session.execute("create schema shop")
        session.execute(
            "create table shop.orders (no int, who text, at timestamptz, amount numeric, changed timestamptz, "
            "ok boolean, day date)"
        )
        yield warehouse, session


def rows_of(connection: Connection, settings: Settings, position=None) -> tuple[list[dict], dict]:
    result = []
    for _, extract in sql.open("shop", settings, connection, {"orders": position} if position else {}, NIGHT):
        for table in extract.tables:
            assert all(field.type == pa.string() for field in table.schema)
            result += table.to_pylist()
        position = extract.position()
    return result, position


def test_without_a_cursor_everything_is_read_every_night(sqlite):
    rows, position = rows_of(sqlite, source())
    assert [r["no"] for r in rows] == ["1", "2", "3"]
    assert rows_of(sqlite, source(), position)[0] == rows


def test_the_stored_cursor_is_the_newest_value_and_reading_goes_back_by_the_overlap(postgres):
    """dlt 970: what is read lags, what is stored does not."""
    connection, session = postgres
    settings = source(table="shop.orders", cursor="changed")
    newest = datetime.fromisoformat("2017-09-20T10:00:00+00:00")
    for number, days in enumerate((30, 4, 2, 0)):
        row = [number, newest, newest - timedelta(days=days)]
        session.execute("insert into shop.orders (no, who, at, amount, changed) values (%s, 'x', %s, 1, %s)", row)
    rows, position = rows_of(connection, settings)
    assert len(rows) == 4
    assert datetime.fromisoformat(position["newest"]) == newest
    again, position = rows_of(connection, settings, position)
    assert [r["no"] for r in again] == ["2", "3"], "what changed up to three days before the cursor is read again"
    assert datetime.fromisoformat(position["newest"]) == newest, "the stored cursor never falls back by the overlap"


def test_a_row_committed_late_with_an_older_time_arrives_the_next_night(postgres):
    """dlt 2269, drt 759, dbt_jira 118: without an overlap late commits are lost for ever."""
    connection, session = postgres
    settings = source(table="shop.orders", cursor="changed")
    insert = "insert into shop.orders (no, who, at, amount, changed) values (%s, 'x', %s, 1, %s)"
    session.execute(insert, [1, "2017-09-20", "2017-09-20 10:00+00"])
    _, position = rows_of(connection, settings)
    session.execute(insert, [2, "2017-09-19", "2017-09-19 10:00+00"])
    assert "2" in [r["no"] for r in rows_of(connection, settings, position)[0]]


def test_a_row_without_a_cursor_value_is_never_lost(postgres):
    connection, session = postgres
    settings = source(table="shop.orders", cursor="changed")
    insert = "insert into shop.orders (no, who, at, amount, changed) values (%s, 'x', '2017-01-01', 1, %s)"
    session.execute(insert, [1, "2017-09-20 10:00+00"])
    _, position = rows_of(connection, settings)
    session.execute(insert, [2, None])
    assert "2" in [r["no"] for r in rows_of(connection, settings, position)[0]]


def test_amounts_times_and_nulls_arrive_as_exact_text(postgres):
    connection, session = postgres
    session.execute(
        "insert into shop.orders values (1, null, '2017-07-01 00:30+02', 12345678901234.5678, null, true, '2017-07-01')"
    )
    columns = ORDER_COLUMNS | {"customer_id": "who", "cancelled_at": "day", "status": "ok"}
    rows, _ = rows_of(connection, source(table="shop.orders", columns=columns))
    assert Decimal(rows[0]["amount"]) == Decimal("12345678901234.5678")
    assert datetime.fromisoformat(rows[0]["at"]) == datetime.fromisoformat("2017-06-30T22:30:00+00:00")
    assert (rows[0]["who"], rows[0]["day"], rows[0]["ok"]) == (None, "2017-07-01", "True")


def test_many_rows_are_streamed_in_tables_of_bounded_size(postgres):
    connection, session = postgres
    session.execute(
        "insert into shop.orders (no, who, at, amount) select n, 'x', '2017-01-01', 1 from generate_series(1, 150000) n"
    )
    for _, extract in sql.open("shop", source(table="shop.orders"), connection, {}, NIGHT):
        assert [t.num_rows for t in extract.tables] == [65_536, 65_536, 18_928]


def test_a_query_can_take_the_place_of_a_table(sqlite):
    rows, _ = rows_of(sqlite, source(table=None, query="select no, who, at, amount * 2 as amount from orders;"))
    assert [r["amount"] for r in rows] == ["20", "40", "60"]


def test_a_column_that_stands_twice_is_not_guessed(postgres):
    connection, _ = postgres
    query = "select a.*, b.who from shop.orders a cross join shop.orders b"
    with pytest.raises(ContractError, match="column 'who' stands twice"):
        rows_of(connection, source(table=None, query=query))


def test_times_with_and_without_zone_can_be_mixed(postgres):
    connection, session = postgres
    session.execute(
        "insert into shop.orders (no, who, at, amount, changed) values (1, 'x', '2017-01-01', 1, '2017-09-20')"
    )
    settings = source(table="shop.orders", cursor="changed")
    _, position = rows_of(connection, settings, {"newest": "2017-09-19T00:00:00"})
    assert position["newest"].startswith("2017-09-20")


def test_an_unknown_column_in_the_mapping_is_named_with_what_there_is(sqlite):
    with pytest.raises(ContractError, match="entity 'orders': no column 'total' in orders; it has no, who"):
        rows_of(sqlite, source(columns=ORDER_COLUMNS | {"amount": "total"}))


def test_a_new_column_is_accepted_and_reported_once_and_one_that_went_too(sqlite):
    import sqlite3

    _, position = rows_of(sqlite, source())
    with sqlite3.connect(sqlite.database) as session:
        session.execute("alter table orders add column gift_note text")
        session.execute("insert into orders values ('4', 'dot', '2017-09-23', 40, null, 'for Ann Lee')")
    (extract,) = [found for _, found in sql.open("shop", source(), sqlite, {"orders": position}, NIGHT)]
    assert extract.notes == ["new columns, not read: gift_note; map them in config/sources.yml if they matter"]
    rows, position = rows_of(sqlite, source(), position)
    assert len(rows) == 4
    assert "gift_note" not in rows[0]
    (extract,) = [found for _, found in sql.open("shop", source(), sqlite, {"orders": position}, NIGHT)]
    assert extract.notes == []
    with sqlite3.connect(sqlite.database) as session:
        session.execute("alter table orders drop column gift_note")
    (extract,) = [found for _, found in sql.open("shop", source(), sqlite, {"orders": position}, NIGHT)]
    assert extract.notes == ["columns that are gone, and were not read: gift_note"]


def test_a_missing_table_is_named(postgres):
    connection, _ = postgres
    with pytest.raises(ContractError, match=r"entity 'orders' \(shop\.baskets\): UndefinedTable.*config/sources\.yml"):
        rows_of(connection, source(table="shop.baskets"))


def test_a_value_that_breaks_the_query_is_not_quoted(postgres):
    connection, session = postgres
    session.execute("insert into shop.orders (no, who) values (1, 'jane.doe@example.com')")
    query = "select no, who::int as who, at, amount from shop.orders"
    with pytest.raises(ContractError, match="InvalidTextRepresentation") as caught:
        rows_of(connection, source(table=None, query=query))
    assert "jane" not in str(caught.value)


def test_a_change_dated_in_the_future_does_not_hide_the_changes_until_then(postgres):
    connection, session = postgres
    settings = source(table="shop.orders", cursor="changed")
    insert = "insert into shop.orders (no, who, at, amount, changed) values (%s, 'x', '2017-01-01', 1, %s)"
    session.execute(insert, [1, "2099-01-01"])
    session.execute(insert, [2, "2017-09-20 10:00+00"])
    _, position = rows_of(connection, settings)
    assert position["newest"].startswith("2017-09-20")
    session.execute(insert, [3, "2017-09-21"])
    assert "3" in [r["no"] for r in rows_of(connection, settings, position)[0]]


def test_a_cursor_that_is_no_time_is_refused(postgres):
    connection, session = postgres
    session.execute("insert into shop.orders (no, who, at, amount) values (7, 'x', '2017-01-01', 1)")
    with pytest.raises(ContractError, match="no date and time"):
        rows_of(connection, source(table="shop.orders", cursor="no"))


@pytest.mark.parametrize("kind", ["oracle", "nosuchdb"])
def test_a_missing_driver_is_named(kind):
    with pytest.raises(ConfigError, match=f"no driver for conn_type '{kind}'"):
        rows_of(Connection(kind, "db", database="shop"), source())


def test_an_unreachable_source_is_worth_another_try():
    nowhere = Connection("postgres", "127.0.0.1", 1, "me", "s3cret", "shop")
    with pytest.raises(RetriableError, match="Is the database reachable") as caught:
        rows_of(nowhere, source())
    assert "s3cret" not in str(caught.value)


def test_a_connection_nobody_configured_is_named():
    with pytest.raises(ConfigError, match="AIRFLOW_CONN_SHOP"):
        list(sql.open("shop", source(), None, {}, NIGHT))
