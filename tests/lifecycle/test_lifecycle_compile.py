"""What the compiler writes, boundary by boundary; whether that is right on data is asked in test_timeline_oracle."""

import pytest

from perennial import config
from perennial.config.conditions import Condition
from perennial.config.lifecycle import LifecycleModel
from perennial.lifecycle.compile import compile_enabled, compile_model, predicate

TEXT = {"en": "x", "zh": "某"}


def condition(**kind) -> Condition:
    return Condition.model_validate(kind)


def model(*conditions: dict) -> LifecycleModel:
    """Prospect, s1, s2, ... with the given conditions, rest."""
    stages = [{"stage": "prospect", "when": {"orders": {"exactly": 0}}}]
    stages += [{"stage": f"s{n}", "when": when} for n, when in enumerate(conditions, 1)]
    stages += [{"stage": "rest", "else": True}]
    return LifecycleModel.model_validate(
        {
            "version": 3,
            "name": TEXT,
            "source": "test",
            "stages": [{**stage, "label": TEXT, "description": TEXT, "phase": "stable"} for stage in stages],
        }
    )


def candidates(*conditions: dict) -> str:
    """The days on which a model with these conditions can change its mind, besides the opening."""
    (opening, begin), *rest = zip(*(compile_model("m", model(*conditions))[k] for k in ("days", "clocks")), strict=True)
    assert (opening, begin) == ("e.episode_on", "opening")
    return ", ".join(f"({day}, '{clock}')" for day, clock in rest)


def test_stages_are_asked_in_their_order_and_the_last_is_the_rest():
    made = compile_model("m", model({"orders": {"at_least": 3}}, {"trend": "down"}))
    assert made["name"] == "m"
    assert made["version"] == 3
    assert made["stage"] == (
        "case when (e.orders = 0) then 'prospect' when (e.orders >= 3) then 's1' when (e.trend = 'down') then 's2' "
        "else 'rest' end"
    )


def test_without_trend_every_trend_condition_is_false_at_any_depth():
    deep = {"any": [{"not": {"trend": "up"}}, {"all": [{"trend": "down"}, {"orders": {"exactly": 2}}]}]}
    made = compile_model("m", model(deep))
    assert "((not false) or (false and (e.orders = 2)))" in made["stage_without_trend"]
    assert "((not (e.trend = 'up')) or ((e.trend = 'down') and (e.orders = 2)))" in made["stage"]


@pytest.mark.parametrize(
    ("kind", "sql"),
    [
        ({"orders": {"exactly": 2}}, "(e.orders = 2)"),
        ({"orders": {"at_least": 2, "at_most": 2}}, "(e.orders = 2)"),
        ({"orders": {"at_least": 2}}, "(e.orders >= 2)"),
        ({"orders": {"at_most": 0}}, "(e.orders <= 0)"),
        ({"orders": {"at_least": 0, "at_most": 4}}, "(e.orders >= 0 and e.orders <= 4)"),
        ({"tenure_days": {"at_most": 30}}, "coalesce(((day - e.first_order_on) <= 30), false)"),
        ({"trend": "up"}, "(e.trend = 'up')"),
        ({"value": {"at_least": 500}}, "coalesce(e.spend + 0.0000005 >= 500.0, false)"),
        (
            {"value": {"of": "average", "at_least": 40.5}},
            "coalesce(e.spend / nullif(e.orders, 0) + 0.0000005 >= 40.5, false)",
        ),
        ({"event": {"types": ["visit"]}}, "coalesce(cast(e.events ->> 'visit' as date) is not null, false)"),
        (
            {"event": {"types": ["visit"], "within_days": 30, "since": ["order"]}},
            (
                "coalesce(cast(e.events ->> 'visit' as date) >= e.last_order_on "
                "and day < (cast(e.events ->> 'visit' as date) + 31), false)"
            ),
        ),
        (
            {"scheduled": {"type": "contract", "is": "ahead"}},
            "coalesce(day < cast(e.scheduled ->> 'contract' as date), false)",
        ),
        ({"not": {"orders": {"exactly": 1}}}, "(not (e.orders = 1))"),
        ({"all": [{"orders": {"exactly": 1}}]}, "((e.orders = 1))"),
    ],
)
def test_a_condition_becomes_this_test(kind, sql):
    assert predicate(condition(**kind)) == sql


def test_lateness_by_days_alone_begins_the_day_after_the_floor_without_any_rounding():
    late = {"late": {"floor_days": 45}}
    assert candidates(late) == "((e.last_order_on + 46), 'silence')"
    assert predicate(condition(**late)) == "coalesce(day >= (e.last_order_on + 46), false)"


def test_lateness_by_cycles_begins_the_day_after_the_longer_of_both():
    late = {"late": {"cycles": 2.5, "floor_days": 30}}
    day = "(e.last_order_on + cast(floor(greatest(2.5 * e.cycle_days, 30) + 0.0000005) as integer) + 1)"
    assert candidates(late) == f"({day}, 'silence')"
    assert predicate(condition(**late)) == f"coalesce(day >= {day}, false)"


@pytest.mark.parametrize(
    ("bounds", "days"),
    [
        ({"at_least": 30, "at_most": 60}, [30, 61]),
        ({"at_least": 30}, [30]),
        ({"at_most": 60}, [61]),
        ({"exactly": 30}, [30, 31]),
        ({"at_least": 0}, [0]),
    ],
)
def test_a_tenure_of_so_many_days_flips_on_its_first_day_and_after_its_last(bounds, days):
    wanted = ", ".join(f"((e.first_order_on + {n}), 'tenure')" for n in days)
    assert candidates({"tenure_days": bounds}) == wanted


def test_a_tenure_in_cycles_is_tested_against_the_days_on_which_it_flips():
    both = {"tenure_cycles": {"at_least": 0, "at_most": 4}}
    begins = "(e.first_order_on + cast(ceil(0 * e.cycle_days - 0.0000005) as integer))"
    ends = "(e.first_order_on + cast(floor(4 * e.cycle_days + 0.0000005) as integer) + 1)"
    assert candidates(both) == f"({begins}, 'tenure'), ({ends}, 'tenure')"
    assert predicate(condition(**both)) == f"coalesce(day >= {begins} and day < {ends}, false)"


def test_what_stays_the_same_during_an_episode_names_no_day():
    assert candidates({"orders": {"at_least": 2}}, {"trend": "up"}, {"not": {"trend": "down"}}) == ""


def test_an_event_flips_when_it_is_too_old_and_an_announced_date_when_it_comes():
    recent = {"event": {"types": ["cart", "visit"], "within_days": 30, "cycles": 0.5}}
    latest = "greatest(cast(e.events ->> 'cart' as date), cast(e.events ->> 'visit' as date))"
    day = f"({latest} + cast(floor(greatest(0.5 * e.cycle_days, 30) + 0.0000005) as integer) + 1)"
    assert candidates(recent) == f"({day}, 'recency')"
    announced = {"scheduled": {"type": "contract", "is": "passed"}}
    assert candidates(announced) == "(cast(e.scheduled ->> 'contract' as date), 'recency')"
    assert candidates({"event": {"types": ["cart"]}}, {"value": {"at_least": 1}}) == ""


def test_days_are_found_at_any_depth_and_named_once():
    late = {"late": {"floor_days": 9}}
    deep = {"not": {"all": [{"orders": {"exactly": 1}}, {"any": [late, {"not": late}]}]}}
    assert candidates(deep, late) == "((e.last_order_on + 10), 'silence')"


def test_all_enabled_models_are_compiled_in_the_order_of_the_setting():
    lifecycle = config.load().lifecycle
    assert [made["name"] for made in compile_enabled(lifecycle)] == lifecycle.enabled
