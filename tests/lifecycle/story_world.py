"""A small warehouse with a few people whose lives are told in full, among many random ones."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from random import Random
from uuid import UUID
from zoneinfo import ZoneInfo

from samples import EVENTS, random_customers
from timeline_harness import delivering

from perennial import config, transform
from perennial.config import Config
from perennial.config.audiences import Audiences
from perennial.connections import Connection
from perennial.value import store, tonight
from perennial.warehouse import database

EARLIER, LATER = date(2017, 7, 15), date(2017, 12, 5)
ADDRESS, PHONE = "jane.doe@example.org", "+15551234567"
COLUMNS = {
    "customers": "customer_id, email, phone, country, acquisition_source, registered_at",
    "orders": "order_id, customer_id, ordered_at, status, cancelled_at, amount, currency",
    "refunds": "refund_id, order_id, refunded_at, amount, currency",
    "events": "event_id, customer_id, event_type, occurred_at, scheduled_for",
    "consents": "customer_id, channel, purpose, status, changed_at",
}
AUDIENCES = {
    "fading": {
        "label": {"en": "About to fall silent", "zh": "即将沉默"},
        "objective": "retain",
        "purpose": "marketing",
        "destinations": ["email_files"],
        "where": {"tier": ["A"], "turning": {"model": "ecommerce", "into": ["declining"], "within_days": 50}},
    },
    "gone": {
        "label": {"en": "Silent and lost customers", "zh": "沉默与流失客户"},
        "objective": "recall",
        "purpose": "marketing",
        "destinations": ["email_files", "sms_files"],
        "where": {"orders": {"at_least": 5}, "stage": {"model": "ecommerce", "is": ["silent", "lost"]}},
    },
}


SHIPPED = config.load()


def settings() -> Config:
    """The shipped configuration, but with audiences of our own, and a shop that tells of events."""
    audiences = Audiences.model_validate({"audiences": AUDIENCES})
    return replace(SHIPPED, audiences=audiences, sources=delivering(SHIPPED.sources, EVENTS))


def noon(day: date) -> datetime:
    """A moment of that business day."""
    return datetime.combine(day, time(12), ZoneInfo("America/New_York"))


def every(step: int, first: date, last: date) -> list[date]:
    """Days from `first` to `last`."""
    return [first + timedelta(days=n) for n in range(0, (last - first).days + 1, step)]


def deliver() -> None:
    """Everything the sources tell of everybody, in batches of the earlier night, what happens later included."""
    shop: dict[str, list[tuple]] = {entity: [] for entity in COLUMNS}
    clicks: dict[str, list[tuple]] = {entity: [] for entity in COLUMNS}

    def person(source, key, registered, **about) -> None:
        details = [about.get(k) for k in ("email", "phone", "country", "acquisition_source")]
        source["customers"].append((key, *details, noon(registered)))

    def order(source, key, day, amount, cancelled=None, refunds=()) -> None:
        order_id = f"{key}/{day}/{len(source['orders'])}"
        status, gone = ("cancelled", noon(cancelled)) if cancelled else ("placed", None)
        source["orders"].append((order_id, key, noon(day), status, gone, amount, "USD"))
        for on, back in refunds:
            source["refunds"].append((f"{order_id}/{on}", order_id, noon(on), back, "USD"))

    def event(source, key, kind, day, announced=None) -> None:
        number = len(source["events"])
        happened = noon(day) + timedelta(seconds=number % 3600)  # the order of one day is the order of telling
        source["events"].append((f"{number:06}", key, kind, happened, announced and noon(announced)))

    # a steady customer who stops
    person(shop, "steady", date(2016, 12, 20), email="steady@example.org", country="US", acquisition_source="flyer")
    for day in every(7, date(2017, 1, 2), date(2017, 4, 24)):
        order(shop, "steady", day, 40)
    shop["consents"].append(("steady", "email", "marketing", "granted", noon(date(2016, 12, 20))))

    # one person in two sources, with refunds and a cancellation; the second source knows her by her address
    person(shop, "4711", date(2017, 3, 1), email=ADDRESS, phone=PHONE, country="US")
    person(clicks, ADDRESS, date(2017, 5, 10), email=ADDRESS.upper(), phone=PHONE)
    order(shop, "4711", date(2017, 3, 5), 50)
    order(shop, "4711", date(2017, 3, 26), 30, refunds=[(date(2017, 4, 2), 30)])
    order(clicks, ADDRESS, date(2017, 5, 10), 20)
    order(clicks, ADDRESS, date(2017, 5, 31), 25, refunds=[(date(2017, 6, 3), 5)])
    order(shop, "4711", date(2017, 6, 21), 60)
    order(shop, "4711", date(2017, 8, 30), 45, cancelled=date(2017, 9, 8))
    for day in every(21, date(2017, 9, 27), date(2017, 11, 29)):
        order(clicks, ADDRESS, day, 15)
    shop["consents"].append(("4711", "email", "marketing", "granted", noon(date(2017, 3, 1))))
    clicks["consents"].append((ADDRESS, "email", "marketing", "denied", noon(date(2017, 5, 10))))

    # one who buys ever more rarely
    person(shop, "rarer", date(2017, 1, 1), email="rarer@example.org", phone="+15550009999", country="CA")
    for day in [*every(3, date(2017, 1, 1), date(2017, 5, 1)), *every(12, date(2017, 5, 13), date(2017, 7, 12))]:
        order(shop, "rarer", day, 30)
    for channel in ("email", "sms"):
        shop["consents"].append(("rarer", channel, "marketing", "granted", noon(date(2017, 1, 1))))

    # one whose events tell more than her orders
    person(shop, "leaver", date(2017, 1, 20), country="US")
    for day in every(28, date(2017, 2, 10), date(2017, 6, 30)):
        order(shop, "leaver", day, 25)
    for kind, day, announced in (
        ("visit", date(2017, 2, 1), None),
        ("delivery", date(2017, 2, 14), None),
        ("review", date(2017, 2, 20), None),
        ("notice", date(2017, 6, 20), date(2017, 9, 1)),
    ):
        event(shop, "leaver", kind, day, announced)

    for customer in random_customers(5, 40):
        if customer.registered_on:
            person(shop, customer.key, customer.registered_on)
        for o in customer.orders:
            order(shop, customer.key, o.on, o.cents / 100, o.cancelled_on, [(r.on, r.cents / 100) for r in o.refunds])
        for e in customer.events:
            event(shop, customer.key, e.type, e.on, e.scheduled_for)
    shop["refunds"] = _once(shop["refunds"])

    for source, entities in (("shop", shop), ("click_collect", clicks)):
        for entity, rows in entities.items():
            _copy(source, entity, rows)


def _once(refunds: Iterable[tuple]) -> list[tuple]:
    """Refunds with ids of their own."""
    return [(f"{number}", *refund[1:]) for number, refund in enumerate(refunds)]


def _copy(source: str, entity: str, rows: list[tuple]) -> None:
    batch = f"{source}-{entity}"
    with database.connect() as session, session.cursor() as cursor:
        cursor.execute(
            "insert into ops.batches values (%s, %s, %s, %s, %s, %s, %s, %s, 0, 0, '')",
            [batch, source, entity, EARLIER, noon(EARLIER), *[len(rows)] * 3],
        )
        into = f"copy raw.{entity} ({COLUMNS[entity]}, source, payload_hash, batch_id, row_no) from stdin"
        with cursor.copy(into) as copy:
            for number, row in enumerate(rows):
                copy.write_row((*row, source, UUID(int=number), batch, number))


def build(night: date, warehouse: Connection) -> None:
    """A night as `perennial nightly` builds it, without its checks."""
    built = settings()
    only = ["build", "--exclude-resource-type", "test", "unit_test", "--select"]
    needed = ["+audience_members", "+int_order_histories", "dim_reasons", "dim_customer_redirects"]
    needed += ["--exclude", "source:clv+"]
    transform.run([*only, *needed], built, night, warehouse)
    with database.connect() as session:
        store.write(session, night, built.value, *tonight.run(session, night, built.value))
    transform.run([*only, "source:clv+,+audience_members"], built, night, warehouse)
    with database.connect() as session:
        session.execute(
            "insert into ops.nights (as_of, build_started_at, built_at, config_hash) values (%s, %s, %s, %s)",
            [night, noon(night), noon(night), transform.fingerprint(built, night)],
        )


def some_keys(seed: int, number: int) -> list[str]:
    """Keys of random customers who were known by the earlier night, the told ones among them."""
    ask = """select distinct customer_key, bool_or(source_customer_id in ('steady', '4711', 'rarer', 'leaver')) as told
        from intermediate.int_customer_keys where known_on <= %s group by customer_key order by customer_key"""
    with database.connect() as session:
        rows = session.execute(ask, [EARLIER]).fetchall()
    others = [row["customer_key"] for row in rows if not row["told"]]
    return [row["customer_key"] for row in rows if row["told"]] + Random(seed).sample(others, number)
