"""Files from their folder to raw: read once, the re-delivered one wins, the broken one is told of and blocks nobody."""

import gzip
from datetime import date, timedelta

import pytest

from order_columns import ORDER_COLUMNS
from perennial import gate_checks
from perennial.sources import files
from perennial.sources.extract import extract
from perennial.warehouse import loader, quarantine
from perennial.warehouse.database import connect

pytestmark = pytest.mark.server

NIGHT = date(2026, 1, 5)


class Nights:
    """A drop folder, and nights that load what is new in it."""

    def __init__(self, state):
        self.folder, self.as_of = state / "drop", NIGHT
        self.folder.mkdir()
        entities = {"orders": {"columns": ORDER_COLUMNS}}
        self.source = files.Settings(kind="files", folder="drop", files="*", timezone="UTC", entities=entities)

    def put(self, name: str, **amounts: str) -> None:
        rows = [f"{no},ann,2026-01-02 10:00:00,{amount}" for no, amount in amounts.items()]
        content = "\n".join(["no,who,at,amount", *rows, ""]).encode()
        (self.folder / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)

    def run(self) -> loader.Loaded:
        (batch,) = extract("it", self.source, None, self.as_of)
        done = loader.load(batch, self.source, ("USD",))
        self.as_of += timedelta(1)
        return done


@pytest.fixture
def nights(state) -> Nights:
    return Nights(state)


@pytest.fixture
def orders(rows):
    """The newest version of every order, as staging has it."""

    def newest() -> dict[str, float]:
        found = rows(
            "select distinct on (order_id) order_id, amount from raw.orders join ops.batches using (batch_id) "
            "order by order_id, as_of desc, row_no desc"
        )
        return {row["order_id"]: float(row["amount"]) for row in found}

    return newest


def test_a_re_delivered_file_wins_and_nothing_is_counted_twice(warehouse, nights, rows, orders):
    nights.put("a.csv", a="1", b="2")
    assert nights.run().new == 2
    nights.put("a.csv", a="1", b="3", c="4")
    assert nights.run().new == 2, "a is what it was"
    assert orders() == {"a": 1, "b": 3, "c": 4}
    nights.put("copy.csv", a="1", b="3", c="4")
    assert (nights.run().landed, orders()) == (0, {"a": 1, "b": 3, "c": 4})
    assert nights.run().landed == 0


def test_a_late_file_arrives_and_an_order_it_shares_is_one_order(warehouse, nights, orders):
    nights.put("2026-01-02.csv", a="1", b="2")
    nights.run()
    nights.put("2026-01-01.csv.gz", b="2", late="7")
    assert nights.run().new == 1
    assert orders() == {"a": 1, "b": 2, "late": 7}


def test_a_broken_file_is_one_rejected_row_that_the_gate_tells_and_the_rest_is_loaded(warehouse, nights, rows, orders):
    nights.put("a.csv.gz", a="1")
    (nights.folder / "a.csv.gz").write_bytes((nights.folder / "a.csv.gz").read_bytes()[:-9])
    nights.put("b.csv", b="2")
    done = nights.run()
    assert (done.landed, done.loaded, done.quarantined) == (2, 1, 1)
    assert orders() == {"b": 2}
    (row,) = rows("select reason, column_name, value, payload ->> '_file' as file from quarantine.rejected_rows")
    told = "is a gzip file that ends too early; have it delivered again"
    assert tuple(row.values()) == ("unreadable_file", "_file", told, "a.csv.gz")
    with connect() as session:
        gate_checks.files(session, NIGHT)
        gate_checks.files(session, NIGHT + timedelta(1))
    warnings = rows("select as_of, passed, severity, message from ops.gate_results")
    message = f"files that could not be read: it: a.csv.gz {told}; see the quarantine"
    assert [tuple(w.values()) for w in warnings] == [(NIGHT, False, "warn", message)]


def test_a_broken_file_that_comes_whole_is_loaded_and_no_longer_waits(warehouse, nights, rows, orders):
    nights.put("a.csv", a="1")
    (nights.folder / "a.csv").write_bytes(b"PK\x03\x04")
    nights.run()
    nights.put("a.csv", a="1")
    assert nights.run().loaded == 1
    assert orders() == {"a": 1}
    with connect() as session:
        assert session.execute(quarantine.OPEN).fetchall() == []
