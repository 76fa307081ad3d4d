"""Random customers with every trouble an order or an event can have, and random valid rule sets."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from itertools import count as numbers
from random import Random

from oracle import Customer, Event, Order, Refund

from perennial.config.lifecycle import OWN_EVENTS, PHASES, Cycle, LifecycleModel, Population, Trend

START = date(2016, 7, 1)

# A second company: short cycles, an impatient trend, and population values that change while people buy.
OTHER_SETTINGS = {
    "cycle": Cycle(prior_weight=0.7, shortest_days=1, longest_days=60),
    "trend": Trend(
        window_cycles=3.5,
        shortest_days=10,
        longest_days=45,
        spend_up=0.1,
        spend_down=-0.15,
        significance=0.8,
    ),
    "population": [
        Population(median_gap_days=9.5, order_value=12.5),
        Population(effective_from=date(2016, 12, 1), median_gap_days=45, order_value=80),
        Population(effective_from=date(2017, 6, 15), median_gap_days=4, order_value=20),
        Population(effective_from=date(2017, 12, 1), median_gap_days=20, order_value=33),
    ],
}

LEAVES = ("orders", "tenure_days", "tenure_cycles", "late", "trend", "value", "event", "scheduled")
LOOKING = ("visit", "cart", "quote")
SPEAKING = ("review", "survey", "return", "ticket")
ENDING = ("contract", "notice", "termination")  # these may announce a date
EVENTS = (*LOOKING, *SPEAKING, "delivery", *ENDING, *OWN_EVENTS)
IGNORED = "newsletter"  # delivered, and named by no model


def random_bounds(rnd: Random, low: int, high: int) -> dict:
    """A range inside [low, high], bounded on one side or both, or a single number."""
    a, b = sorted((rnd.randint(low, high), rnd.randint(low, high)))
    return rnd.choice([{"at_least": a}, {"at_most": b}, {"at_least": a, "at_most": b}, {"exactly": a}])


def random_condition(rnd: Random, depth: int = 2) -> dict:
    """One condition in the notation of the configuration file."""
    kind = rnd.choice(LEAVES + (("all", "any", "not") * 2 if depth else ()))
    if kind in ("all", "any"):
        return {kind: [random_condition(rnd, depth - 1) for _ in range(rnd.randint(2, 3))]}
    if kind == "not":
        return {kind: random_condition(rnd, depth - 1)}
    if kind == "trend":
        return {kind: rnd.choice(["up", "down"])}
    if kind == "value":
        of = rnd.choice([{}, {"of": "total"}, {"of": "average"}, {"of": "last_365_days"}])
        return {kind: {**of, "at_least": rnd.choice([0, 25, 41, 73, 123, 400.01, 1500])}}
    if kind == "event":
        return {kind: random_event_rule(rnd)}
    if kind == "scheduled":
        return {kind: {"type": rnd.choice(ENDING), "is": rnd.choice(["ahead", "passed"])}}
    if kind == "late":
        return {
            kind: {
                "cycles": rnd.choice([0, 1, 1.5, 2, 3.7]),
                "floor_days": rnd.choice([0, 1, 7, 40, 90]),
            }
        }
    span = {"orders": (1, 9), "tenure_days": (0, 400), "tenure_cycles": (0, 14)}[kind]
    return {kind: random_bounds(rnd, *span)}


def random_event_rule(rnd: Random) -> dict:
    """One to three event types: ever, or lately, or since something else."""
    rule = {"types": rnd.sample(EVENTS, rnd.randint(1, 3))}
    since = rnd.choice([[], [], ["order"], [rnd.choice(EVENTS)], ["order", rnd.choice(EVENTS)]])
    lately = {"within_days": rnd.choice([0, 1, 7, 14, 30, 90])}
    paced = lately | {"cycles": rnd.choice([0.5, 1, 2.2])}
    return rule | rnd.choice([{}, lately, lately, paced]) | ({"since": since} if since else {})


def random_model(seed: int) -> LifecycleModel:
    """A valid model of five to eight stages; in some an event tells prospects apart."""
    rnd = Random(seed)
    text = {"en": "x", "zh": "某"}
    nothing = {"orders": {"exactly": 0}}
    stages = [{"stage": "prospect", "when": nothing}]
    stages += [{"stage": f"s{i}", "when": random_condition(rnd)} for i in range(1, rnd.randint(4, 6))]
    stages += [{"stage": "rest", "else": True}]
    if rnd.random() < 0.4:
        stages.insert(0, {"stage": "s0", "when": {"all": [nothing, {"event": random_event_rule(rnd)}]}})
    return LifecycleModel.model_validate(
        {
            "version": 1,
            "name": text,
            "source": "random",
            "stages": [
                {**stage, "label": text, "description": text, "phase": PHASES[number % len(PHASES)]}
                for number, stage in enumerate(stages)
            ],
        }
    )


def troubled(rnd: Random, on: date, cents: int) -> Order:
    """An order that was refunded or cancelled in one of all the ways we could think of."""

    def later(low: int = 1, high: int = 60) -> date:
        return on + timedelta(days=rnd.randint(low, high))

    some, soon = cents and rnd.randint(1, max(1, cents - 1)), later(1, 20)
    refunds, cancelled = rnd.choice(
        [
            ([(later(), some)], None),
            ([(later(), some), (later(), (cents - some) // 2)], None),
            ([(later(), some), (later(), cents - some)], None),
            ([(later(), cents)], None),
            ([(later(), cents + 1)], None),
            ([(later(), cents), (later(), some)], None),
            ([(later(), max(0, cents - 1))], None),
            ([(soon, cents), (later(21, 50), -some)], None),
            ([(later(), 0)], None),
            ([(on, some)], None),
            ([(on, cents)], None),
            ([(on - timedelta(days=3), some)], None),
            ([(on - timedelta(days=3), cents)], None),
            ([], on),
            ([], on - timedelta(days=2)),
            ([], later()),
            ([], later()),
            ([(soon, some)], soon),
            ([(soon, some)], later(21, 50)),
            ([(soon, cents)], later(21, 50)),
            ([(later(21, 50), some)], soon),
            ([(later(21, 50), cents), (on, some)], soon),
        ]
    )
    return Order(on, cents, tuple(Refund(day, amount) for day, amount in refunds), cancelled)


def order(rnd: Random, on: date, trouble: float, value: int = 4000) -> Order:
    """A random order, in trouble with the given probability."""
    cents = 0 if rnd.random() < trouble / 10 else rnd.randint(value // 4, value * 2)
    return troubled(rnd, on, cents) if rnd.random() < trouble else Order(on, cents)


def paced(rnd: Random, start: date, paces: list[tuple[int, int, int, int]], trouble: float) -> list[Order]:
    """Orders at a changing pace: (days it lasts, shortest gap, longest gap, value in cents) one after the other."""
    orders, day = [], start
    for days, shortest, longest, value in paces:
        end = day + timedelta(days=days)
        while day < end:
            orders.append(order(rnd, day, trouble, value))
            day += timedelta(days=rnd.randint(shortest, longest))
    return orders


def announced(rnd: Random, kind: str, begin: date) -> list[Event]:
    """Events that announce the end of something: kept, renewed, corrected, withdrawn, or told too late."""
    on = begin + timedelta(days=rnd.randint(0, 250))
    end = on + timedelta(days=rnd.randint(2, 300))

    def told(days: int, to: date | None) -> Event:
        return Event(kind, on + timedelta(days=days), to)

    half, longer = (end - on).days // 2, end + timedelta(days=rnd.randint(1, 200))
    return rnd.choice(
        [
            [told(0, end)],
            [told(0, end), told(half, longer)],
            [told(0, end), told((end - on).days, longer)],
            [told(0, end), told((end - on).days + 20, longer)],
            [told(0, end), told(half, on + timedelta(days=1))],
            [told(0, end), told(half, None)],
            [told(0, end), told(half, None), told(half + 40, longer)],
            [told(0, end), told(0, longer)],
            [told(0, end), told(0, None)],
            [told(0, None), told(0, end)],
            [told(0, on)],
            [told(0, on - timedelta(days=9))],
            [told(0, None)],
        ]
    )


def random_events(rnd: Random, customer: Customer, number: Iterator[int]) -> tuple[Event, ...]:
    """What happened to the customer beside the orders, in any order."""

    def at(day: date, low: int, high: int) -> date:
        return day + timedelta(days=rnd.randint(low, high))

    known_on, days = customer.known_on, sorted({o.on for o in customer.orders})
    happened = [Event(rnd.choice(LOOKING), at(known_on, -30, 500)) for _ in range(rnd.randint(0, 4))]
    for day in rnd.sample(days, min(len(days), 15)):
        happened += [Event("delivery", at(day, 0, 6))] * (rnd.random() < 0.6)
        happened += [Event(rnd.choice(SPEAKING), at(day, 0, 45))] * (rnd.random() < 0.3)
        happened += [Event(rnd.choice(LOOKING), day)] * (rnd.random() < 0.2)
    if days and rnd.random() < 0.6:  # around the day on which the first order is no longer one of the last 365 days
        happened += [Event(rnd.choice(LOOKING), at(days[0], 364, 366)) for _ in range(2)]
    for kind in ENDING:
        if rnd.random() < (0.25 if kind == "termination" else 0.4):
            happened += announced(rnd, kind, at(known_on, -20, 60))
    happened += [Event("unsubscribe", at(known_on, -10, 500))] * (rnd.random() < 0.3)
    happened += [Event(IGNORED, at(known_on, -10, 500)) for _ in range(rnd.randint(0, 2))]
    happened = [replace(event, seq=next(number)) for event in happened]
    rnd.shuffle(happened)
    return tuple(happened)


def random_customer(rnd: Random, number: int) -> Customer:
    """A customer of one of the kinds below, kind after kind."""
    begin = START + timedelta(days=rnd.randint(0, 330))
    kinds = {
        "prospect": list,
        "worthless": lambda: [troubled(rnd, begin, 0)],
        "once": lambda: [order(rnd, begin, 0)],
        "once and back": lambda: [troubled(rnd, begin, rnd.randint(2, 9000))],
        "few": lambda: paced(rnd, begin, [(150, 10, 70, 4000)], 0.5),
        "sparse": lambda: paced(rnd, begin, [(330, 40, 160, 9000)], 0.2),
        "steady": lambda: paced(rnd, begin, [(300, gap := rnd.choice([7, 10, 30]), gap, 3000)], 0.05),
        "one day": lambda: [order(rnd, begin, 0.4) for _ in range(rnd.randint(2, 6))],
        "bursts": lambda: paced(rnd, begin, [(240, 0, 12, 2000)], 0.3),
        "rising": lambda: paced(rnd, begin, [(80, 4, 9, 1500), (100, 1, 3, 4000)], 0.03),
        "falling": lambda: paced(rnd, begin, [(100, 1, 3, 4000), (90, 3, 10, 1500)], 0.03),
        "dense": lambda: paced(rnd, begin, [(260, 1, 3, 2500)], 0.02),
        "dense and troubled": lambda: paced(rnd, begin, [(130, 1, 3, 2500)], 0.25),
    }
    kind = list(kinds)[number % len(kinds)]
    orders = kinds[kind]()
    rnd.shuffle(orders)
    registered = begin + timedelta(days=rnd.randint(-40, 40)) if rnd.random() < 0.7 or not orders else None
    return Customer(f"{kind} {number}", registered, tuple(orders))


def random_customers(seed: int, count: int) -> list[Customer]:
    """A batch of customers of every kind, most of them with events."""
    rnd = Random(seed)
    customers = [random_customer(rnd, number) for number in range(count)]
    # `seq` runs through the whole batch, so that there is a latest event also where two of them are one person
    rnd, seq = Random(seed + 1), numbers()
    return [replace(c, events=random_events(rnd, c, seq) if rnd.random() < 0.85 else ()) for c in customers]
