"""How long the timeline of one lifecycle model takes: all customers, and a night on which one in two hundred ordered.

    python bench/timeline.py --customers 200000 --orders 2000000

Orders are made up: frequencies fall off steeply, one in fifty is partly refunded. The dbt models are the real ones;
what dbt itself needs to start is left out. One hand-written GROUP BY over the same orders gives the machine's scale.
Prints one JSON line per figure and a table.
"""

import argparse
import json
import os
import shutil
import tempfile
import time
from dataclasses import replace
from datetime import date
from pathlib import Path

import psycopg

from perennial import config, embedded, transform
from perennial.config import Config
from perennial.warehouse import database

FACTS = ("int_customer_keys", "int_ledger", "int_order_states", "int_events", "int_customer_facts")
TIMELINE = (
    "int_changed_customers",
    "int_touches",
    "int_episodes",
    "fct_timeline_revisions",
    "int_stays",
    "fct_lifecycle_timeline",
)

INPUT = """
    create table pii.input_customers (
        source text, source_customer_id text, email text, phone text, country text, acquisition_source text,
        registered_on date, changed_at timestamptz
    );
    create table input.input_consents (
        source text, source_customer_id text, channel text, purpose text, status text, changed_at timestamptz,
        changed_on date
    );
    create table input.input_events (
        source text, event_id text, source_customer_id text, event_type text, occurred_at timestamptz, event_on date,
        scheduled_on date
    );
    create table input.input_refunds (
        source text, refund_id text, order_id text, refunded_on date, amount numeric(18, 4), currency text
    );
    create table input.input_orders as
    select 'shop' as source, n::text as order_id,
        'c' || (%(customers)s * power(hashint4(n + 77) & 1048575, 2) / power(1048576.0, 2))::int as source_customer_id,
        null::timestamptz as ordered_at, date '2015-01-01' + (hashint4(n + 13) & 1048575) / 1049 as ordered_on,
        null::date as cancelled_on, (10 + (hashint4(n) & 8191) / 100.0)::numeric(18, 4) as gross_amount,
        'USD' as currency
    from generate_series(1, %(orders)s) as n;
    insert into input.input_refunds
    select source, 'r' || order_id, order_id, ordered_on + 5, gross_amount / 2, currency
    from input.input_orders where hashtext(order_id) %% 50 = 0;
    analyze
"""

# one customer in two hundred orders on the day of the second night
ORDERED = """
    insert into input.input_orders
    select source, 'new ' || source_customer_id, source_customer_id, null, date '2017-11-01', null, 25, currency
    from input.input_orders where hashtext(source_customer_id) % 200 = 0
    group by source, source_customer_id, currency;
    analyze input.input_orders
"""

BY_HAND = """
    create unlogged table ops.by_hand as
    select source, source_customer_id, count(*), min(ordered_on), max(ordered_on), sum(gross_amount)
    from input.input_orders group by source, source_customer_id
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--customers", type=int, default=200_000)
    parser.add_argument("--orders", type=int, default=2_000_000)
    parser.add_argument("--model", default="ecommerce")
    asked = parser.parse_args()
    state = Path(tempfile.mkdtemp(prefix="perennial-bench-"))
    state.chmod(0o755)
    os.environ["PERENNIAL_STATE"] = str(state)
    os.environ.pop("AIRFLOW_CONN_WAREHOUSE", None)
    try:
        with embedded.session():
            embedded.ensure_database(database.NAME)
            database.migrate()
            measure(asked)
    finally:
        shutil.rmtree(state, ignore_errors=True)


def measure(asked: argparse.Namespace) -> None:
    """Fill the input layer, build in full, let some order, build a night."""
    to = database.warehouse()
    with psycopg.connect(host=to.host, user=to.login, dbname=to.database, autocommit=True) as session:
        cursor = psycopg.ClientCursor(session)
        cursor.execute(INPUT, {"customers": asked.customers, "orders": asked.orders})
        started = time.monotonic()
        cursor.execute(BY_HAND)
        by_hand = time.monotonic() - started
        settings = config.load()
        lifecycle = settings.lifecycle.model_copy(update={"enabled": [asked.model], "default": asked.model})
        settings = replace(settings, lifecycle=lifecycle)
        full = build(settings, date(2017, 10, 31), "--full-refresh")
        cursor.execute(ORDERED)
        night = build(settings, date(2017, 11, 1))
    figures = {f"{name} {what}": s for what, run in (("full", full), ("night", night)) for name, s in run.items()}
    for name, seconds in figures.items():
        print(json.dumps({"bench": "timeline", "figure": name, "seconds": round(seconds, 2)}))
    print(f"\n{asked.orders:,} orders of {asked.customers:,} customers, model {asked.model}; GROUP BY {by_hand:.1f} s")
    print(f"{'':24}{'full s':>10}{'night s':>10}{'night/full':>12}")
    for name in (*FACTS, "facts", *TIMELINE, "timeline", "all"):
        share = night[name] / full[name] if full[name] else 0
        print(f"{name:24}{full[name]:>10.1f}{night[name]:>10.1f}{share:>12.3f}")
    print(f"full timeline: {full['all'] / by_hand:.1f} x the GROUP BY")


def build(settings: Config, as_of: date, *options: str) -> dict[str, float]:
    """Seconds of every model, and their sums."""
    models = [*FACTS, *TIMELINE]
    results = transform.run(["run", *options, "--select", *models], settings, as_of, database.warehouse())
    seconds = {r.node.split(".")[-1]: r.seconds for r in results}
    facts, timeline = (sum(seconds[name] for name in names) for names in (FACTS, TIMELINE))
    return seconds | {"facts": facts, "timeline": timeline, "all": facts + timeline}


if __name__ == "__main__":
    main()
