"""Witnesses are customers who can exist and are in their stage; what is called impossible occurs for nobody."""

import time
from datetime import date, timedelta
from math import ceil, floor
from random import Random

import pytest
import samples
import yaml
from oracle import Customer, History, Order, Settings
from samples import OTHER_SETTINGS, random_condition, random_customers

from perennial import config
from perennial.config.conditions import Condition, Event
from perennial.config.lifecycle import Lifecycle, LifecycleModel
from perennial.lifecycle.witness import Found, Search, Witness

TEXT = {"en": "x", "zh": "某"}
DAY = timedelta(days=1)
SHIPPED = config.load().lifecycle
OTHER = SHIPPED.model_copy(update=OTHER_SETTINGS)
COMPANIES = pytest.mark.parametrize("company", [SHIPPED, OTHER], ids=["shipped", "other"])
EVENTS = ("visit", "review", "contract")


def model(*conditions: dict) -> LifecycleModel:
    """Prospect, s1, s2, ... with the given conditions, rest."""
    stages = [{"stage": "prospect", "when": {"orders": {"exactly": 0}}}]
    stages += [{"stage": f"s{n}", "when": when} for n, when in enumerate(conditions, 1)]
    stages += [{"stage": "rest", "else": True}]
    stages = [{**stage, "label": TEXT, "description": TEXT, "phase": "stable"} for stage in stages]
    return LifecycleModel.model_validate({"version": 1, "name": TEXT, "source": "test", "stages": stages})


def search(*conditions: dict, missing: tuple[str, ...] = (), company: Lifecycle = SHIPPED) -> list[Found]:
    rules = model(*conditions)
    found = Search(rules, company, frozenset(missing)).stages()
    assert [stage_of(rules, f.witness) for f in found if f.witness] == [f.stage.stage for f in found if f.witness]
    return found


def verdict(*conditions: dict, **more) -> str:
    """What is found for the last stage with a condition."""
    found = search(*conditions, **more)[-2]
    return "occurs" if found.witness else "impossible" if found.impossible else "open"


def lived(witness: Witness, company: Lifecycle) -> tuple[Customer, date]:
    """The witness as a customer with orders, on her day, in the time of her population row."""
    rows = list(company.population)
    place = rows.index(witness.population)
    last = rows[place].effective_from or rows[place + 1].effective_from - DAY
    days = [last]
    for gap in reversed(witness.gaps):
        days.append(days[-1] - timedelta(days=gap))
    if witness.silence is None:
        return Customer("witness", last), last
    orders = [Order(day, cents) for day, cents in zip(reversed(days), witness.cents, strict=True)]
    return Customer("witness", None, tuple(orders)), last + timedelta(days=witness.silence)


def true_of(rule: Condition, w: Witness) -> bool:
    """Every kind of condition, plainly evaluated for a witness."""
    if rule.all or rule.any:
        return (all if rule.all else any)(true_of(part, w) for part in rule.parts)
    if rule.not_:
        return not true_of(rule.not_, w)
    orders, ages = len(w.cents), dict(w.events)
    if rule.orders:
        return (rule.orders.low or 0) <= orders <= (10**9 if rule.orders.high is None else rule.orders.high)
    if rule.trend:
        return w.trend == rule.trend
    if rule.scheduled:
        return dict(w.announced).get(rule.scheduled.type) == rule.scheduled.is_
    if rule.event:
        return event_true_of(rule.event, w, ages)
    if rule.value:
        opened = min([*ages.values(), w.silence or 0])
        ends = [sum(w.gaps[n:]) + (w.silence or 0) - opened for n in range(orders)]
        recent = sum(c for c, back in zip(w.cents, ends, strict=True) if back < 365)
        spent = {"total": sum(w.cents), "average": sum(w.cents) / max(1, orders), "last_365_days": recent}
        known = orders or rule.value.of != "average"
        return bool(known) and spent[rule.value.of] / 100 + 5e-7 >= rule.value.at_least
    if not orders:
        return False
    if rule.late:
        return w.silence > floor(round(max(rule.late.cycles * w.cycle, rule.late.floor_days), 6))
    tenure, days, cycles = w.silence + sum(w.gaps), rule.tenure_days, rule.tenure_cycles
    if days:
        return (days.low or 0) <= tenure <= (10**9 if days.high is None else days.high)
    enough = cycles.low is None or tenure >= ceil(round(cycles.low * w.cycle, 6))
    return enough and (cycles.high is None or tenure <= floor(round(cycles.high * w.cycle, 6)))


def event_true_of(rule: Event, w: Witness, ages: dict[str, int]) -> bool:
    latest = min((ages[name] for name in rule.types if name in ages), default=None)
    if latest is None:
        return False
    for name in rule.since:
        other = w.silence if name == "order" else ages.get(name)
        if other is None or latest > other:
            return False
    return rule.within_days is None or latest <= floor(round(max(rule.cycles * w.cycle, rule.within_days), 6))


def stage_of(rules: LifecycleModel, w: Witness) -> str:
    return next(s.stage for s in rules.stages if s.when is None or true_of(s.when, w))


def random_rules(rnd: Random, of_orders_only: bool) -> LifecycleModel:
    def leaf() -> dict:
        return rnd.choice(
            [
                {
                    "value": {
                        "of": rnd.choice(["total", "average", "last_365_days"]),
                        "at_least": rnd.choice([0, 25, 400]),
                    }
                },
                {"scheduled": {"type": "contract", "is": rnd.choice(["ahead", "passed"])}},
                {"event": {"types": rnd.sample(EVENTS, rnd.randint(1, 2))}},
                {"event": {"types": [rnd.choice(EVENTS)], "within_days": rnd.choice([0, 7, 30]), "cycles": 0.5}},
                {"event": {"types": ["review"], "within_days": 30, "since": [rnd.choice(["order", "visit"])]}},
            ]
        )

    conditions = [random_condition(rnd) for _ in range(rnd.randint(3, 5))]
    if not of_orders_only:
        conditions = [rnd.choice([c, {"all": [c, leaf()]}, {"any": [{"not": c}, leaf()]}, leaf()]) for c in conditions]
    return model(*conditions)


@pytest.fixture(autouse=True)
def _conditions_on_orders_only(monkeypatch):
    monkeypatch.setattr(samples, "LEAVES", ("orders", "tenure_days", "tenure_cycles", "late", "trend"))


@pytest.fixture(scope="module")
def people() -> list[Customer]:
    return random_customers(7, 52)


def test_every_stage_of_every_shipped_model_has_a_witness_in_it_and_that_is_quick():
    began = time.perf_counter()
    found = {name: Search(rules, SHIPPED).stages() for name, rules in SHIPPED.models.items()}
    assert time.perf_counter() - began < 2
    assert len(found) == 10
    for name, stages in found.items():
        rules = SHIPPED.models[name]
        assert [stage_of(rules, f.witness) for f in stages] == [s.stage for s in rules.stages], name


@COMPANIES
@pytest.mark.parametrize("seed", range(10))
def test_the_oracle_puts_every_witness_into_its_stage_and_nobody_into_an_impossible_one(seed, company, people):
    rules, settings = random_rules(Random(seed), of_orders_only=True), Settings.of(company)
    found = {f.stage.stage: f for f in Search(rules, company).stages()}
    for stage, finding in found.items():
        if finding.witness:
            customer, day = lived(finding.witness, company)
            assert History(customer, settings).stage(rules, day) == stage, finding.witness
            assert stage_of(rules, finding.witness) == stage
    if any(f.witness is None for f in found.values()):
        histories = [History(c, settings) for c in people[seed % 2 :: 2]]
        occurring = {h.stage(rules, h.known_on + n * DAY) for h in histories for n in range(0, 500, 9)}
        assert [s for s in occurring if found[s].witness is None] == []


@COMPANIES
@pytest.mark.parametrize("seed", range(12))
def test_witnesses_with_events_and_amounts_are_in_their_stages(seed, company):
    rules = random_rules(Random(seed), of_orders_only=False)
    found = Search(rules, company).stages()
    assert sum(f.witness is not None for f in found) >= 2
    assert [stage_of(rules, f.witness) for f in found if f.witness] == [f.stage.stage for f in found if f.witness]


@COMPANIES
def test_nobody_who_lives_is_called_impossible_however_exactly_she_is_described(company, people):
    settings, rnd, seen = Settings.of(company), Random(3), 0
    for customer in people[::2]:
        history = History(customer, settings)
        day = history.known_on + rnd.randint(0, 450) * DAY
        her = history.episode(day)
        if her.n == 0:
            continue
        seen += 1
        silence, tenure = (day - her.last).days, (day - her.first).days
        exactly = [
            {"orders": {"exactly": her.n}},
            {"tenure_days": {"exactly": tenure}},
            {"tenure_cycles": {"at_least": floor(tenure / her.cycle), "at_most": ceil(tenure / her.cycle)}},
            {"not": {"late": {"floor_days": silence}}},
            {"not": {"late": {"cycles": silence / her.cycle + 1e-6, "floor_days": 0}}},
            *([{"late": {"cycles": max(0, silence / her.cycle - 0.01), "floor_days": silence - 1}}] if silence else []),
            {"trend": her.trend}
            if her.trend in ("up", "down")
            else {"not": {"any": [{"trend": "up"}, {"trend": "down"}]}},
        ]
        rules = model({"all": exactly})
        assert history.stage(rules, day) == "s1"
        assert not Search(rules, company).first_match(1).impossible, (customer.key, day, her.describe())
    assert seen > 10


AHEAD, PASSED = "{scheduled: {type: contract, is: ahead}}", "{scheduled: {type: contract, is: passed}}"
LATE = "{late: {cycles: 4, floor_days: 45}}"
RECENT = "{value: {of: last_365_days, at_least: 100}}"
REVIEWED_SINCE = "{event: {types: [review], since: [visit]}}"
VISITED = "{event: {types: [visit]}}"
VISITED_SINCE = "{event: {types: [visit], since: [order]}}"


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        (f"{LATE}, {{late: {{cycles: 4, floor_days: 60}}}}", "impossible"),
        (f"{LATE}, {{late: {{cycles: 4, floor_days: 44}}}}", "occurs"),
        (f"{LATE}, {{late: {{cycles: 3.99, floor_days: 45}}}}", "occurs"),
        (f"{LATE}, {{late: {{cycles: 4.01, floor_days: 45}}}}", "impossible"),
        (f"{LATE}, {{not: {LATE}}}, {{orders: {{at_least: 1}}}}", "impossible"),
        ("{tenure_days: {at_least: 100}}, {late: {floor_days: 99}}", "impossible"),
        ("{tenure_days: {at_least: 100}}, {late: {floor_days: 98}}", "occurs"),
        ("{all: [{orders: {exactly: 3}}, {tenure_days: {at_most: 1}}]}", "impossible"),
        ("{all: [{orders: {exactly: 3}}, {tenure_days: {at_most: 2}}]}", "occurs"),
        ("{all: [{orders: {at_most: 4}}, {trend: up}]}", "impossible"),
        ("{all: [{orders: {at_most: 5}}, {trend: up}]}", "occurs"),
        ("{all: [{orders: {at_most: 8}}, {trend: down}]}", "impossible"),
        ("{all: [{orders: {at_most: 9}}, {trend: down}]}", "occurs"),
        ("{all: [{tenure_days: {at_most: 119}}, {trend: down}]}", "impossible"),
        ("{all: [{trend: up}, {trend: down}]}", "impossible"),
        ("{all: [{orders: {at_least: 40}}, {tenure_cycles: {at_most: 2}}]}", "impossible"),
        ("{all: [{orders: {exactly: 36500}}, {late: {cycles: 20, floor_days: 9}}]}", "occurs"),
        (f"{{value: {{at_least: 100}}}}, {RECENT}", "impossible"),
        (f"{RECENT}, {{value: {{at_least: 100}}}}", "occurs"),
        (f"{RECENT}, {{tenure_days: {{at_least: 365}}}}, {{value: {{at_least: 100}}}}", "impossible"),
        (f"{RECENT}, {{tenure_days: {{at_least: 366}}}}, {{value: {{at_least: 100}}}}", "occurs"),
        ("{orders: {at_least: 3}}, {value: {of: average, at_least: 30}}, {value: {at_least: 60}}", "impossible"),
        ("{orders: {at_least: 3}}, {value: {of: average, at_least: 30}}, {value: {at_least: 59}}", "occurs"),
        # only a refund could open an episode for which the first of two orders lies more than a year back
        ((f"{RECENT}, {{tenure_days: {{at_least: 370}}}}, {{not: {{late: {{floor_days: 9}}}}}}, "
         "{orders: {at_least: 3}}, {value: {at_least: 100}}"), "open"),
        ("{value: {of: average, at_least: 0}}", "occurs"),
        ("{orders: {at_least: 17}}, {value: {of: average, at_least: 25}}, {value: {at_least: 400}}", "impossible"),
        ("{late: {floor_days: 1}}, {orders: {at_least: 3}}, {tenure_days: {exactly: 153}}", "occurs"),
        ("{event: {types: [visit, review]}}, {event: {types: [review], within_days: 3}}", "impossible"),
        (f"{VISITED_SINCE}, {VISITED}", "occurs"),
        (f"{VISITED_SINCE}, {{late: {{floor_days: 4}}}}, {{event: {{types: [visit], within_days: 5}}}}", "occurs"),
        (f"{VISITED_SINCE}, {{not: {{late: {{floor_days: 5}}}}}}, {{event: {{types: [visit], within_days: 5}}}}",
         "impossible"),
        (f"{VISITED_SINCE}, {{late: {{floor_days: 0}}}}, {{event: {{types: [visit], within_days: 0}}}}", "impossible"),
        (f"{{late: {{floor_days: 5}}}}, {{event: {{types: [visit], within_days: 5}}}}, {VISITED_SINCE}", "impossible"),
        (f"{{all: [{REVIEWED_SINCE}, {{event: {{types: [visit], since: [review]}}}}]}}", "occurs"),
        (f"{{all: [{REVIEWED_SINCE}, {{not: {VISITED}}}]}}", "impossible"),
        (f"{{all: [{AHEAD}, {PASSED}]}}", "impossible"),
        (f"{{event: {{types: [contract]}}}}, {AHEAD}", "impossible"),
        (f"{AHEAD}, {{event: {{types: [contract]}}}}", "occurs"),
    ],
)  # fmt: skip
def test_a_stage_is_called_impossible_only_when_it_is(conditions, expected):
    assert verdict(*yaml.safe_load(f"[{conditions}]")) == expected


def test_an_event_that_nobody_delivers_never_happens():
    wanted = {"event": {"types": ["visit"]}}
    assert verdict(wanted) == "occurs"
    assert verdict(wanted, missing=("visit",)) == "impossible"
    assert verdict({"not": wanted}, missing=("visit",)) == "occurs"
    assert verdict({"scheduled": {"type": "visit", "is": "ahead"}}, missing=("visit",)) == "impossible"


def test_spend_that_would_have_to_fall_by_all_of_it_never_does():
    down = SHIPPED.trend.model_copy(update={"spend_down": -1})
    assert verdict({"trend": "down"}, company=SHIPPED.model_copy(update={"trend": down})) == "impossible"


def test_a_significance_beyond_what_fits_into_a_window_makes_trends_impossible():
    deaf = SHIPPED.trend.model_copy(update={"significance": 14})
    assert verdict({"trend": "up"}, company=SHIPPED.model_copy(update={"trend": deaf})) == "impossible"


def test_a_witness_of_an_older_population_row_is_found_where_only_that_allows_one():
    slow = {"all": [{"orders": {"exactly": 1}}, {"not": {"late": {"cycles": 1, "floor_days": 0}}}]}
    witness = search({"not": {**slow}}, {"late": {"floor_days": 20}})[2].witness
    assert witness.population.median_gap_days == 30
    assert 20 < witness.silence <= 30


def test_what_is_neither_found_nor_refuted_stays_open():
    # two windows are twelve cycles, unless she is so slow that they end at 360 days: no plain history is
    rules = {"all": [{"trend": "down"}, {"not": {"tenure_cycles": {"at_least": 11}}}]}
    assert verdict(rules) == "open"


def test_a_witness_reads_as_a_sentence():
    found = search({"trend": "up"}, {"orders": {"exactly": 1}}, {"event": {"types": ["visit"], "since": ["order"]}})
    apart = "1 x 75 days apart, then 3 x 20"
    assert [str(f.witness) for f in found] == [
        "no order yet",
        f"5 order-days over 135 days ({apart}), cycle 10.7, silent for 5 days, spend and frequency rising",
        "1 order-day, cycle 3, silent for 2 days",
        "2 order-days over 20 days, cycle 4.8, silent for 2 days, visit today",
        "2 order-days over 20 days, cycle 4.8, silent for 2 days",
    ]
