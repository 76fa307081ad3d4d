"""The timeline that SQL computes by intervals is the one that the written rules give day by day."""

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from random import Random

import golden
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracle import Customer, Event, History, Order, Refund, Settings
from samples import LEAVES, START, random_customers
from timeline_harness import Compiled, Interval, Timeline

pytestmark = pytest.mark.server

NIGHT = START + timedelta(days=520)  # some of what the customers do lies after it
PROJECTED = 400  # days after the night that are compared, every one of them
FAR = (401, 450, 555, 777, 1000, 1500, 2000, 2920, 2921, 3000, 4000, 20000)  # and some later ones


def stages_by_day(intervals: list[Interval], days: list[date]) -> list[str | None]:
    """The stage on each of the rising days, None before the first interval."""
    found: list[str | None] = []
    position = -1
    for day in days:
        while position + 1 < len(intervals) and intervals[position + 1].since <= day:
            position += 1
        found.append(intervals[position].stage if position >= 0 else None)
    return found


def days_to_compare(first: date, as_of: date) -> list[date]:
    """Every day from `first` until the projection ends, and some days long after."""
    span = (as_of - first).days + PROJECTED
    return [first + timedelta(days=n) for n in range(span + 1)] + [as_of + timedelta(days=n) for n in FAR]


def expect_what_the_rules_say(
    compiled: Compiled, customers: list[Customer], as_of: date, found: Timeline
) -> tuple[Counter, Counter]:
    """Compare every customer, model and day; returns how often each (model, stage) and each trend occurred."""
    lifecycle = compiled.config.lifecycle
    models = {name: lifecycle.models[name] for name in lifecycle.enabled}
    stages, trends = Counter(), Counter()
    for customer in customers:
        known = customer.as_known_on(as_of)
        if known.known_on is None:
            assert not any((customer.key, name) in found for name in models), f"known too early: {customer}"
            continue
        rules = Settings.of(lifecycle)
        # up to the night the oracle may know the future, since it must not matter
        past, projection = History(customer, rules), History(known, rules)
        days = days_to_compare(known.known_on, as_of)
        trends.update(past.episode(day).trend for day in days if day <= as_of)
        for name, model in models.items():
            wanted = [(past if day <= as_of else projection).stage(model, day) for day in days]
            got = stages_by_day(found.get((customer.key, name), []), days)
            if got != wanted:
                day, stage, should = next(x for x in zip(days, got, wanted, strict=True) if x[1] != x[2])
                pytest.fail(
                    f"{name} on {day} (night {as_of}): SQL says {stage}, the rules say {should}\n"
                    f"{customer}\n{past.episode(day).describe()}\n{model.stages}"
                )
            stages.update((name, stage) for stage in wanted)
    return stages, trends


def clipped(intervals: list[Interval], day: date) -> list[tuple]:
    """The intervals up to `day`, as if it were the last day of the world."""
    return [
        (i.stage, i.since, None if i.until is None or i.until > day else i.until, i.entered_by, i.details)
        for i in intervals
        if i.since <= day
    ]


def test_every_golden_customer_is_in_the_stage_of_her_story(shipped):
    found = shipped.timeline([customer for customer, *_ in golden.CUSTOMERS], NIGHT)
    for customer, model, on, stage, story in golden.CUSTOMERS:
        assert stages_by_day(found[customer.key, model], [on]) == [stage], f"{model}: {story}"


@pytest.fixture(scope="module")
def customers() -> list[Customer]:
    """Customers of every kind, the same for every test."""
    return random_customers(11, 65)


@pytest.fixture(scope="module")
def timeline(compiled, customers) -> Timeline:
    """What the SQL makes of them."""
    return compiled.timeline(customers, NIGHT)


def test_every_customer_is_in_the_stage_that_the_rules_say_on_every_day(compiled, customers, timeline):
    stages, trends = expect_what_the_rules_say(compiled, customers, NIGHT, timeline)
    lifecycle = compiled.config.lifecycle
    possible = {(name, s.stage) for name in lifecycle.enabled for s in lifecycle.models[name].stages}
    assert set(stages) == possible, "the sample does not show every stage"
    assert set(trends) == {None, "flat", "up", "down"}, "the sample does not show every trend"
    assert min(trends.values()) > 100


def test_the_sample_holds_every_condition_and_every_trouble(compiled, customers):
    lifecycle = compiled.config.lifecycle
    used = str([lifecycle.models[name].model_dump(by_alias=True, exclude_none=True) for name in lifecycle.enabled])
    assert [kind for kind in (*LEAVES, "all", "any", "not") if f"'{kind}': " not in used] == []
    orders = [o for c in customers for o in c.orders]
    cancelled = [o for o in orders if o.cancelled_on]
    refunded = [(r, o) for o in orders for r in o.refunds]
    assert max(len(c.orders) for c in customers) > 100
    assert any(len({o.on for o in c.orders}) < len(c.orders) for c in customers)
    assert any(not c.orders for c in customers)
    assert any(c.orders and all(o.cancelled_on for o in c.orders) for c in customers)
    assert any(c.registered_on and c.orders and c.registered_on > min(o.on for o in c.orders) for c in customers)
    assert any(o.cents == 0 for o in orders)
    assert any(o.on > NIGHT for o in orders)
    assert {(o.cancelled_on > o.on) - (o.cancelled_on < o.on) for o in cancelled} == {-1, 0, 1}
    assert {(r.on > o.on) - (r.on < o.on) for r, o in refunded} == {-1, 0, 1}
    assert {(r.cents > o.cents) - (r.cents < o.cents) for r, o in refunded} == {-1, 0, 1}
    after = {(r.on > o.cancelled_on) - (r.on < o.cancelled_on) for r, o in refunded if o.cancelled_on}
    assert after == {-1, 0, 1}
    assert any(o.on <= NIGHT < o.cancelled_on for o in cancelled)
    assert any(len(o.refunds) > 1 for o in orders)
    population = compiled.config.lifecycle.population
    openings = {day for c in customers for day in History(c, Settings.of(compiled.config.lifecycle)).openings}
    starts = [p.effective_from for p in population[1:]]
    assert all(min(openings) < start < max(openings) for start in starts)


def test_intervals_tile_all_days_since_first_known_without_gap_or_overlap(compiled, customers, timeline):
    models = compiled.config.lifecycle.enabled
    known = {c.key: c.as_known_on(NIGHT).known_on for c in customers}
    assert set(timeline) == {(key, model) for key, day in known.items() if day for model in models}
    for (key, _), intervals in timeline.items():
        assert intervals[0].since == known[key]
        assert intervals[-1].until is None
        for before, after in pairwise(intervals):
            assert before.since < before.until == after.since
            assert before.stage != after.stage


def test_the_details_of_an_interval_are_what_is_known_on_its_first_day(compiled, customers, timeline):
    rules = Settings.of(compiled.config.lifecycle)
    people = {c.key: History(c.as_known_on(NIGHT), rules) for c in customers if c.as_known_on(NIGHT).known_on}
    for (key, _), intervals in timeline.items():
        for interval in intervals:
            episode, details = people[key].episode(interval.since), interval.details
            assert details["orders"] == episode.n
            assert details["trend"] == (episode.trend or "none")
            assert details["spend"] == pytest.approx(sum(episode.spend.values()) / 100)
            if episode.n == 0:
                assert not {"first_order_on", "last_order_on", "silence_days"} & set(details)
                continue
            assert details["cycle_days"] == pytest.approx(episode.cycle, abs=0.051)
            assert details["first_order_on"] == str(episode.first)
            assert details["last_order_on"] == str(episode.last)
            assert details["silence_days"] == (interval.since - episode.last).days
            opening = interval.since == episode.opened_on
            assert interval.entered_by in (("order", "event", "trend") if opening else ("silence", "tenure", "event"))


def test_what_was_written_for_a_past_day_never_depends_on_what_came_later(other, customers):
    last = other.timeline(customers, START + timedelta(days=760))
    for night in (60, 240, 365, 480, 600):
        day = START + timedelta(days=night)
        earlier = other.timeline(customers, day)
        wanted = {key: clipped(intervals, day) for key, intervals in earlier.items()}
        got = {key: clipped(intervals, day) for key, intervals in last.items() if intervals[0].since <= day}
        assert got == wanted


# --- small customers, made by hypothesis so that a failure shrinks to the smallest -----------------------------------

small = {"min_value": 0, "max_value": 70}
days_later = st.integers(-3, 70)


@st.composite
def small_customers(draw) -> list[Customer]:
    """A few customers with a few orders each, everything within little more than a year."""
    made = []
    for number in range(draw(st.integers(1, 4))):
        orders, day = [], START + timedelta(days=draw(st.integers(0, 300)))
        for gap in draw(st.lists(st.integers(**small), max_size=7)):
            day += timedelta(days=gap)
            cents = draw(st.sampled_from([0, 1, 2500, 7300]))
            refunds = draw(st.lists(st.tuples(days_later, st.sampled_from([1, 2499, 2500, 7300])), max_size=2))
            cancelled = draw(st.none() | days_later)
            orders.append(
                Order(
                    day,
                    cents,
                    tuple(Refund(day + timedelta(days=n), amount) for n, amount in refunds),
                    None if cancelled is None else day + timedelta(days=cancelled),
                )
            )
        registered = draw(st.none() | st.integers(**small)) if orders else 0
        known = None if registered is None else START + timedelta(days=registered)
        kinds = st.sampled_from(["visit", "contract", "notice", "delivery", "unsubscribe"])
        told = draw(st.lists(st.tuples(kinds, st.integers(-5, 400), st.none() | st.integers(-5, 400)), max_size=4))
        events = tuple(
            Event(kind, START + timedelta(days=on), None if due is None else START + timedelta(days=due), seq)
            for seq, (kind, on, due) in enumerate(told)
        )
        made.append(Customer(f"c{number}", known, tuple(orders), events))
    return made


@settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=20,
    suppress_health_check=list(HealthCheck),
)
@given(few=small_customers(), night=st.integers(0, 600))
def test_any_few_customers_are_in_the_stages_that_the_rules_say(compiled, few, night):
    as_of = START + timedelta(days=night)
    expect_what_the_rules_say(compiled, few, as_of, compiled.timeline(few, as_of))


# --- nights one after the other, through dbt and from the raw tables -------------------------------------------------


def redone(rnd: Random, customers: list[Customer]) -> list[Customer]:
    """The customers as the sources tell of them on a later night: rows came late, amounts were corrected."""
    told = list(customers)
    for number in rnd.sample(range(len(told)), len(told) // 3):
        customer, orders = told[number], list(told[number].orders)
        change = rnd.choice(["late order", "amount", "late refund", "late cancellation", "registered earlier"])
        at = rnd.randrange(len(orders)) if orders else None
        if change == "late order" or at is None:
            orders.append(Order(START + timedelta(days=rnd.randint(0, 300)), 3100))
        elif change == "amount":
            orders[at] = replace(orders[at], cents=orders[at].cents + 1234)
        elif change == "late refund":
            refund = Refund(orders[at].on + timedelta(days=5), orders[at].cents)
            orders[at] = replace(orders[at], refunds=(*orders[at].refunds, refund))
        elif change == "late cancellation":
            orders[at] = replace(orders[at], cancelled_on=orders[at].on + timedelta(days=9))
        registered = customer.registered_on
        if change == "registered earlier" and registered:
            registered -= timedelta(days=30)
        told[number] = replace(customer, registered_on=registered, orders=tuple(orders))
    return told


def people(customers: list[Customer], emails: dict[str, str]) -> dict[str, Customer]:
    """Who each customer is once everybody with the same e-mail is one person, by the key of the customer."""
    members: dict[str, list[Customer]] = {}
    for customer in customers:
        members.setdefault(emails.get(customer.key, customer.key), []).append(customer)
    found = {}
    for group in members.values():
        registered = [c.registered_on for c in group if c.registered_on]
        orders = tuple(o for c in group for o in c.orders)
        events = tuple(e for c in group for e in c.events)
        found |= {c.key: Customer(c.key, min(registered, default=None), orders, events) for c in group}
    return found


def test_night_after_night_ends_where_one_full_build_does(nights):
    rnd = Random(3)
    first, second = START + timedelta(days=300), START + timedelta(days=420)
    told = random_customers(5, 52)
    registered = [c.key for c in told if c.registered_on and c.as_known_on(first).known_on]
    merging, splitting = registered[:6], registered[6:10]
    emails = {key: f"{key.replace(' ', '.')}@example.org" for key in registered}
    for one, other in zip(splitting[::2], splitting[1::2], strict=True):
        emails[one] = emails[other]

    nights.deliver(told, emails, first)
    nights.build(first)
    expect_what_the_rules_say(nights.compiled, list(people(told, emails).values()), first, nights.timeline())
    before = nights.versions()
    days = [first - timedelta(days=n) for n in (0, 1, 30, 90, 150, 210)]
    believed = {day: nights.believed(day, first) for day in days}

    later = redone(rnd, told)
    for key in splitting:
        emails[key] = f"{key.replace(' ', '.')}@example.org"
    for one, other in zip(merging[::2], merging[1::2], strict=True):
        emails[one] = emails[other]
    nights.deliver(later, emails, second)
    nights.build(second)
    night_by_night = nights.rows()
    after = nights.versions()
    expect_what_the_rules_say(nights.compiled, list(people(later, emails).values()), second, nights.timeline())
    assert set(before) - set(after), "nobody was merged away"
    assert set(after) - set(before), "nobody was split off or came new"

    keys = nights.customer_keys()
    kept = {
        keys[old.key]
        for old, new in zip(told, later, strict=True)
        if old.key not in merging + splitting
        and old.as_known_on(first).known_on
        and old.as_known_on(first) == new.as_known_on(second)
    }
    assert len(kept) >= 5
    assert {key: after[key] for key in kept} == {key: before[key] for key in kept}, "a row was written for nothing"

    # what was restated is still known as it was believed, also of who merged into somebody else
    assert {key for day in days for key, _ in believed[day]} - set(after), "nobody retired who had a stage"
    restated = 0
    for day in days:
        again, now = nights.believed(day, first), nights.believed(day, second)
        assert {key: again.get(key) for key in believed[day]} == believed[day]
        restated += sum(now.get(key) != stage for key, stage in believed[day].items())
    assert restated > 20, "almost nothing was restated"

    assert nights.rows_of_a_full_build(second) == night_by_night

    # the same night again under other rules: what was restated before and what is now are both still known
    lifecycle = nights.compiled.config.lifecycle
    patient = lifecycle.model_copy(update={"cycle": lifecycle.cycle.model_copy(update={"prior_weight": 30})})
    nights.build(second, replace(nights.compiled.config, lifecycle=patient))
    moved = 0
    for day in days:
        again, now = nights.believed(day, first), nights.believed(day, second)
        assert {key: again.get(key) for key in believed[day]} == believed[day]
        moved += sum(now.get(key) != stage for key, stage in believed[day].items())
    assert moved > restated, "the other rules moved nobody"

    # and the input tables that the other tests fill by hand are like the ones that dbt builds
    by_dbt, by_hand = nights.input_columns()
    assert by_hand == by_dbt
