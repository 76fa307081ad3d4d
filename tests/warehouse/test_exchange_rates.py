"""Orders in several currencies: converted with the rate of their day, held back without one, restated with another."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from pydantic import ValidationError

from order_columns import ORDER_COLUMNS
from perennial import config, gate, transform
from perennial.config.sources import Sources
from perennial.errors import GateError
from perennial.sources.extract import extract
from perennial.warehouse import loader
from perennial.warehouse.database import connect

NIGHT = date(2026, 1, 5)
MODELS = ("input_exchange_rates", "input_orders", "input_refunds", "input_missing_rates", "stg_orders", "stg_refunds")
# as central banks publish it: one column per currency, N/A where there is none, others nobody asks for
BANK = "Date,USD,JPY,CNY,\n{rows}"
RATES = {
    "unpivot": {"columns": ["USD", "CNY"], "name": "currency", "value": "rate"},
    "columns": {"base": {"constant": "EUR"}, "currency": "currency", "rated_on": "Date", "rate": "rate"},
}
SHOP = ORDER_COLUMNS | {"currency": "paid_in"}
REFUNDS = {"refund_id": "no", "order_id": "of", "refunded_at": "at", "amount": "amount", "currency": "paid_in"}


def settings(**business) -> Sources:
    known = {"timezone": "UTC", "currency": "USD", "other_currencies": ["EUR", "CNY"]} | business
    drop = {"kind": "files", "timezone": "UTC"}
    return Sources.model_validate(
        {
            "business": known,
            "sources": {
                "shop": drop | {"folder": "shop", "files": "orders*", "entities": {"orders": {"columns": SHOP}}},
                "desk": drop | {"folder": "shop", "files": "refunds*", "entities": {"refunds": {"columns": REFUNDS}}},
                "bank": drop | {"folder": "bank", "files": "*.csv", "entities": {"exchange_rates": RATES}},
            },
        }
    )


class Shop:
    """A shop's folder, a bank's, and nights that read both and build what is converted."""

    def __init__(self, state, warehouse, monkeypatch):
        self._state, self._warehouse = state, warehouse
        for name in ("shop", "bank"):
            (state / name).mkdir()
        monkeypatch.setattr(gate, "TOTALS", {})
        monkeypatch.setattr(gate.swept, "told", lambda *_: [])

    def put(self, name: str, text: str) -> None:
        (self._state / name).write_text(text)

    def night(self, as_of: date, sources: Sources) -> list[loader.Loaded]:
        done = []
        for name, source in sources.sources.items():
            for batch in extract(name, source, None, as_of):
                done.append(loader.load(batch, source, sources.business.currencies))
        with connect() as session:  # both stand in one shop
            session.execute("update raw.refunds set source = 'shop'")
        told = replace(config.load(), sources=sources)
        transform.run(["run", "--select", *MODELS], told, as_of, self._warehouse)
        return done


@pytest.fixture
def shop(state, warehouse, monkeypatch) -> Shop:
    return Shop(state, warehouse, monkeypatch)


ORDERS = """no,who,at,amount,paid_in
own,ann,2026-01-02 10:00:00,10,USD
euro,ann,2026-01-02 10:00:00,10,EUR
yuan,bob,2026-01-04 10:00:00,80,CNY
"""


@pytest.mark.server
def test_orders_are_converted_with_the_rate_of_their_day_and_a_full_refund_leaves_nothing(shop, rows):
    """wp-calypso 23281, woocommerce-payments 4282, Sylius 2526, dbt_shopify 52: summed as if of one currency."""
    shop.put("shop/orders.csv", ORDERS)
    shop.put("shop/refunds.csv", "no,of,at,amount,paid_in\n1,euro,2026-01-05 09:00:00,10,EUR\n")
    friday, monday = "2026-01-02,1.2000,184.1,8.0000,", "2026-01-05,1.5000,184.1,N/A,"
    shop.put("bank/rates.csv", BANK.format(rows=f"{monday}\n{friday}\n"))
    shop.night(NIGHT, settings())
    found = rows("select order_id, gross_amount, currency, original_amount, original_currency from input.input_orders")
    told = {r["order_id"]: (r["gross_amount"], r["original_currency"]) for r in found}
    # on Sunday Friday's rate holds; a euro is 1.2 dollars or 8 yuan, so a yuan is 0.15 dollars
    assert told == {"own": (Decimal(10), None), "euro": (Decimal(12), "EUR"), "yuan": (Decimal(12), "CNY")}
    assert {r["currency"] for r in found} == {"USD"}
    assert rows("select amount from input.input_refunds") == [{"amount": Decimal(12)}]
    assert rows("select currency, rated_on from raw.exchange_rates order by 2, 1") == [
        {"currency": "CNY", "rated_on": date(2026, 1, 2)},
        {"currency": "USD", "rated_on": date(2026, 1, 2)},
        {"currency": "USD", "rated_on": date(2026, 1, 5)},
    ]
    gate.run(NIGHT)


@pytest.mark.server
def test_an_order_without_a_rate_waits_and_closes_the_gate_until_the_rate_comes_and_is_restated(shop, rows):
    shop.put("shop/orders.csv", ORDERS)
    shop.put("bank/rates.csv", BANK.format(rows="2026-01-04,1.2000,184.1,8.0000,\n"))
    shop.night(NIGHT, settings())
    kept = "select order_id, gross_amount from input.input_orders order by 1"
    assert [r["order_id"] for r in rows(kept)] == ["own", "yuan"]
    with pytest.raises(GateError, match=r"EUR: 1 from 2026-01-02 to 2026-01-02\. Have rates of these days delivered"):
        gate.run(NIGHT)

    shop.put("bank/late.csv", BANK.format(rows="2026-01-02,1.1000,184.1,8.0000,\n2026-01-04,1.6000,184.1,8.0000,\n"))
    tuesday = date(2026, 1, 6)
    shop.night(tuesday, settings())
    assert [tuple(r.values()) for r in rows(kept)] == [("euro", 11), ("own", 10), ("yuan", 16)]
    gate.run(tuesday)
    assert rows("select passed from ops.gate_results where as_of = %s", tuesday) == [{"passed": True}]


@pytest.mark.server
def test_a_rate_that_cannot_be_one_is_quarantined_and_the_others_count(shop, rows):
    shop.put("bank/rates.csv", BANK.format(rows="2026-01-02,1.2,1,-8,\n02/01/2026,1.2,1,8,\n2026-01-03,abc,1,8,\n"))
    for name, source in settings().sources.items():
        if name == "bank":
            (batch,) = extract(name, source, None, NIGHT)
            done = loader.load(batch, source, ("USD",))
    assert (done.landed, done.loaded) == (6, 2)
    rejected = rows("select reason, value from quarantine.rejected_rows order by reason, value")
    assert [tuple(r.values()) for r in rejected] == [
        ("not_a_date", "02/01/2026"),
        ("not_a_date", "02/01/2026"),
        ("not_a_number", "abc"),
        ("not_a_rate", "-8"),
    ]


def test_other_currencies_without_a_source_of_rates_are_refused():
    without = settings().model_dump(by_alias=True, exclude_none=True)
    del without["sources"]["bank"]
    with pytest.raises(ValidationError, match="no source delivers exchange_rates"):
        Sources.model_validate(without)


@pytest.mark.parametrize("others", [["USD"], ["EUR", "EUR"]])
def test_a_currency_that_is_named_twice_is_refused(others):
    with pytest.raises(ValidationError, match="names each currency once"):
        settings(other_currencies=others)


def test_unpivot_is_for_files():
    said = {"kind": "sql", "connection": "shop", "timezone": "UTC"}
    said["entities"] = {"exchange_rates": RATES | {"table": "rates"}}
    with pytest.raises(ValidationError, match="'unpivot' is for files; write a query instead"):
        Sources.model_validate({"business": {"timezone": "UTC", "currency": "USD"}, "sources": {"bank": said}})
