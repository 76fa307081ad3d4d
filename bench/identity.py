"""What it costs to tell who is who: all customer records, and a night on which one in two hundred says something new.

    python bench/identity.py --customers 1000000

Records are made up: a third are of people with another record, by e-mail, phone or loyalty number, some mailboxes and
numbers belong to many, and everybody ordered ten times. The dbt models are the real ones; what dbt itself needs to
start is left out. One GROUP BY over all addresses gives the machine's scale; `cpu` is what the server's processes used.
Prints one JSON line per figure and a table.
"""

import argparse
import os
import time
from datetime import date

from common import build, say, scratch_warehouse, superuser
from marts import mark, on_the_clock

from activation import server_cpu
from perennial import config, identity
from perennial.clock import wall_clock

FULL, NIGHT = date(2017, 10, 31), date(2017, 11, 1)
RECORDS = """
    create table pii.input_customers (
        source text, source_customer_id text, email text, phone text, country text, acquisition_source text,
        registered_on date, changed_at timestamptz, loyalty_number text, is_email_verified boolean
    );
    create table input.input_orders (source text, order_id text, source_customer_id text, ordered_on date);
    create table input.input_links (
        source text, source_customer_id text, other_source text, other_source_customer_id text
    );
    create table input.input_consents (
        source text, source_customer_id text, channel text, purpose text, status text, changed_at timestamptz,
        changed_on date, received_on date
    );
    insert into pii.input_customers
    select (array['shop', 'till', 'crm'])[1 + n %% 3], n::text,
        case
            when n %% 10 < 7 then 'p' || n %% (%(n)s::bigint * 2 / 3) || '@example.com'
            when n %% 1000 = 9 then 'info@x.org'
        end,
        case
            when n %% 5 < 3 then '+49' || 3000000000::bigint + n %% (%(n)s::bigint * 4 / 5)
            when n %% 100 = 99 then '+4930111111'
        end, null, null, date '2015-01-01' + n %% 900, null,
        case when n %% 7 = 0 then 'L' || lpad((n %% (%(n)s::bigint * 3 / 4))::text, 9, '0') end, n %% 50 > 0
    from generate_series(1, %(n)s) as n;
    insert into input.input_orders
    select c.source, c.source_customer_id || '/' || k, c.source_customer_id, c.registered_on + 9 * k
    from pii.input_customers as c, generate_series(1, %(each)s) as k;
    create unique index on pii.input_customers (source_customer_id, source);
    create index on input.input_orders (source_customer_id, source);
    insert into input.input_links
    select 'shop', (3 * n)::text, 'till', (3 * n + 1)::text from generate_series(1, %(n)s / 300) as n;
    analyze
"""
# one in two hundred: of some another number, some new, and as many that order once more; the raw rows say who it was
CHANGED = """
    insert into ops.batches
    select 'night.' || entity, 'shop', entity, date '2017-11-01', now(), 0, 0, 0, 0, 0, ''
    from unnest(array['customers', 'orders']) as entity;
    insert into raw.customers (source, customer_id, registered_at, payload_hash, batch_id, row_no)
    select source, source_customer_id, registered_on, md5('')::uuid, 'night.customers', 0 from pii.input_customers
    where hashtext(source_customer_id) %% 400 = 0 and phone is not null
    union all
    select 'shop', 'new ' || n, date '2017-11-01', md5('')::uuid, 'night.customers', 0
    from generate_series(1, %(n)s * 3 / 1000) as n;
    insert into input.input_orders
    select source, source_customer_id || '/tonight', source_customer_id, date '2017-11-01' from pii.input_customers
    where hashtext(source_customer_id) %% 200 = 7;
    insert into raw.orders (
        source, order_id, customer_id, ordered_at, status, amount, currency, payload_hash, batch_id, row_no
    )
    select source, order_id, source_customer_id, ordered_on, 'placed', 1, 'USD', md5('')::uuid, 'night.orders', 0
    from input.input_orders where ordered_on = date '2017-11-01';
    analyze raw.customers, raw.orders;
    update pii.input_customers set phone = '+49' || 3000000000::bigint + hashtext(phone) %% (%(n)s / 2)
    where hashtext(source_customer_id) %% 400 = 0 and phone is not null;
    insert into pii.input_customers
    select 'shop', 'new ' || n, 'p' || n * 7 || '@example.com', null, null, null, date '2017-11-01', null, null, true
    from generate_series(1, %(n)s * 3 / 1000) as n;
    analyze pii.input_customers
"""
LISTS = ("int_seen_batches", "int_touched_orders", "int_touched_records")  # of what a night touched
BY_HAND = (
    "create unlogged table ops.by_hand as select email, min(source_customer_id) from pii.input_customers group by 1"
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--customers", type=int, default=200_000)
    parser.add_argument("--orders-each", type=int, default=10)
    asked = parser.parse_args()
    with scratch_warehouse():
        measure(asked.customers, asked.orders_each)


def measure(customers: int, each: int) -> None:
    """Everybody at once, then a night."""
    settings = config.load()
    with superuser() as cursor:
        cursor.execute(RECORDS, {"n": customers, "each": each})
        started = time.monotonic()
        cursor.execute(BY_HAND)
        by_hand = time.monotonic() - started
        found = {}
        for what, as_of, options in (("full", FULL, ["--full-refresh"]), ("night", NIGHT, [])):
            if what == "night":
                cursor.execute(CHANGED, {"n": customers})
            mark(as_of, build_started_at=wall_clock())
            before = server_cpu()
            seconds = build(settings, as_of, [*LISTS, *identity.MODELS, *identity.HISTORY], *options)
            more = {"clock": on_the_clock(as_of), "cpu": server_cpu() - before, "load": os.getloadavg()[0]}
            found[what] = seconds | more
            mark(as_of, built_at=wall_clock())
            cursor.execute("select count(*), count(distinct customer_key) from pii.int_identity")
            records, persons = cursor.fetchone()
            say("identity", what, more["clock"], server_cpu=round(more["cpu"], 1), records=records, persons=persons)
    print(f"\n{customers:,} records; GROUP BY {by_hand:.1f} s")
    print(f"{'':32}{'full s':>10}{'night s':>10}")
    for name, seconds in found["full"].items():
        print(f"{name:32}{seconds:>10.1f}{found['night'][name]:>10.1f}")


if __name__ == "__main__":
    main()
