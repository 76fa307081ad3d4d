"""Once a week all ids of a database are held against ours: what is gone or never came is told, and much of it stops."""

import sqlite3
from datetime import date, timedelta

import pytest
from pydantic import ValidationError

from order_columns import ORDER_COLUMNS
from perennial import gate, landing, swept
from perennial.config.sources import Sources
from perennial.connections import Connection
from perennial.errors import GateError
from perennial.sources import sql, sweep
from perennial.sources.extract import extract
from perennial.warehouse import loader
from perennial.warehouse import sweep as compared
from perennial.warehouse.database import connect

pytestmark = pytest.mark.server

SATURDAY = date(2026, 1, 3)
SUNDAY = SATURDAY + timedelta(1)
ORDERS = ORDER_COLUMNS | {"customer_id": {"from": "who", "as": "email_key"}, "changed_at": "changed"}
LINES = {"order_id": "no", "line_no": "line", "amount": "amount"}
CONSENTS = {
    "customer_id": "who",
    "channel": {"constant": "email"},
    "purpose": {"constant": "marketing"},
    "status": {"constant": "granted"},
    "changed_at": "changed",
}


class Shop:
    """A SQLite shop and nights that read it."""

    def __init__(self, state):
        self.path = state / "shop.db"
        self.do("create table orders (no text, who text, at text, amount text, changed text)")
        for n in range(1, 21):
            self.sell(str(n), f"2025-{1 + n // 2:02d}-01 10:00:00")

    def do(self, statement, *values):
        with sqlite3.connect(self.path) as session:
            session.execute(statement, values)

    def sell(self, number, at, amount="5.00", who="ann@example.com"):
        self.do("insert into orders values (?, ?, ?, ?, ?)", number, who, at, amount, at)

    def source(self, **more) -> sql.Settings:
        orders = {"table": "orders", "cursor": "changed", "columns": ORDERS}
        known = {"kind": "sql", "connection": "shop", "timezone": "UTC", "entities": {"orders": orders}}
        return sql.Settings.model_validate(known | more)

    def extract(self, as_of, **more):
        return extract("it", self.source(**more), Connection("sqlite", database=str(self.path)), as_of)

    def night(self, as_of, **more) -> None:
        source = self.source(**more)
        for batch in self.extract(as_of, **more):
            loader.load(batch, source, ("USD",))
        compared.compare("it", source, as_of)


@pytest.fixture
def shop(state, warehouse) -> Shop:
    made = Shop(state)
    made.night(SATURDAY)
    return made


def found(rows) -> list[tuple]:
    asked = "select entity, source_rows, known_rows, gone_rows, unseen_rows from ops.sweeps order by as_of, entity"
    return [tuple(row.values()) for row in rows(asked)]


def told(shop, as_of=SUNDAY, **more) -> tuple[list[str], list[dict]]:
    business = {"timezone": "UTC", "currency": "USD"}
    sources = Sources.model_construct(business=business, sources={"it": shop.source(**more)})
    with connect() as session:
        stops = swept.told(session, as_of, sources)
        notes = "select severity, passed, message from ops.gate_results where as_of = %s"
        return stops, session.execute(notes, [as_of]).fetchall()


def test_the_night_decides_the_day_and_other_nights_ask_for_no_ids(shop, rows):
    assert found(rows) == []
    assert landing.find("it", "orders", sweep.batch_of(SATURDAY)) is None
    shop.night(SUNDAY)
    assert found(rows) == [("orders", 20, 20, 0, 0)]
    assert told(shop) == ([], [])
    shop.night(SUNDAY + timedelta(1), sweep="monday")
    shop.night(SUNDAY + timedelta(7), sweep="never")
    assert len(found(rows)) == 2


def test_a_row_that_was_deleted_at_the_source_is_told_and_stays_as_it_is(shop, rows):
    shop.do("delete from orders where no = '20'")
    shop.night(SUNDAY)
    assert found(rows) == [("orders", 19, 20, 1, 0)]
    assert rows("select finding, key from ops.swept_rows") == [{"finding": "gone", "key": ["20"]}]
    stops, notes = told(shop)
    assert stops == []
    assert [(n["severity"], n["passed"]) for n in notes] == [("warn", False)]
    assert "it.orders, sweep of 2026-01-04: 1 of 20 known rows are gone at the source" in notes[0]["message"]
    assert "(such as 20; ops.swept_rows lists them)" in notes[0]["message"]
    assert len(rows("select from raw.orders where order_id = '20' and status = 'placed'")) == 1
    assert told(shop, SUNDAY + timedelta(1)) == ([], []), "said once"


def test_a_source_that_suddenly_tells_of_the_last_months_only_stops_the_night_until_that_is_allowed(shop, rows):
    """A right that was narrowed to 60 days: nothing fails, and years are missing."""
    shop.do("delete from orders where at < '2025-09-01'")
    shop.night(SUNDAY)
    stops, (note,) = told(shop)
    assert len(stops) == 1
    assert (note["severity"], note["passed"]) == ("block", False)
    assert "15 of 20 known rows are gone at the source (it begins with 2025-09-01, we with 2025-01-01)" in stops[0]
    assert stops[0].endswith("If that is right, raise `may_miss` in config/sources.yml")
    assert told(shop, SUNDAY + timedelta(1))[0] == stops, "and the nights after it"
    assert told(shop, SUNDAY + timedelta(2), may_miss=0.8)[0] == []


def test_the_gate_stops_the_night(shop, monkeypatch):
    shop.do("delete from orders")
    shop.night(SUNDAY)
    monkeypatch.setattr(gate, "TOTALS", {"orders": {"a": "select 1", "b": "select 1"}})
    monkeypatch.setattr(gate.config, "load", lambda: type("C", (), {"sources": Sources.model_construct(
        business=None, sources={"it": shop.source()})}))  # fmt: skip
    with pytest.raises(GateError, match="20 of 20 known rows are gone at the source"):
        gate.run(SUNDAY)
    with pytest.raises(GateError, match="the gate of night 2026-01-04 is closed"):
        gate.require_open(SUNDAY)


def test_rows_that_no_night_has_seen_are_told(shop, rows):
    """Committed late, with a time before the overlap: the cursor never comes by."""
    shop.sell("late", "2025-02-01 10:00:00")
    shop.night(SUNDAY)
    assert found(rows) == [("orders", 21, 20, 0, 1)]
    assert rows("select finding, key from ops.swept_rows") == [{"finding": "unseen", "key": ["late"]}]
    _, (note,) = told(shop)
    assert "1 of its 21 rows never came here: raise `overlap_days` for a night" in note["message"]
    shop.night(SUNDAY + timedelta(1), overlap_days=366, sweep="monday")
    assert found(rows)[-1] == ("orders", 21, 20, 0, 0)
    assert len(rows("select from raw.orders where order_id = 'late'")) == 1


def test_rows_of_the_night_itself_and_rejected_ones_are_neither_gone_nor_unseen(shop, rows):
    shop.sell("new", "2026-01-04 10:00:00")
    shop.sell("bad", "2026-01-04 10:00:00", amount="n/a")
    shop.night(SUNDAY)
    assert found(rows) == [("orders", 22, 20, 0, 0)]


def test_what_arrives_between_ids_and_rows_is_not_gone(shop, rows, monkeypatch):
    land = sweep.land

    def slow(*arguments):
        land(*arguments)
        shop.sell("between", "2026-01-04 10:00:00")

    monkeypatch.setattr(sweep, "land", slow)
    shop.night(SUNDAY)
    assert found(rows) == [("orders", 20, 20, 0, 0)]
    assert len(rows("select from raw.orders where order_id = 'between'")) == 1


def test_running_the_night_again_changes_nothing(shop, rows):
    shop.do("delete from orders where no = '20'")
    shop.night(SUNDAY)
    before = rows("select * from ops.sweeps, ops.swept_rows")
    shop.do("delete from orders where no = '19'")
    shop.night(SUNDAY)
    assert rows("select * from ops.sweeps, ops.swept_rows") == before


def test_killed_between_ids_and_rows_and_run_again_the_same_is_found(shop, rows, monkeypatch):
    shop.do("delete from orders where no = '20'")
    write = landing.write

    def dies(source, entity, as_of, extracted):
        if as_of == SUNDAY:
            raise KeyboardInterrupt
        return write(source, entity, as_of, extracted)

    monkeypatch.setattr(landing, "write", dies)
    with pytest.raises(KeyboardInterrupt):
        shop.extract(SUNDAY)
    monkeypatch.setattr(landing, "write", write)
    shop.night(SUNDAY)
    assert found(rows) == [("orders", 19, 20, 1, 0)]


def test_only_ids_and_a_date_are_read_and_statements_not_at_all(shop):
    entities = {
        "orders": {"table": "orders", "columns": ORDERS, "exclude": [{"column": "amount", "equals": "0"}]},
        "order_lines": {"query": "select no, '01' as line, amount from orders", "columns": LINES},
        "consents": {"table": "orders", "columns": CONSENTS},
    }
    shop.extract(SUNDAY, entities=entities)
    ids = {e: landing.find("it", e, sweep.batch_of(SUNDAY)) for e in entities}
    assert [sorted(ids[e].columns) for e in ("orders", "order_lines")] == [["at", "no"], ["line", "no"]]
    assert ids["consents"] is None


def test_a_line_is_the_same_however_its_number_is_written(state, warehouse, rows):
    shop = Shop(state)
    lines = {"query": "select no, '01' as line, amount from orders", "columns": LINES}
    shop.night(SATURDAY, entities={"order_lines": lines})
    shop.night(SUNDAY, entities={"order_lines": lines | {"query": lines["query"].replace("'01'", "1")}})
    assert found(rows) == [("order_lines", 20, 20, 0, 0)]


@pytest.mark.parametrize("who", ["ann@example.com", "+14135550101"])
def test_no_contact_detail_is_listed(state, warehouse, rows, who):
    shop = Shop(state)
    shop.sell("21", "2025-01-01", who=who)
    contact = "email" if "@" in who else "phone"
    columns = {"customer_id": "who", contact: "who", "registered_at": "at"}
    customers = {"customers": {"query": "select who, min(at) as at from orders group by 1", "columns": columns}}
    shop.night(SATURDAY, entities=customers)
    shop.do("delete from orders where who = ?", who)
    shop.night(SUNDAY, entities=customers)
    assert rows("select key from ops.swept_rows") == [{"key": [f"{who[:1]}***"]}]


def test_days_and_shares_that_are_none_are_refused(state, warehouse):
    shop = Shop(state)
    with pytest.raises(ValidationError, match="'never'"):
        shop.source(sweep="weekly")
    with pytest.raises(ValidationError, match="less than or equal to 1"):
        shop.source(may_miss=10)
