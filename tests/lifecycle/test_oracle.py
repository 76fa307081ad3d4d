"""The oracle itself, on examples small enough to be checked by reading."""

from itertools import pairwise

import golden
import pytest
from golden import day, life
from oracle import Customer, History, Settings
from timeline_harness import extended

from perennial.config.conditions import Condition, event_conditions
from perennial.config.lifecycle import Cycle, Population, Trend

LAST = 800  # examples are looked at from day 0 to here, every day
MONTH = Population(median_gap_days=30, order_value=30)


def settings(rule: Condition, *population: Population) -> Settings:
    """What the shipped settings are, with the events that the rule names."""
    return Settings(Cycle(), Trend(), population or (MONTH,), frozenset(event_conditions(rule)))


def spans(customer: Customer, told: dict, *population: Population) -> list[tuple[int, int]]:
    """The days on which the rule holds, as (first, last) of days without a break; LAST stands for evermore."""
    rule = Condition.model_validate(told)
    history = History(customer, settings(rule, *population))
    known = (history.known_on - day(0)).days
    holds = [n >= known and history.episode(day(n)).holds(rule, day(n)) for n in range(LAST + 1)]
    edges = [n for n, (a, b) in enumerate(pairwise([False, *holds, False])) if a != b]
    return [(first, after - 1) for first, after in zip(edges[::2], edges[1::2], strict=True)]


def event(*types: str, **more) -> dict:
    """A rule about events."""
    return {"event": {"types": types, **more}}


known = {"registered": 0}
EVENT_RULES = {
    "it holds from the day of the event on": (life(**known, events=[("visit", 10)]), event("visit"), [(10, LAST)]),
    "it never holds where nothing happened": (life(**known, events=[("cart", 10)]), event("visit"), []),
    "five days old is within five days, six is not": (
        life(**known, events=[("visit", 10)]),
        event("visit", within_days=5),
        [(10, 15)],
    ),
    "within 0 days means the same day": (
        life(**known, events=[("visit", 10)]),
        event("visit", within_days=0),
        [(10, 10)],
    ),
    "the latest event of a type counts": (
        life(**known, events=[("visit", 10), ("visit", 14)]),
        event("visit", within_days=5),
        [(10, 19)],
    ),
    "the latest event of all types counts": (
        life(**known, events=[("cart", 30), ("visit", 10)]),
        event("visit", "cart", within_days=3),
        [(10, 13), (30, 33)],
    ),
    "an event before she was known never happened": (
        life(registered=10, events=[("visit", 9)]),
        event("visit"),
        [],
    ),
    "an event of the day she became known did": (
        life(registered=10, events=[("visit", 10)]),
        event("visit"),
        [(10, LAST)],
    ),
    "her first order makes her known, too": (
        life(10, registered=50, events=[("visit", 20)]),
        event("visit"),
        [(20, LAST)],
    ),
    "since her latest order: the next order ends it": (
        life(0, 20, events=[("delivery", 3)]),
        event("delivery", since=["order"]),
        [(3, 19)],
    ),
    "an event on the order-day is since that order": (
        life(0, 20, events=[("delivery", 20)]),
        event("delivery", since=["order"]),
        [(20, LAST)],
    ),
    "without an order nothing is since her order": (
        life(**known, events=[("delivery", 3)]),
        event("delivery", since=["order"]),
        [],
    ),
    "when the latest order is refunded the one before is the latest": (
        life(0, 20, events=[("delivery", 3)], refunds=[(1, 30, 40)]),
        event("delivery", since=["order"]),
        [(3, 19), (30, LAST)],
    ),
    "since another event: older is not": (
        life(**known, events=[("cart", 10), ("visit", 20), ("cart", 25)]),
        event("cart", since=["visit"]),
        [(25, LAST)],
    ),
    "since another event: the same day is": (
        life(**known, events=[("cart", 20), ("visit", 20)]),
        event("cart", since=["visit"]),
        [(20, LAST)],
    ),
    "since an event that never happened: never": (
        life(**known, events=[("cart", 10)]),
        event("cart", since=["visit"]),
        [],
    ),
    "since both an order and another event": (
        life(5, events=[("cart", 10), ("visit", 8), ("visit", 12), ("cart", 15)]),
        event("cart", since=["order", "visit"]),
        [(10, 11), (15, LAST)],
    ),
    "since applies to the latest of all types": (
        life(0, 10, events=[("review", 3), ("survey", 12)]),
        event("review", "survey", since=["order"]),
        [(3, 9), (12, LAST)],
    ),
    "half a cycle of 30 days is more than two weeks": (
        life(0, events=[("delivery", 3)]),
        event("delivery", within_days=14, cycles=0.5),
        [(3, 18)],
    ),
    "20 days are more than half a cycle": (
        life(0, events=[("delivery", 3)]),
        event("delivery", within_days=20, cycles=0.5),
        [(3, 23)],
    ),
    # three gaps of 7 days, pulled by a prior of 30 days that counts as three: sqrt(7 x 30) = 14.49
    "a part of a day does not count": (
        life(0, 7, 14, 21, events=[("delivery", 21)]),
        event("delivery", within_days=5, cycles=1),
        [(21, 35)],
    ),
    "who has not ordered has the cycle of the population": (
        life(**known, events=[("quote", 5)]),
        event("quote", within_days=10, cycles=1.5),
        [(5, 50)],
    ),
    "registration is an event": (life(0, registered=5), event("registration"), [(5, LAST)]),
    "a refund is an event": (life(0, refunds=[(0, 12, 1)]), event("refund"), [(12, LAST)]),
    "a refund before the order counts on the order-day": (life(9, refunds=[(0, 2, 1)]), event("refund"), [(9, LAST)]),
    "a refund after the cancellation is none": (
        life(0, refunds=[(0, 12, 1)], cancelled={0: 11}),
        event("refund"),
        [],
    ),
    "a refund on the day of the cancellation is one": (
        life(0, refunds=[(0, 11, 1)], cancelled={0: 11}),
        event("refund"),
        [(11, LAST)],
    ),
    "a cancellation is an event": (life(0, cancelled={0: 11}), event("cancellation"), [(11, LAST)]),
    "a cancellation before the order counts on the order-day": (
        life(9, cancelled={0: 2}),
        event("cancellation"),
        [(9, LAST)],
    ),
    "an opt-out is an event": (
        life(**known, events=[("unsubscribe", 7)]),
        event("unsubscribe", within_days=1),
        [(7, 8)],
    ),
}


@pytest.mark.parametrize(("customer", "rule", "expected"), EVENT_RULES.values(), ids=list(EVENT_RULES))
def test_an_event_rule_holds_on_these_days_and_no_others(customer, rule, expected):
    assert spans(customer, rule) == expected


# what was told of contracts, when the end was ahead, when it had passed
ANNOUNCED = {
    "the day itself has passed": ([("contract", 10, 40)], [(10, 39)], [(40, LAST)]),
    "nothing was announced": ([("contract", 10)], [], []),
    "it ends on the day it is told": ([("contract", 10, 10)], [], [(10, LAST)]),
    "it ended before it was told": ([("contract", 10, 5)], [], [(10, LAST)]),
    "it is renewed in time": ([("contract", 10, 40), ("contract", 30, 90)], [(10, 89)], [(90, LAST)]),
    "it is renewed too late": (
        [("contract", 10, 40), ("contract", 50, 90)],
        [(10, 39), (50, 89)],
        [(40, 49), (90, LAST)],
    ),
    "it is shortened": ([("contract", 10, 90), ("contract", 30, 40)], [(10, 39)], [(40, LAST)]),
    "it is withdrawn": ([("contract", 10, 40), ("contract", 30)], [(10, 29)], []),
    "it is withdrawn after its end": ([("contract", 10, 40), ("contract", 60)], [(10, 39)], [(40, 59)]),
    "the later word of a day counts": ([("contract", 10, 40), ("contract", 10, 60)], [(10, 59)], [(60, LAST)]),
    "withdrawn on the same day": ([("contract", 10, 40), ("contract", 10)], [], []),
    "told at last on the same day": ([("contract", 10), ("contract", 10, 40)], [(10, 39)], [(40, LAST)]),
    "told out of turn, the later day counts": ([("contract", 30, 90), ("contract", 10, 40)], [(10, 89)], [(90, LAST)]),
    "another type says nothing": ([("notice", 10, 40)], [], []),
    "told before she was known": ([("contract", -1, 40)], [], []),
}


@pytest.mark.parametrize(("events", "ahead", "passed"), ANNOUNCED.values(), ids=list(ANNOUNCED))
def test_an_announced_date_is_ahead_and_has_passed_on_these_days_and_no_others(events, ahead, passed):
    customer = life(registered=0, events=events)
    assert spans(customer, {"scheduled": {"type": "contract", "is": "ahead"}}) == ahead
    assert spans(customer, {"scheduled": {"type": "contract", "is": "passed"}}) == passed


def value(at_least: float, of: str = "total") -> dict:
    """A rule about net spend."""
    return {"value": {"of": of, "at_least": at_least}}


VALUE_RULES = {
    "a cent less is not enough": (life((0, 40), (10, 59.99)), value(100), []),
    "the last cent counts, until it is refunded": (
        life((0, 40), (10, 59.99), (20, 0.01), refunds=[(1, 30, 0.01)]),
        value(100),
        [(20, 29)],
    ),
    "ten cents thirty times are three": (life(*[(n, 0.1) for n in range(30)]), value(3), [(29, LAST)]),
    "a cancelled order is worth nothing": (life((0, 40), cancelled={0: 9}), value(40), [(0, 8)]),
    "nothing is at least 0": (life(registered=3), value(0), [(3, LAST)]),
    "the average of nothing is not": (life(registered=3), value(0, "average"), []),
    "the average of thirds": (life((0, 25), (10, 25), (20, 73)), value(41, "average"), [(20, LAST)]),
    # 100.00 / 3 = 33.3333333...
    "less than half of the sixth decimal does not count": (
        life((0, 33.33), (10, 33.33), (20, 33.34)),
        value(33.3333337, "average"),
        [(20, LAST)],
    ),
    "more than half of it does": (
        life((0, 33.33), (10, 33.33), (20, 33.34)),
        value(33.333334, "average"),
        [],
    ),
    "the average falls": (life((0, 50), (10, 25)), value(41, "average"), [(0, 9)]),
    "two orders on one day are one for the average": (
        life((0, 30), (0, 30), (5, 60)),
        value(60, "average"),
        [(0, LAST)],
    ),
    "a refunded order is none for the average": (
        life((0, 60), (5, 20), refunds=[(1, 9, 20)]),
        value(60, "average"),
        [(0, 4), (9, LAST)],
    ),
    "an order 364 days before the opening is within 365 days": (
        life((0, 100), (364, 1)),
        value(101, "last_365_days"),
        [(364, LAST)],
    ),
    "an order 365 days before the opening is not": (
        life((0, 100), (365, 1)),
        value(100, "last_365_days"),
        [(0, 364)],
    ),
    "the year is looked at when an episode opens, not later": (
        life((0, 100)),
        value(100, "last_365_days"),
        [(0, LAST)],
    ),
    "nothing in a year is at least 0": (life(registered=3), value(0, "last_365_days"), [(3, LAST)]),
}


@pytest.mark.parametrize(("customer", "rule", "expected"), VALUE_RULES.values(), ids=list(VALUE_RULES))
def test_a_value_rule_holds_on_these_days_and_no_others(customer, rule, expected):
    assert spans(customer, rule) == expected


def test_an_event_that_a_model_names_opens_an_episode_with_a_fresh_look_at_the_year():
    rule = {"any": [value(100, "last_365_days"), event("visit", since=["visit", "order"])]}
    customer = life((0, 100), events=[("visit", 500), ("visit", -1)])
    worth = Condition.model_validate(rule["any"][0])
    history = History(customer, settings(Condition.model_validate(rule)))
    assert history.openings == [day(0), day(500)]
    assert [history.episode(day(n)).holds(worth, day(n)) for n in (499, 500)] == [True, False]


def test_an_event_that_no_model_names_opens_nothing():
    customer = life(0, 20, events=[("visit", 10), ("visit", 10), ("cart", 15), ("visit", 20), ("newsletter", 17)])
    assert History(customer, settings(Condition.model_validate(event("visit")))).openings == [day(0), day(10), day(20)]


def test_registration_opens_an_episode_only_if_a_model_names_it():
    customer = life(0, registered=9)
    assert History(customer, settings(Condition.model_validate({"trend": "up"}))).openings == [day(0)]
    named = settings(Condition.model_validate(event("registration")))
    assert History(customer, named).openings == [day(0), day(9)]


def test_an_episode_that_an_event_opens_uses_the_population_in_force_on_its_day():
    four_days = Population(effective_from=day(40), median_gap_days=4, order_value=30)
    late = {"late": {"cycles": 2, "floor_days": 1}}
    assert spans(life(0, events=[("visit", 50)]), late, MONTH, four_days) == [(61, LAST)]
    named = {"all": [late, {"any": [event("visit"), late]}]}
    assert spans(life(0, events=[("visit", 50)]), named, MONTH, four_days) == [(50, LAST)]


def test_a_night_does_not_know_what_happens_after_it():
    customer = life(0, events=[("contract", 10, 40), ("contract", 50, 90)], registered=70)
    passed = {"scheduled": {"type": "contract", "is": "passed"}}
    assert spans(customer.as_known_on(day(49)), passed) == [(40, LAST)]
    assert spans(customer.as_known_on(day(50)), passed) == [(40, 49), (90, LAST)]
    assert spans(customer.as_known_on(day(69)), event("registration")) == []
    assert spans(customer.as_known_on(day(70)), event("registration")) == [(70, LAST)]


def test_an_event_makes_nobody_known():
    assert life(events=[("visit", 3)]).known_on is None
    assert life(30, events=[("visit", 3)]).known_on == day(30)
    assert life(30, registered=20, events=[("visit", 3)]).known_on == day(20)


# --- golden customers ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("customer", "model", "on", "stage"),
    [row[:4] for row in golden.CUSTOMERS],
    ids=[f"{model} {stage}: {story}" for _, model, _, stage, story in golden.CUSTOMERS],
)
def test_the_golden_customer_is_in_the_stage_of_her_story(customer, model, on, stage):
    lifecycle = extended({}).lifecycle
    rules = Settings.of(lifecycle)
    assert History(customer, rules).stage(lifecycle.models[model], on) == stage
    assert History(customer.as_known_on(on), rules).stage(lifecycle.models[model], on) == stage


def test_every_stage_of_every_shipped_model_has_a_golden_customer():
    lifecycle = extended({}).lifecycle
    shipped = [name for name in lifecycle.enabled if not name.startswith("random")]
    assert len(shipped) == 10
    told = {(model, stage) for _, model, _, stage, _ in golden.CUSTOMERS}
    assert told == {(name, s.stage) for name in shipped for s in lifecycle.models[name].stages}
    keys = [customer.key for customer, *_ in golden.CUSTOMERS]
    assert len(set(keys)) == len(keys)
