"""Night by night, orders, refunds, ledger and persons are what a full build says, whatever happened."""

from dataclasses import replace
from datetime import date, timedelta
from random import Random

import psycopg
import pytest
from restless_shop import Shop, said

from compiled_models import pointed_at
from perennial import config, identity, transform
from perennial.config import Config
from perennial.connections import Connection

pytestmark = pytest.mark.server

KEPT = {
    "input_customers": "pii",
    "int_record_orders": "intermediate",
    "input_orders": "input",
    "input_refunds": "input",
    "int_ledger": "intermediate",
    "int_given_back": "intermediate",
    "int_customer_facts": "intermediate",
    "fct_orders": "marts",
    "dim_customers": "marts",
}
BEFORE = ("int_seen_batches", "int_touched_orders", "int_touched_records", "input_exchange_rates")
BEFORE += ("input_orders", "input_refunds")
INPUT = ("input_customers", "input_links", "input_consents", "input_events", "stg_orders", "stg_refunds")
INPUT += ("stg_customers", "stg_links", "stg_consents", "stg_events")
CHAIN = (*INPUT, *BEFORE, *identity.MODELS, "identity_memberships", "int_touched_customers", "int_events", *KEPT)
NIGHTS = [date(2017, 3, 30) + timedelta(days=n) for n in (0, 1, 2, 6)]
# what a first attempt at a night gets done before it is killed, before more is told
KILLED_AFTER = {NIGHTS[1]: ("int_ledger", "fct_orders"), NIGHTS[3]: ("int_touched_customers", "dim_customers")}
NEVER_ENDED = NIGHTS[2]


def settings(starts_at_hour: int = 3) -> Config:
    """The shipped configuration for a shop of three currencies, and rules that ask who unsubscribed."""
    shipped = config.load()
    business = shipped.sources.business.model_copy(
        update={"other_currencies": ["EUR", "CNY"], "rate_holds_days": 2, "day_starts_at_hour": starts_at_hour}
    )
    return replace(shipped, sources=shipped.sources.model_copy(update={"business": business}))


def run(night: date, told: Config, warehouse: Connection, *killed_after: str) -> None:
    """Build the night, or what is before one of these models."""
    ours = [*CHAIN] if not killed_after else [*INPUT, *BEFORE, *identity.MODELS, "identity_memberships"]
    with_events = {"events": ["unsubscribe"]}
    ours += [] if not killed_after else ["int_touched_customers", *killed_after]
    transform.run(["run", "--select", *dict.fromkeys(ours)], told, night, warehouse, with_events)


def in_full(night: date, told: Config, warehouse: Connection) -> dict[str, str]:
    """The SQL of a full build by model."""
    command = ["compile", "--full-refresh", "--select", *KEPT]
    transform.run(command, told, night, warehouse, {"events": ["unsubscribe"]})
    written = transform.target_folder(night) / "aside" / "compiled"
    return {model: next(written.rglob(f"{model}.sql")).read_text("utf-8") for model in KEPT}


def versions(session: psycopg.Connection) -> dict[str, str]:
    """The transaction that wrote each order."""
    return dict(session.execute("select order_id, cast(xmin as text) from marts.fct_orders").fetchall())


def test_nights_killed_or_not_end_where_a_full_build_does_and_write_only_what_was_touched(warehouse, tmp_path):
    to, shop, told = warehouse, Shop(Random(3), 700, date(2016, 9, 1)), settings()
    where = {"host": to.host, "port": to.port, "user": to.login, "dbname": to.database, "autocommit": True}
    with pointed_at(to, tmp_path), psycopg.connect(**where, options="-c timezone=UTC -c jit=off") as session:
        full = in_full(NIGHTS[-1], told, to)

        def expect_what_a_full_build_says(night: date, sql: dict[str, str] = full) -> dict[str, set[str]]:
            found = {model: said(session, f"select * from {KEPT[model]}.{model}") for model in KEPT}
            for model, rows in found.items():
                assert rows == said(session, sql[model].replace(str(NIGHTS[-1]), str(night))), (night, model)
            return found

        shop.open(NIGHTS[0], 3000)
        before, untouched, keys = {}, [], set()
        for night in NIGHTS:
            for killed_after in filter(lambda models: models is not None, (KILLED_AFTER.get(night), ())):
                shop.happen(night, 30)
                shop.tell(session, night)
                run(night, told, to, *killed_after)
            found = expect_what_a_full_build_says(night)
            now = versions(session)
            untouched.append(sum(now.get(order) == by for order, by in before.items()) / len(now))
            keys |= {row for (row,) in session.execute("select customer_key from marts.dim_customers")}
            before = now
            if night != NEVER_ENDED:
                session.execute("insert into ops.nights (as_of, built_at) values (%s, %s)", [night, night])
        assert min(untouched[1:]) > 0.4, untouched
        assert len(keys) > len(found["dim_customers"]) + 3  # some were merged
        run(NIGHTS[-1], told, to)
        assert expect_what_a_full_build_says(NIGHTS[-1]) == found
        other = settings(starts_at_hour=9)
        run(NIGHTS[-1], other, to)
        assert expect_what_a_full_build_says(NIGHTS[-1], in_full(NIGHTS[-1], other, to)) != found
