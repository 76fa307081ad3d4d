"""Rejected rows are loaded once what was wrong with them, or with our mapping, is mended; none is lost or doubled."""

import json
from datetime import date, timedelta

import pyarrow as pa
import pytest
from click.testing import CliRunner

from perennial import cli, config, landing, night
from perennial.clock import wall_clock
from perennial.config.sources import Sources
from perennial.errors import ConfigError
from perennial.landing import Extract
from perennial.warehouse import loader, quarantine
from perennial.warehouse.database import connect

pytestmark = pytest.mark.server

NIGHT = date(2017, 9, 30)
NEXT = date(2017, 10, 1)
GOOD = {
    "pickup_ref": "CC-1",
    "kundenmail": "ann@example.com",
    "placed_local": "2017-07-01 23:30:00",
    "basket_value": "10.50",
    "cur": "USD",
    "state": "collected",
}


def settings(**states: str) -> Sources:
    """config/sources.yml, with more states of an order than it knows."""
    sources = config.load().sources.model_copy(deep=True)
    column = sources.sources["click_collect"].entities["orders"].columns["status"]
    column.values.update(states)
    return sources


def load(*changes: dict, as_of: date = NIGHT, sources: Sources | None = None) -> loader.Loaded:
    """A night that delivers rows which differ from a good one."""
    columns = [*GOOD, "_problem"]
    table = pa.table({c: pa.array([(GOOD | change).get(c) for change in changes], pa.string()) for c in columns})
    batch = landing.write("click_collect", "orders", as_of, Extract(columns, [table], lambda: {"newest": str(as_of)}))
    with connect() as session:
        session.execute("insert into ops.nights (as_of) values (%s) on conflict do nothing", [as_of])
    return loader.load(batch, (sources or settings()).sources["click_collect"], ("USD",))


def replay(sources: Sources) -> quarantine.Replayed:
    counts_from, (done,) = quarantine.replay("click_collect", "orders", sources)
    assert counts_from == NEXT
    return done


def reconciled(rows) -> bool:
    """Whether landed = loaded + quarantined, in every batch and as the gate adds it up."""
    (batches,) = rows("select bool_and(rows_landed = rows_loaded + rows_quarantined) as right from ops.batches")
    (total,) = rows(
        "select sum(rows_landed) = sum(rows_loaded) + (select count(*) from quarantine.rejected_rows) as right "
        "from ops.batches"
    )
    return batches["right"] and total["right"]


def test_a_row_whose_value_is_mapped_by_now_is_loaded_from_the_next_night_on(warehouse, rows):
    load({}, {"pickup_ref": "CC-2", "state": "locker"}, {"pickup_ref": "CC-3", "state": "eaten"})
    done = replay(settings(locker="placed"))
    assert (done.loaded, done.settled, done.still) == (1, 0, 1)
    (row,) = rows(
        "select r.status, r.amount::text, b.as_of from raw.orders as r join ops.batches as b using (batch_id) "
        "where order_id = 'CC-2'"
    )
    assert (row["status"], row["amount"], row["as_of"]) == ("placed", "10.5000", NEXT)
    assert reconciled(rows)


def test_replaying_again_changes_nothing(warehouse, rows):
    load({"state": "locker"}, {"pickup_ref": "CC-2", "basket_value": "n/a"})
    mended = settings(locker="placed")
    assert replay(mended).loaded == 1
    before = rows("select * from raw.orders"), rows("select * from ops.batches order by batch_id")
    again = replay(mended)
    assert (again.loaded, again.batch_id, again.still) == (0, None, 1)
    assert before == (rows("select * from raw.orders"), rows("select * from ops.batches order by batch_id"))


def test_a_row_that_was_loaded_does_not_wait_any_more(warehouse, rows):
    load({"state": "locker"}, {"pickup_ref": "CC-2", "state": "eaten"})
    done = replay(settings(locker="placed"))
    waiting = rows("select payload ->> 'state' as state, replayed_in from quarantine.rejected_rows order by row_no")
    assert waiting == [
        {"state": "locker", "replayed_in": done.batch_id},
        {"state": "eaten", "replayed_in": None},
    ]


def test_killed_between_landing_and_loading_the_row_is_loaded_once(warehouse, rows, monkeypatch):
    load({"state": "locker"})
    with monkeypatch.context() as patch:
        patch.setattr(loader, "load", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            replay(settings(locker="placed"))
    assert replay(settings(locker="placed")).loaded == 1
    assert len(rows("select from raw.orders")) == 1
    assert reconciled(rows)


def test_the_cursor_stays_where_the_source_was_read_to(warehouse, rows):
    load({"state": "locker"})
    before = rows("select position, batch_id from ops.cursors")
    replay(settings(locker="placed"))
    assert rows("select position, batch_id from ops.cursors") == before


def test_what_the_source_corrected_meanwhile_is_not_turned_back(warehouse, rows):
    load({"state": "locker", "basket_value": "10.50"})
    load({"state": "collected", "basket_value": "12.00"}, as_of=NEXT)
    (done,) = quarantine.replay("click_collect", "orders", settings(locker="placed"))[1]
    assert (done.loaded, done.settled) == (0, 1)
    assert [str(r["amount"]) for r in rows("select amount from raw.orders")] == ["12.0000"]


def test_a_row_dated_in_the_future_does_not_become_right_by_waiting(warehouse, rows):
    load({"placed_local": str(wall_clock().date() + timedelta(days=2))})
    with connect() as session:  # three days later
        session.execute("update ops.batches set extracted_at = extracted_at - interval '3 days'")
        session.execute("update quarantine.rejected_rows set payload = payload || %s", [
            json.dumps({"placed_local": str(wall_clock().date() - timedelta(days=1))})
        ])  # fmt: skip
    assert replay(settings()).loaded == 0


def test_lines_that_could_not_be_read_wait_for_the_file_to_be_delivered_again(warehouse, rows):
    load({"_problem": "2 fields where the header has 9"})
    assert replay(settings()) == quarantine.Replayed("orders", None, 0, 0, 0)


def test_what_the_night_delivers_is_newer_than_what_waited_in_quarantine(warehouse, rows):
    load({"state": "locker", "basket_value": "10.50"})
    replay(settings(locker="placed"))
    load({"basket_value": "12.00"}, as_of=NEXT)
    newest = rows(
        "select r.amount::text from raw.orders as r join ops.batches as b using (batch_id) "
        "order by b.as_of desc, r.row_no desc limit 1"
    )
    assert newest == [{"amount": "12.0000"}]


def test_a_new_warehouse_replays_what_was_replayed(warehouse, rows):
    load({}, {"pickup_ref": "CC-2", "state": "locker"})
    replay(settings(locker="placed"))
    landing.write("click_collect", "orders", NEXT, Extract([*GOOD], [], dict))
    (found,) = landing.replays("click_collect", "orders", NEXT)
    assert (found.night, found.rows) == ("2017-10-01", 1)
    with connect() as session:
        for table in ("quarantine.rejected_rows", "ops.cursors", "ops.batches", "raw.orders"):
            session.execute(f"delete from {table}")
    source = settings(locker="placed").sources["click_collect"]
    assert loader.load(found, source, ("USD",)).loaded == 1


def test_an_unknown_source_is_named_with_those_that_there_are(warehouse):
    with pytest.raises(ConfigError, match=r"no source 'shops' in config/sources\.yml; it has shop, click_collect"):
        quarantine.replay("shops", None, settings())
    with pytest.raises(ConfigError, match="has no entity 'refunds'"):
        quarantine.replay("click_collect", "refunds", settings())


def test_the_commands_tell_what_waits_and_mask_contact_details(warehouse, rows):
    load({"state": "locker"}, {"pickup_ref": "CC-2", "state": "ann@example.com"})
    told = CliRunner().invoke(cli.cli, ["quarantine", "list"]).output
    assert "click_collect.orders" in told
    assert "value_not_allowed" in told
    told = CliRunner().invoke(cli.cli, ["quarantine", "show", "click_collect"]).output
    assert "locker" in told
    assert "ann@" not in told
    assert "a***" in told
    told = CliRunner().invoke(cli.cli, ["quarantine", "replay", "click_collect"]).output
    assert "click_collect.orders: 0 rows loaded, 0 settled by something newer, 2 rejected as before" in told


def test_a_rejected_value_is_shown_as_text_and_nothing_a_terminal_would_act_on(warehouse):
    load({"state": "[/promo]"}, {"state": "[red]x"}, {"state": "\x1b[2Jx"})
    told = CliRunner().invoke(cli.cli, ["quarantine", "show", "click_collect"])
    assert told.exit_code == 0, told.output
    assert "[/promo]" in told.output
    assert "[red]x" in told.output
    assert "\\x1b[2Jx" in told.output
    assert "\x1b" not in told.output


def test_a_night_counts_what_was_replayed_for_it(warehouse, rows, monkeypatch, state):
    load({}, {"pickup_ref": "CC-2", "state": "locker"})
    replay(settings(locker="placed"))
    for entity in ("customers", "orders", "consents"):
        columns = [c.from_ for c in config.load().sources.sources["click_collect"].entities[entity].columns.values()]
        named = [c for c in dict.fromkeys(columns) if c]
        landing.write("click_collect", entity, NEXT, Extract(named, [], dict))
    assert night.load_source("click_collect", NEXT)["landed"] == 1
