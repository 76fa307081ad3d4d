"""How long value and retention marts take: all anew, a night on which one customer in two hundred ordered, and the
first night of a quarter, which judges everybody by new thresholds.

    python bench/marts.py --customers 1000000 --orders 10000000

Customers and orders are made up, the dbt models are the real ones: value, retention, warnings, offers, customer_360 and
its segments. Prints one JSON line per figure and a table; the models that other marts read too (`core`: facts, and the
timeline of the default lifecycle model) and the fit are not part of the sum. `clock` is what the marts took from the
first to the last, two at a time; `cpu` what the server needed for them on all cores; `load` that of the whole machine.
"""

import argparse
import json
import os
import time
from dataclasses import replace
from datetime import date, datetime, timedelta

import pandas as pd
import psutil
from common import FACTS, FULL, NIGHT, ORDERED, SHOP, build, grouped_by_hand, mark, say, scratch_warehouse, superuser
from timeline import TIMELINE

from perennial import config, transform
from perennial.clock import wall_clock
from perennial.config import Config
from perennial.embedded.process import pid_file
from perennial.value import store, tonight
from perennial.value.backtest import Backtest
from perennial.warehouse import database

QUARTER = date(2018, 1, 1)  # after a night of the day before, so that one day has passed
CORE = (*FACTS, "fct_orders", "dim_customers", *TIMELINE, "dim_customer_redirects", "dim_stages", "customer_lifecycle")
BEFORE_FIT = (
    "int_changed_days",
    "int_changed_months",
    "int_customer_days",
    "int_revised_days",
    "int_order_totals",
    "int_order_histories",
    "int_abc_shares",
    "int_tiers",
    "customer_abc",
    "fct_tier_moves",
    "value_concentration",
    "customer_rfm",
    "rfm_cuts",
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
LINES = ("stg_order_lines", "input_order_lines", "fct_order_lines", "int_changed_lines", "int_customer_categories")
AFTER_FIT = (
    "customer_clv",
    "int_former_keys",
    "int_warning_signs",
    "fct_early_warnings",
    *LINES,
    "category_cycles",
    "category_affinity",
    "int_next_categories",
    "customer_category_replenishment",
    "customer_replenishment",
    "customer_next_category",
    "int_customer_habits",
    "customer_360",
    "fct_segment_totals",
    "early_warning_recall",
    "early_warning_quality",
)

# one order in five says what was bought: two lines of 200 categories, some far more usual than others
BOUGHT = """
    insert into ops.batches
    select 'shop.order_lines.first', 'shop', 'order_lines', date '2017-10-31', now(), 0, 0, 0, 0, 0, '';
    insert into raw.order_lines
        (source, order_id, line_no, product_id, category, quantity, amount, payload_hash, batch_id, row_no)
    select source, order_id, line_no, product, 'category ' || product, 1, amount / 2, payload_hash,
        'shop.order_lines.first', 2 * row_no + line_no
    from raw.orders
    cross join generate_series(1, 2) as line_no
    cross join lateral (
        select (200 * power((hashtext(order_id || line_no) & 1048575) / 1048576.0, 3))::int::text as product
    ) as bought
    where hashtext(order_id) % 5 = 0;
    analyze raw.order_lines
"""

# one in ten of those who order gives back something of an order of any age, one in fifty cancels one
GIVEN_BACK = """
    create temporary table busy as
    select orders.*, hashtext(customer_id || order_id) as lot from raw.orders
    where hashtext(customer_id) % 200 = 0 and ordered_at < timestamptz '2017-11-01 00:00Z';
    insert into raw.refunds
        (source, refund_id, order_id, refunded_at, amount, currency, payload_hash, batch_id, row_no)
    select source, 'late ' || order_id, order_id, timestamptz '2017-11-01 12:00Z', amount / 4, currency, payload_hash,
        'shop.refunds.second', row_no
    from busy where lot % 100 = 0;
    insert into raw.orders (
        source, order_id, customer_id, ordered_at, status, cancelled_at, amount, currency, payload_hash, batch_id,
        row_no
    )
    select source, order_id, customer_id, ordered_at, 'cancelled', timestamptz '2017-11-01 12:00Z', amount, currency,
        payload_hash, 'shop.orders.second', -row_no
    from busy where lot % 500 = 7;
    analyze raw.orders, raw.refunds
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--orders", type=int, default=1_000_000)
    asked = parser.parse_args()
    with scratch_warehouse(), superuser() as cursor:
        cursor.execute(SHOP, {"customers": asked.customers, "orders": asked.orders})
        by_hand = grouped_by_hand(cursor)
        cursor.execute(BOUGHT)
        settings = config.load()
        lifecycle = settings.lifecycle.model_copy(update={"enabled": [settings.lifecycle.default]})
        settings = replace(settings, lifecycle=lifecycle)
        full = whole_night(settings, FULL, "--full-refresh")
        cursor.execute(ORDERED)
        cursor.execute(GIVEN_BACK)
        night = whole_night(settings, NIGHT)
        whole_night(settings, QUARTER - timedelta(days=1))
        quarter = whole_night(settings, QUARTER)
    for what, run in (("full", full), ("night", night), ("quarter", quarter)):
        for name, seconds in run.items():
            say("marts", f"{name} {what}", seconds)
    print(f"\n{asked.orders:,} orders of {asked.customers:,} customers; GROUP BY {by_hand:.1f} s")
    print(f"{'':32}{'full s':>10}{'night s':>10}{'quarter s':>10}{'night/full':>12}")
    for name, seconds in full.items():
        share = night[name] / seconds if seconds else 0
        print(f"{name:32}{seconds:>10.1f}{night[name]:>10.1f}{quarter[name]:>10.1f}{share:>12.3f}")
    print(f"full marts: {full['clock'] / by_hand:.1f} x the GROUP BY, a night {night['clock'] / by_hand:.1f} x")


def whole_night(settings: Config, as_of: date, *options: str) -> dict[str, float]:
    """Seconds of every model, of core, fit and marts."""
    mark(as_of, build_started_at=wall_clock())
    core = build(settings, as_of, CORE, *options)
    server = psutil.Process(int(pid_file()[0]))
    before = server.cpu_times()
    marts = build(settings, as_of, BEFORE_FIT, *options)
    clock = on_the_clock(as_of)
    between = server.cpu_times()
    started = time.monotonic()
    with database.connect() as session:
        nothing = Backtest("mbg", (), (), pd.DataFrame(), None)
        store.write(session, as_of, settings.value, tonight.fit_tonight(session, as_of, nothing), nothing)
    fit = time.monotonic() - started
    fitted = server.cpu_times()
    marts |= build(settings, as_of, AFTER_FIT, *options)
    mark(as_of, built_at=wall_clock())
    cpu = of_sessions(between) - of_sessions(before) + of_sessions(server.cpu_times()) - of_sessions(fitted)
    sums = {"core": sum(core.values()), "fit": fit, "all": sum(marts.values())}
    return core | marts | sums | {"clock": clock + on_the_clock(as_of), "cpu": cpu, "load": os.getloadavg()[0]}


def of_sessions(times: tuple) -> float:
    """CPU seconds of the sessions and workers that have ended."""
    return times.children_user + times.children_system


def on_the_clock(as_of: date) -> float:
    """Seconds from the beginning of the first model of the latest run to the end of the last."""
    told = json.loads((transform.target_folder(as_of) / "run_results.json").read_text("utf-8"))
    steps = [step for node in told["results"] for step in node["timing"] if step["name"] == "execute"]
    first, last = min(step["started_at"] for step in steps), max(step["completed_at"] for step in steps)
    return (datetime.fromisoformat(last) - datetime.fromisoformat(first)).total_seconds()


if __name__ == "__main__":
    main()
