"""What the benchmarks share: a warehouse that is gone afterwards, a made-up shop in it, dbt models one by one."""

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import psycopg

from perennial import embedded, transform
from perennial.config import Config
from perennial.warehouse import database

# frequencies fall off steeply, one order in fifty is partly refunded
SHOP = """
    create table pii.input_customers (
        source text, source_customer_id text, email text, phone text, country text, acquisition_source text,
        registered_on date, changed_at timestamptz, loyalty_number text, is_email_verified boolean
    );
    create table input.input_links (
        source text, source_customer_id text, other_source text, other_source_customer_id text
    );
    create table input.input_consents (
        source text, source_customer_id text, channel text, purpose text, status text, changed_at timestamptz,
        changed_on date, received_on date
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
        'USD' as currency, null::text as original_currency, null::numeric(18, 4) as original_amount,
        null::numeric(38, 16) as exchange_rate
    from generate_series(1, %(orders)s) as n;
    insert into input.input_refunds
    select source, 'r' || order_id, order_id, ordered_on + 5, gross_amount / 2, currency
    from input.input_orders where hashtext(order_id) %% 50 = 0;
    analyze
"""
FULL, NIGHT = date(2017, 10, 31), date(2017, 11, 1)  # every made-up order lies before

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


@contextmanager
def scratch_warehouse() -> Iterator[None]:
    """An empty warehouse of our own while the block runs."""
    state = Path(tempfile.mkdtemp(prefix="perennial-bench-"))
    state.chmod(0o755)  # the server's OS user must get in
    os.environ["PERENNIAL_STATE"] = str(state)
    os.environ.pop("AIRFLOW_CONN_WAREHOUSE", None)
    try:
        with embedded.session():
            embedded.ensure_database(database.NAME)
            database.migrate()
            yield
    finally:
        shutil.rmtree(state, ignore_errors=True)


@contextmanager
def superuser() -> Iterator[psycopg.ClientCursor]:
    """A cursor that may fill any schema."""
    to = database.warehouse()
    with psycopg.connect(host=to.host, user=to.login, dbname=to.database, autocommit=True) as session:
        yield psycopg.ClientCursor(session)


def grouped_by_hand(cursor: psycopg.Cursor) -> float:
    """Seconds of one hand-written GROUP BY over all orders: the scale of the machine."""
    started = time.monotonic()
    cursor.execute(BY_HAND)
    return time.monotonic() - started


def build(settings: Config, as_of: date, models: Iterable[str], *options: str) -> dict[str, float]:
    """Seconds of every model; what dbt itself needs to start is left out."""
    results = transform.run(["run", *options, "--select", *models], settings, as_of, database.warehouse())
    return {r.node.split(".")[-1]: r.seconds for r in results}


def say(bench: str, figure: str, seconds: float, **more: float) -> None:
    """One JSON line."""
    print(json.dumps({"bench": bench, "figure": figure, "seconds": round(seconds, 2), **more}), flush=True)
