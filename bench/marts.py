"""How long value and retention marts take: everything anew, and a night on which one customer in two hundred did something.

    python bench/marts.py --customers 1000000 --orders 10000000

Customers and orders are made up, the dbt models are the real ones. Prints one JSON line per figure and a table; the
models that other marts read too (`core`) are not part of the sum. `load` is what else the machine had to do.
"""

import argparse
import os
import time
from datetime import date

import pandas as pd
from common import FULL, NIGHT, ORDERED, SHOP, build, grouped_by_hand, say, scratch_warehouse, superuser

from perennial import config
from perennial.config import Config
from perennial.value import store, tonight
from perennial.value.backtest import Backtest
from perennial.warehouse import database

CORE = ("int_customer_keys", "int_ledger", "int_events", "int_customer_facts", "fct_orders", "dim_customers")
BEFORE_FIT = (
    "int_changed_days",
    "int_customer_days",
    "int_order_totals",
    "int_order_histories",
    "int_abc_shares",
    "customer_abc",
    "fct_tier_moves",
    "value_concentration",
    "customer_rfm",
    "rfm_cuts",
    "int_revised_days",
    "int_quadrant_starts",
    "int_quadrant_points",
    "quadrant_thresholds",
    "customer_quadrant",
    "quadrant_paths",
    "int_cohorts",
    "int_cohort_months",
    "int_order_gaps",
    "fct_cohort_retention",
    "fct_cohort_retention_by_source",
    "sales_by_customer_age",
    "repurchase",
    "order_funnel",
)
AFTER_FIT = ("customer_clv",)

# half of them say how they were won
CUSTOMERS = """
    insert into pii.input_customers (source, source_customer_id, registered_on, acquisition_source)
    select source, source_customer_id, min(ordered_on),
        (array['search', 'flyer', 'friend', null, null, null])[1 + abs(hashtext(source_customer_id)) %% 6]
    from input.input_orders group by source, source_customer_id;
    analyze pii.input_customers
"""

# one in ten of those who order gives back something of an order of any age, one in fifty cancels one
GIVEN_BACK = """
    create temporary table busy as
    select order_id, gross_amount, hashtext(source_customer_id || order_id) as lot from input.input_orders
    where hashtext(source_customer_id) %% 200 = 0 and ordered_on < date '2017-11-01';
    insert into input.input_refunds
    select 'shop', 'late ' || order_id, order_id, date '2017-11-01', gross_amount / 4, 'USD' from busy
    where lot %% 100 = 0;
    update input.input_orders as orders set cancelled_on = date '2017-11-01' from busy
    where busy.order_id = orders.order_id and busy.lot %% 500 = 7;
    vacuum analyze input.input_orders, input.input_refunds
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--orders", type=int, default=1_000_000)
    asked = parser.parse_args()
    with scratch_warehouse(), superuser() as cursor:
        cursor.execute(SHOP, {"customers": asked.customers, "orders": asked.orders})
        for statement in CUSTOMERS.replace("%%", "%").split(";"):
            cursor.execute(statement)
        by_hand = grouped_by_hand(cursor)
        settings = config.load()
        full = whole_night(settings, FULL, "--full-refresh")
        for statement in (ORDERED + ";" + GIVEN_BACK.replace("%%", "%")).split(";"):
            cursor.execute(statement)
        night = whole_night(settings, NIGHT)
    for what, run in (("full", full), ("night", night)):
        for name, seconds in run.items():
            say("marts", f"{name} {what}", seconds)
    print(f"\n{asked.orders:,} orders of {asked.customers:,} customers; GROUP BY {by_hand:.1f} s")
    print(f"{'':32}{'full s':>10}{'night s':>10}{'night/full':>12}")
    for name, seconds in full.items():
        print(f"{name:32}{seconds:>10.1f}{night[name]:>10.1f}{night[name] / seconds if seconds else 0:>12.3f}")
    print(f"full marts: {full['all'] / by_hand:.1f} x the GROUP BY, a night {night['all'] / by_hand:.1f} x")


def whole_night(settings: Config, as_of: date, *options: str) -> dict[str, float]:
    """Seconds of every model, of core, fit and marts."""
    with database.connect() as session:
        session.execute("insert into ops.nights (as_of, build_started_at) values (%s, now())", [as_of])
    core = build(settings, as_of, CORE, *options)
    marts = build(settings, as_of, BEFORE_FIT, *options)
    started = time.monotonic()
    with database.connect() as session:
        nothing = Backtest("mbg", (), (), pd.DataFrame(), None)
        store.write(session, as_of, settings.value, tonight.fit_tonight(session, as_of, nothing), nothing)
    fit = time.monotonic() - started
    marts |= build(settings, as_of, AFTER_FIT, *options)
    with database.connect() as session:
        session.execute("update ops.nights set built_at = now() where as_of = %s", [as_of])
    sums = {"load": os.getloadavg()[0], "core": sum(core.values()), "fit": fit, "all": sum(marts.values())}
    return core | marts | sums


if __name__ == "__main__":
    main()
