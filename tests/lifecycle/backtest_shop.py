"""A shop of nine customers whose every number can be worked out by hand, and what nights make of them."""

from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import psycopg

from perennial.config.lifecycle import LifecycleModel

MAY, JUNE = date(2017, 5, 31), date(2017, 6, 30)
HORIZON = 30
NIGHT = date(2017, 8, 1)
PRICE = 10


def words(name: str) -> dict:
    """A text in both languages."""
    return {"en": name.title(), "zh": f"{name}期"}


def stage(name: str, phase: str, **rest) -> dict:
    """A stage as config/ has it."""
    return {"stage": name, "label": words(name), "description": words(name), "phase": phase, **rest}


MODEL = LifecycleModel.model_validate(
    {
        "version": 7,
        "name": words("shop"),
        "source": "made by hand",
        "stages": [
            stage("prospect", "potential", when={"orders": {"exactly": 0}}),
            stage("lost", "lost", when={"late": {"floor_days": 60}}),
            stage(
                "declining", "declining", when={"any": [{"late": {"cycles": 2, "floor_days": 20}}, {"trend": "down"}]}
            ),
            stage("fine", "stable", **{"else": True}),
        ],
    }
)


@dataclass(frozen=True)
class Person:
    """Order-days with the day of the cancellation, if any; one cycle for life; order-days whose trend is down."""

    key: str
    orders: dict[date, date | None]
    cycle: float = 10
    down: tuple[date, ...] = ()
    refunds: dict[date, tuple[date, int]] = field(default_factory=dict)  # on -> order-day, amount

    def with_orders(self, *days: date) -> "Person":
        """The same person, who ordered once more."""
        return replace(self, orders=self.orders | dict.fromkeys(days))


def day(text: str) -> date:
    """`06-30` is in 2017."""
    return date.fromisoformat(text if len(text) > 5 else f"2017-{text}")


def person(key: str, *days: str, **rest) -> Person:
    """Somebody who ordered on these days."""
    return Person(key, dict.fromkeys(map(day, days)), **rest)


PEOPLE = [
    person("ann", "05-01", "06-28", "07-10"),
    # 25 days silent on 30 June; of the two refunds the origin knows the first
    person("bea", "05-01", "06-05", refunds={day("06-20"): (day("05-01"), 4), day("07-05"): (day("05-01"), 5)}),
    # 26 days silent, back on the last day of the horizon
    person("cat", "05-01", "06-04", "07-30"),
    # exactly 60 days silent on 31 May, two of her cycles: not yet late
    person("dot", "03-01", "04-01", cycle=30),
    # her order within the horizon was cancelled three days later, the next is one day too late
    Person("eve", {day("06-01"): None, day("07-05"): day("07-08"), day("07-31"): None}, cycle=20),
    # 366 days silent on 30 June, nobody asks about her then
    person("gil", "2016-06-29"),
    # 364 days silent on 30 June; the older order is out of memory
    person("hal", "2016-06-15", "2016-07-01"),
    # down since the day she ordered last
    person("joy", "05-20", "06-20", down=(day("06-20"),)),
]

TABLES = """
    drop table if exists intermediate.int_episodes, intermediate.int_ledger;
    create table intermediate.int_episodes (
        customer_key text, episode_on date, episode_to date, orders bigint, first_order_on date, last_order_on date,
        spend float8, recent_spend float8, cycle_days float8, trend text, events jsonb, scheduled jsonb
    );
    create table intermediate.int_ledger (
        customer_key text, event_on date, event_type text, ordered_on date, amount numeric(18, 4)
    )
"""


def fill(session: psycopg.Connection, people: list[Person], night: date = NIGHT) -> None:
    """The episodes and the ledger that a night sees of these people."""
    session.execute("set local client_min_messages = warning")
    session.execute(TABLES)
    session.execute("delete from ops.nights")
    session.execute("insert into ops.nights (as_of, build_started_at, built_at) values (%s, now(), now())", [night])
    known_on = date(2016, 1, 1)
    session.execute(
        "insert into intermediate.int_episodes values "
        "('fay', %s, 'infinity', 0, null, null, 0, 0, 30, 'none', '{}', '{}')",
        [known_on],
    )
    for p in people:
        cancellations = {on for on in p.orders.values() if on}
        touches = sorted(t for t in {known_on, *p.orders, *cancellations, *p.refunds} if t <= night)
        for touch, until in zip(touches, [*touches[1:], "infinity"], strict=True):
            seen = [on for on, off in p.orders.items() if on <= touch and not (off and off <= touch)]
            last = max(seen, default=None)
            trend = "down" if last in p.down else "none"
            session.execute(
                "insert into intermediate.int_episodes values (%s, %s, %s, %s, %s, %s, 0, 0, %s, %s, '{}', '{}')",
                [p.key, touch, until, len(seen), min(seen, default=None), last, p.cycle, trend],
            )
        ledger = [(p.key, on, "order", on, PRICE) for on in p.orders]
        ledger += [(p.key, off, "cancellation", on, -PRICE) for on, off in p.orders.items() if off]
        ledger += [(p.key, on, "refund", ordered, -amount) for on, (ordered, amount) in p.refunds.items()]
        for row in ledger:
            if row[1] <= night:
                session.execute("insert into intermediate.int_ledger values (%s, %s, %s, %s, %s)", row)


def later(origin: date) -> list[Person]:
    """Everybody, with more orders, a refund and a cancellation after the origin than there were."""
    changed = []
    for p in PEOPLE:
        before = {on: off for on, off in p.orders.items() if on <= origin}
        moved = Person(p.key, before, p.cycle, p.down, {d: r for d, r in p.refunds.items() if d <= origin})
        first = min(before, default=None)
        extra = moved.with_orders(origin + timedelta(days=1), origin + timedelta(days=15))
        if first and len(before) > 1:
            extra = replace(extra, orders=extra.orders | {first: origin + timedelta(days=2)})
        changed.append(extra)
    return changed
