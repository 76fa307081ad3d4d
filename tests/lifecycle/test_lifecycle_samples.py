"""The sample that the timeline is compared on asks hard questions about events."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

from oracle import Customer, Event
from samples import ENDING, EVENTS, IGNORED, START, random_customers, random_model
from timeline_harness import RULE_SEEDS

from perennial.config.conditions import leaves
from perennial.config.lifecycle import OWN_EVENTS


def told_again(customers: list[Customer]) -> Iterator[tuple[Event, Event]]:
    """Each event that may announce a date with the next of its type."""
    for customer in customers:
        for kind in ENDING:
            told = sorted((e for e in customer.events if e.type == kind), key=lambda e: (e.on, e.seq))
            yield from pairwise(told)


def test_the_sample_holds_every_trouble_an_event_can_have():
    customers, night = random_customers(11, 65), START + timedelta(days=520)
    events = [(e, c) for c in customers for e in c.events]
    assert {e.type for e, _ in events} == {*EVENTS, IGNORED} - ({*OWN_EVENTS} - {"unsubscribe"})
    assert any(not c.events for c in customers)
    assert {(e.on > c.known_on) - (e.on < c.known_on) for e, c in events} == {-1, 0, 1}
    assert any(e.on > night for e, _ in events)
    assert any(e.on in {o.on for o in c.orders} for e, c in events)
    assert any(len({e.on for e in c.events}) < len(c.events) for c in customers)
    assert any(c.events and not c.orders for c in customers)
    assert len({e.seq for e, _ in events}) == len(events)
    dated = [e for e, _ in events if e.scheduled_for]
    assert {(e.scheduled_for > e.on) - (e.scheduled_for < e.on) for e in dated} == {-1, 0, 1}
    assert any(e.on <= night < e.scheduled_for for e in dated)
    again = list(told_again(customers))
    assert any(a.scheduled_for and not b.scheduled_for and a.on < b.on for a, b in again), "nothing is withdrawn"
    assert any(b.scheduled_for and not a.scheduled_for for a, b in again), "nothing is told later"
    renewed = [(a, b) for a, b in again if a.scheduled_for and b.scheduled_for]
    assert {(b.on > a.scheduled_for) - (b.on < a.scheduled_for) for a, b in renewed} == {-1, 0, 1}
    assert any(b.scheduled_for < a.scheduled_for for a, b in renewed), "nothing is shortened"
    assert any(a.on == b.on for a, b in again), "nothing is told twice on a day"


def test_the_random_models_ask_for_events_spend_and_announced_dates_in_every_way():
    models = [random_model(seed) for seed in RULE_SEEDS]
    asked = [leaf for m in models for s in m.stages if s.when for leaf in leaves(s.when)]
    events = [leaf.event for leaf in asked if leaf.event]
    assert {(e.within_days is not None, e.cycles > 0) for e in events} == {(False, False), (True, False), (True, True)}
    assert {("order" in e.since, bool({*e.since} - {"order"})) for e in events} >= {
        (False, False),
        (True, False),
        (False, True),
        (True, True),
    }
    assert {name for e in events for name in e.types} >= {*OWN_EVENTS}
    assert {name for e in events for name in e.since} >= {*OWN_EVENTS}
    assert {leaf.value.of for leaf in asked if leaf.value} == {"total", "average", "last_365_days"}
    assert {(leaf.scheduled.type, leaf.scheduled.is_) for leaf in asked if leaf.scheduled} == {
        (kind, when) for kind in ENDING for when in ("ahead", "passed")
    }
    before = [m.stages[0].when for m in models if m.stages[0].stage != "prospect"]
    assert any(leaf.event and leaf.event.cycles for when in before for leaf in leaves(when))
