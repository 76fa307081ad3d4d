"""Whatever is delivered, loaded, replayed or told of her again: she does not come back."""

from datetime import UTC, datetime, timedelta

import erased_shop as world
import pytest
from erased_shop import NIGHT, erased, everything, landed, traces

from perennial import config, landing
from perennial.activation import opt_outs
from perennial.destinations.base import OptOut
from perennial.erasure import salted
from perennial.warehouse import loader, quarantine
from perennial.warehouse.database import connect

pytestmark = pytest.mark.server

AT = datetime(2026, 1, 5, tzinfo=UTC)


def test_rows_that_come_again_are_the_tombstones_that_are_there(shop, rows):
    erased()
    before = rows("select * from raw.customers order by 1, 2")
    done = shop.night(NIGHT + timedelta(7))  # everything once more, and the ids
    assert [one.new for one in done] == [0] * len(done)
    assert rows("select * from raw.customers order by 1, 2") == before
    assert rows("select * from ops.swept_rows") == []
    assert traces(everything()) == traces(landed()) == []


def test_what_was_landed_and_not_loaded_is_loaded_without_her(shop, rows):
    later = NIGHT + timedelta(1)
    shop.sell("A8", world.ANN, "2025-12-01 10:00:00", "100.00")
    shop.land(later)
    erased()
    shop.load(later)
    assert [row["amount"] for row in rows("select amount::text from raw.orders where order_id = 'A8'")] == ["100.0000"]
    assert traces(everything()) == traces(landed()) == []


def test_a_rejected_row_that_is_replayed_afterwards_counts_and_is_nobodys(shop, rows):
    shop.do("update customers set memo = 'Staff: Ann Lee' where id = ?", world.ANN)
    shop.night(NIGHT + timedelta(1))
    erased()
    settings = config.load().sources.model_copy(deep=True)
    settings.sources["it"].entities["customers"].exclude.clear()
    _, (done,) = quarantine.replay("it", "customers", settings)
    assert (done.loaded, done.still) == (1, 0)
    assert traces(everything()) == traces(landed()) == []


def test_a_new_order_of_hers_counts_and_is_nobodys(shop, rows):
    erased()
    shop.sell("A9", world.ANN, "2025-12-01 10:00:00", "100.00")
    shop.night(NIGHT + timedelta(1))
    (order,) = rows("select customer_id, amount::text from raw.orders where order_id = 'A9'")
    (known,) = rows("select distinct customer_id from raw.orders where order_id = 'A1'")
    assert (order["customer_id"], order["amount"]) == (known["customer_id"], "100.0000")
    assert traces(everything()) == traces(landed()) == []


def test_a_warehouse_made_anew_knows_who_was_erased_before_it_reads_a_source(shop, rows):
    erased()
    told = rows("select * from raw.orders order by source, order_id")
    with connect() as session:
        session.execute("truncate raw.customers, raw.orders, raw.consents, ops.batches, ops.erasures cascade")
        session.execute("truncate pii.erasure_salt")
    salted.restore()
    settings = config.load().sources
    for batch in landing.everything():
        if not batch.as_of.endswith(".ids"):
            loader.load(batch, settings.sources[batch.source], ("USD",))
    technical = {"loaded_at"}
    replayed = rows("select * from raw.orders order by source, order_id")
    assert [{k: v for k, v in row.items() if k not in technical} for row in replayed] == [
        {k: v for k, v in row.items() if k not in technical} for row in told
    ]
    shop.night(NIGHT + timedelta(1))
    assert traces(everything()) == traces(landed()) == []


def test_what_a_campaign_tool_says_of_her_afterwards_is_not_kept(shop, rows):
    with connect() as session:
        opt_outs._keep(session, NIGHT, "tool", OptOut("Ann@example.com", "email", "complaint", AT))
    erased()
    said = [("email", " ANN@example.com"), ("sms", "1 413 555 0101"), ("email", "joann@example.com")]
    with connect() as session:
        kept = [
            opt_outs._keep(session, NIGHT, "tool", OptOut(one, channel, "unsubscribed", AT)) for channel, one in said
        ]
    assert kept == [0, 0, 1]
    assert rows("select address from pii.opt_outs") == [{"address": "joann@example.com"}]


def test_a_rejected_row_of_hers_stays_rejected_for_the_same_reason(shop, rows):
    shop.sell("A7", world.ANN, "2025-05-01 10:00:00", "free")
    shop.do("update customers set memo = 'Staff: Ann Lee' where id = ?", world.ANN)
    shop.night(NIGHT + timedelta(1))
    columns = "batch_id, row_no, reason, column_name, mapped ->> 'customer_id' as who, payload"
    asked = f"select {columns} from quarantine.rejected_rows order by 1, 2"
    before = rows(asked)
    assert {row["reason"] for row in before} == {"not_a_number", "excluded_by_rule"}
    erased()
    after = rows(asked)
    kept = ("batch_id", "row_no", "reason", "column_name")
    assert [[row[k] for k in kept] for row in after] == [[row[k] for k in kept] for row in before]
    assert all(row["who"].startswith("erased-") for row in after)
    assert {row["payload"].get("memo") for row in after} == {None, "staff"}
    with connect() as session:
        session.execute("truncate raw.customers, raw.orders, raw.consents, ops.batches cascade")
    for batch in landing.everything():
        if not batch.as_of.endswith(".ids"):
            loader.load(batch, config.load().sources.sources[batch.source], ("USD",))
    assert [[row[k] for k in kept] for row in rows(asked)] == [[row[k] for k in kept] for row in before]
    assert traces(everything()) == traces(landed()) == []
