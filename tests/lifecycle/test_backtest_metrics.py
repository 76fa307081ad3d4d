"""The arithmetic of a back-test, on examples small enough to do by hand."""

from datetime import date

import pytest

from perennial.errors import ConfigError
from perennial.lifecycle.backtest.metrics import Counts, average_precision, best, default_origins, uses, wilson
from perennial.lifecycle.backtest.rules import Rule, Threshold, floor_of, parse, rules_of


def test_precision_recall_f1_and_lift_of_a_tiny_example():
    counts = Counts(customers=20, silent=5, flagged=4, hits=3)
    assert counts.base_rate == 0.25
    assert counts.precision == 0.75
    assert counts.recall == 0.6
    assert counts.f1 == pytest.approx(2 * 0.75 * 0.6 / (0.75 + 0.6))
    assert counts.lift == 3.0


def test_whoever_flags_nobody_has_no_precision_and_finds_nothing():
    counts = Counts(customers=20, silent=5)
    assert (counts.precision, counts.recall, counts.f1, counts.lift) == (None, 0.0, 0.0, None)


def test_where_nobody_stays_silent_there_is_nothing_to_find():
    counts = Counts(customers=20, flagged=4)
    assert (counts.precision, counts.recall, counts.f1, counts.lift) == (0.0, None, 0.0, None)
    assert Counts().f1 is None
    assert Counts().base_rate is None
    assert average_precision({2: (4, 0), 1: (16, 0)}) is None


def test_origins_are_pooled_by_adding_people_not_by_averaging_shares():
    pooled = Counts(10, 1, 2, 1) + Counts(90, 9, 8, 2)
    assert pooled == Counts(100, 10, 10, 3)
    assert pooled.precision == 0.3


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [(0, 10, 0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1), (263, 1000, 0.2367, 0.2912)],
)
def test_wilson_intervals_are_those_of_the_textbook(hits, of, low, high):
    assert wilson(hits, of) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


def test_nobody_has_no_interval():
    assert wilson(0, 0) is None


def test_average_precision_sums_the_precision_at_every_step_of_recall():
    # silent, not, silent, not: (1/1 + 2/3) / 2
    assert average_precision({4: (1, 1), 3: (1, 0), 2: (1, 1), 1: (1, 0)}) == pytest.approx((1 + 2 / 3) / 2)


def test_people_of_one_score_are_one_step_in_whatever_order_they_come():
    # two of three at the top: both found at precision 2/3; the last one at 3/5
    assert average_precision({2: (3, 2), 1: (2, 1)}) == pytest.approx((2 * 2 / 3 + 3 / 5) / 3)


def test_a_ranking_that_tells_nobody_apart_has_the_base_rate():
    assert average_precision({1: (20, 5)}) == 0.25


def test_the_suggestion_has_the_highest_f1_then_the_highest_precision_then_comes_first():
    assert best(
        {"sure of one": Counts(20, 5, 1, 1), "finds most": Counts(20, 5, 6, 4), "flags all": Counts(20, 5, 20, 5)}
    ) == ("finds most")
    same = Counts(20, 5, 4, 3)
    assert best({"a": same, "b": same}) == "a"
    # equal F1 of 2/3: four of four flagged and half of the silent found, or all found and every second for nothing
    assert best({"wide": Counts(40, 8, 16, 8), "narrow": Counts(40, 8, 4, 4)}) == "narrow"


def test_without_a_hit_nothing_is_suggested():
    assert best({"a": Counts(20, 5, 3, 0), "b": Counts(20, 5)}) is None
    assert best({}) is None


def test_origins_are_month_ends_with_a_whole_horizon_before_and_after_them():
    found = default_origins(date(2017, 1, 1), date(2017, 12, 31), 92)
    assert found == [date(2017, month, day) for month, day in [(4, 30), (5, 31), (6, 30), (7, 31), (8, 31), (9, 30)]]
    assert default_origins(date(2017, 1, 1), date(2017, 12, 30), 92)[-1] == date(2017, 8, 31)
    # the 92 days of history end on the origin and begin on 1 June
    assert default_origins(date(2017, 6, 1), date(2017, 12, 31), 92) == [date(2017, 8, 31), date(2017, 9, 30)]
    assert default_origins(date(2017, 6, 2), date(2017, 12, 31), 92) == [date(2017, 9, 30)]
    assert default_origins(date(2017, 7, 2), date(2017, 12, 31), 92) == []


def test_a_longer_horizon_takes_the_origins_further_apart():
    found = default_origins(date(2010, 1, 1), date(2017, 12, 31), 365)
    assert found == [date(2015, 4, 30), date(2015, 8, 31), date(2015, 12, 31)] + [
        date(2016, month, day) for month, day in [(4, 30), (8, 31), (12, 31)]
    ]
    assert list(uses(found, 365).values()).count("choosing") == 3


def test_a_threshold_is_chosen_only_where_all_was_over_when_the_judged_origin_began():
    june, july, september = date(2017, 6, 30), date(2017, 7, 1), date(2017, 9, 30)
    assert uses([september, july, june], 92) == {june: "choosing", july: "showing", september: "judging"}


def test_thresholds_are_days_or_cycles_with_a_floor_of_their_own_or_of_the_model():
    assert parse("60, 4x,1.5x75,60") == [Threshold(0, 60), Threshold(4, None), Threshold(1.5, 75)]
    assert Threshold(4, None).rule(45) == Rule("cycles", "4x45", 4, 45)
    assert Threshold(4, 0).rule(45) == Rule("cycles", "4x0", 4, 0)
    assert Threshold(0, 60).rule(45) == Rule("days", "60", 0, 60)


@pytest.mark.parametrize("text", ["", "sixty", "4y", "-3", "x60", "0x", "60,,90", "12345"])
def test_what_is_no_threshold_is_refused_with_what_is_accepted(text):
    with pytest.raises(ConfigError, match=r"--thresholds: '.*' is none; accepted.*4x75"):
        parse(text)


def test_the_rules_of_a_model_are_its_fading_stages_from_the_mildest_and_the_thresholds(shop_model):
    assert floor_of(shop_model) == 20
    rules = rules_of(shop_model, parse("60,2x,2x20"))
    assert [(r.kind, r.name) for r in rules] == [
        ("stage", "declining"),
        ("stage", "lost"),
        ("days", "60"),
        ("cycles", "2x20"),
    ]
