"""What the benchmarks share: a warehouse that is gone afterwards, a made-up shop in it, dbt models one by one."""

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path

import psycopg
from psycopg import sql

from perennial import embedded, identity, transform
from perennial.config import Config
from perennial.warehouse import database

# frequencies fall off steeply, one order in fifty is partly refunded; half of the customers say how they were won
SHOP = """
    insert into ops.batches
    select 'shop.' || entity || '.first', 'shop', entity, date '2017-10-31', now(), 0, 0, 0, 0, 0, ''
    from unnest(array['orders', 'refunds', 'customers']) as entity;
    insert into raw.orders
        (source, order_id, customer_id, ordered_at, status, amount, currency, payload_hash, batch_id, row_no)
    select 'shop', n::text,
        'c' || (%(customers)s * power(hashint4(n + 77) & 1048575, 2) / power(1048576.0, 2))::int,
        timestamptz '2015-01-01 12:00Z' + interval '1 day' * ((hashint4(n + 13) & 1048575) / 1049), 'placed',
        (10 + (hashint4(n) & 8191) / 100.0)::numeric(18, 4), 'USD', '00000000000000000000000000000000',
        'shop.orders.first', n
    from generate_series(1, %(orders)s) as n;
    insert into raw.refunds
        (source, refund_id, order_id, refunded_at, amount, currency, payload_hash, batch_id, row_no)
    select source, 'r' || order_id, order_id, ordered_at + interval '5 days', amount / 2, currency, payload_hash,
        'shop.refunds.first', row_no
    from raw.orders where hashtext(order_id) %% 50 = 0;
    insert into raw.customers
        (source, customer_id, registered_at, acquisition_source, payload_hash, batch_id, row_no)
    select source, customer_id, min(ordered_at),
        (array['search', 'flyer', 'friend', null, null, null])[1 + abs(hashtext(customer_id)) %% 6],
        '00000000000000000000000000000000', 'shop.customers.first', row_number() over ()
    from raw.orders group by source, customer_id;
    analyze
"""
# what every other model reads
FACTS = (
    *(
        f"{layer}_{name}"
        for layer in ("stg", "input")
        for name in ("customers", "orders", "refunds", "consents", "events", "links")
    ),
    "input_exchange_rates",
    "int_seen_batches",
    "int_touched_orders",
    "int_touched_records",
    *identity.MODELS,
    "identity_memberships",
    "int_touched_customers",
    "int_ledger",
    "int_given_back",
    "int_events",
    "int_customer_facts",
)
FULL, NIGHT = date(2017, 10, 31), date(2017, 11, 1)  # every made-up order lies before

# one customer in two hundred orders on the day of the second night
ORDERED = """
    insert into ops.batches
    select 'shop.' || entity || '.second', 'shop', entity, date '2017-11-01', now(), 0, 0, 0, 0, 0, ''
    from unnest(array['orders', 'refunds']) as entity;
    insert into raw.orders
        (source, order_id, customer_id, ordered_at, status, amount, currency, payload_hash, batch_id, row_no)
    select source, 'new ' || customer_id, customer_id, timestamptz '2017-11-01 12:00Z', 'placed', 25, currency,
        '00000000000000000000000000000000', 'shop.orders.second', row_number() over ()
    from raw.orders where hashtext(customer_id) % 200 = 0
    group by source, customer_id, currency;
    analyze raw.orders
"""

BY_HAND = """
    create unlogged table ops.by_hand as
    select source, customer_id, count(*), min(ordered_at), max(ordered_at), sum(amount)
    from raw.orders group by source, customer_id
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


def mark(as_of: date, **columns: datetime) -> None:
    """Note in ops.nights how far the night is."""
    with database.connect() as session:
        session.execute("insert into ops.nights (as_of) values (%s) on conflict do nothing", [as_of])
        for name, value in columns.items():
            change = sql.SQL("update ops.nights set {} = %s where as_of = %s").format(sql.Identifier(name))
            session.execute(change, [value, as_of])


def say(bench: str, figure: str, seconds: float, **more: float) -> None:
    """One JSON line."""
    print(json.dumps({"bench": bench, "figure": figure, "seconds": round(seconds, 2), **more}), flush=True)
