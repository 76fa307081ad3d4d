"""A shop on MariaDB, its own server: moments in the right zone, exact amounts, one snapshot, clear errors."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from order_columns import ORDER_COLUMNS
from perennial.connections import Connection
from perennial.errors import ContractError, RetriableError
from perennial.sources import sql
from perennial.sources.sql import Settings
from servers.mariadb import mariadb

NIGHT = date(2017, 9, 30)
TABLE = """
    create or replace table orders (
        no int, who varchar(40), at timestamp null, wall datetime(6) null, amount decimal(20, 4),
        changed timestamp null, ok boolean, note text
    ) character set utf8mb4
"""


@pytest.fixture
def shop():
    """A connection, and a session that writes in UTC."""
    connection = mariadb().connection()
    engine = sa.create_engine(connection.url(), isolation_level="AUTOCOMMIT")
    with engine.connect() as session:
        session.execute(sa.text("set time_zone = '+00:00'"))
        session.execute(sa.text(TABLE))
        yield connection, session
    engine.dispose()


def source(**entity) -> Settings:
    entity = {"table": "orders", "columns": ORDER_COLUMNS} | entity
    return Settings(
        kind="sql", connection="shop", timezone="Asia/Shanghai", overlap_days=3, entities={"orders": entity}
    )


def read(connection: Connection, settings: Settings, position=None) -> tuple[list[dict], dict]:
    found = []
    for _, extract in sql.open("shop", settings, connection, {"orders": position} if position else {}, NIGHT):
        for table in extract.tables:
            found += table.to_pylist()
        position = extract.position()
    return found, position


def insert(session: sa.Connection, no: int, changed: str | None, **more) -> None:
    row = {"no": no, "who": "ann", "at": "2017-09-20 10:00:00", "amount": "10", "changed": changed} | more
    names = ", ".join(row)
    session.execute(sa.text(f"insert into orders ({names}) values ({', '.join(':' + n for n in row)})"), row)


def test_moments_are_told_in_utc_and_wall_times_as_they_stand(shop):
    """The server's own zone is Shanghai's, eight hours ahead: neither it nor the session's may move a sale."""
    connection, session = shop
    insert(session, 1, None, at="2017-09-30 16:30:00", wall="2017-10-01 00:30:00.25")
    columns = ORDER_COLUMNS | {"cancelled_at": "wall"}
    (row,), _ = read(connection, source(columns=columns))
    assert datetime.fromisoformat(row["at"]) == datetime.fromisoformat("2017-09-30T16:30:00+00:00")
    assert row["wall"] == "2017-10-01T00:30:00.250000"


def test_amounts_texts_and_nulls_arrive_as_they_are(shop):
    connection, session = shop
    insert(session, 1, None, amount="1234567890123456.7891", who="林🌸", note=None, ok=True)
    columns = ORDER_COLUMNS | {"cancelled_at": "note", "status": "ok"}
    (row,), _ = read(connection, source(columns=columns))
    assert (Decimal(row["amount"]), row["who"]) == (Decimal("1234567890123456.7891"), "林🌸")
    assert (row["note"], row["ok"]) == (None, "1")


def test_the_cursor_reads_what_changed_with_the_overlap_and_what_has_no_time(shop):
    connection, session = shop
    newest = datetime(2017, 9, 20, 10)
    for no, days in enumerate((30, 4, 2, 0)):
        insert(session, no, str(newest - timedelta(days=days)))
    insert(session, 9, None)
    settings = source(cursor="changed")
    rows, position = read(connection, settings)
    assert len(rows) == 5
    assert datetime.fromisoformat(position["newest"]) == datetime.fromisoformat("2017-09-20T10:00:00+00:00")
    assert sorted(r["no"] for r in read(connection, settings, position)[0]) == ["2", "3", "9"]


def test_all_entities_are_read_in_one_snapshot(shop):
    connection, session = shop
    insert(session, 1, None)
    lines = {"table": "orders", "columns": {"order_id": "no", "line_no": "no", "amount": "amount"}}
    settings = Settings(
        kind="sql",
        connection="shop",
        timezone="UTC",
        entities={"orders": {"table": "orders", "columns": ORDER_COLUMNS}, "order_lines": lines},
    )
    counted = {}
    for entity, extract in sql.open("shop", settings, connection, {}, NIGHT):
        counted[entity] = sum(table.num_rows for table in extract.tables)
        insert(session, 2, None)
    assert counted == {"orders": 1, "order_lines": 1}


def test_many_rows_are_streamed(shop):
    connection, session = shop
    session.execute(sa.text("insert into orders (no, who, amount) select seq, 'ann', 1 from seq_1_to_50000"))
    sizes = [table.num_rows for _, e in sql.open("shop", source(), connection, {}, NIGHT) for table in e.tables]
    assert sizes == [20_000, 20_000, 10_000]


def test_a_wrong_password_may_pass_and_says_nothing_of_it(shop):
    with pytest.raises(RetriableError, match=r"OperationalError \(28000\)\. Is the database reachable") as caught:
        read(mariadb().connection("a wrong secret"), source())
    assert "a wrong secret" not in str(caught.value)


def test_a_column_or_a_table_that_is_not_there_is_a_mistake_of_the_entry(shop):
    connection, _ = shop
    with pytest.raises(ContractError, match="no column 'total' in orders; it has no, who"):
        read(connection, source(columns=ORDER_COLUMNS | {"amount": "total"}))
    with pytest.raises(ContractError, match=r"ProgrammingError \(42S02\)\. Mend table"):
        read(connection, source(table="sales"))
    with pytest.raises(ContractError, match=r"OperationalError \(42S22\)\. Mend table"):
        read(connection, source(table=None, query="select total from orders"))
