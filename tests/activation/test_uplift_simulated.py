"""Thousands of experiments whose truth is known, judged by the SQL that ships; what people spend is real, or worse.

Real is what the 2,469 households of Complete Journey spent in 28 days from 2017-07-01 on, and in 28 days before.
Log-normal spending with a coefficient of variation above 3, and half of it zero, is more uneven than any shop's.
A share found in n experiments may be off by chance: it is compared with the limit plus three of its standard errors.
"""

import math
from functools import cache

import numpy as np
import pytest
from effect_warehouse import Experiments, judge
from scipy import stats

from perennial.sample import baskets

pytestmark = pytest.mark.server

EXPERIMENTS = 2000
SIZES = [(0.5, 100), (0.1, 450), (0.05, 1500)]  # share held out, people
KINDS = ("real", "uneven")


@pytest.fixture(scope="module")
def sql(server, tmp_path_factory):
    with judge(server, tmp_path_factory.mktemp("effects")) as made:
        yield made


@cache
def households() -> tuple[np.ndarray, np.ndarray]:
    """What every household spent in 28 days before 2017-07-01, and in 28 days from it on."""
    lines = baskets.read()
    everyone, who = np.unique(lines.household[lines.starts], return_inverse=True)
    days = (lines.placed_at[lines.starts] - np.datetime64("2017-07-01")).astype("timedelta64[s]").astype(float) / 86400
    spent = lines.totals() / 100
    before, after = (days >= -28) & (days < 0), (days >= 0) & (days < 28)
    return tuple(np.bincount(who[some], spent[some], len(everyone)) for some in (before, after))


def people(chance: np.random.Generator, kind: str, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Value before and after of people drawn at random."""
    if kind == "real":
        before, after = households()
        drawn = chance.integers(0, len(before), shape)
        return before[drawn], after[drawn]
    taste = chance.normal(size=shape) * 1.5
    before, after = (np.exp(taste + 0.6 * chance.normal(size=shape)) for _ in range(2))
    return before, after * (chance.random(shape) < 0.5)


def drawn(chance: np.random.Generator, share: float, shape: tuple[int, int]) -> np.ndarray:
    """Who is held out."""
    return chance.random(shape) < share


def at_most(limit: float, experiments: int) -> float:
    """The share that chance may make of a limit."""
    return limit + 3 * math.sqrt(limit * (1 - limit) / experiments)


def test_sql_adds_up_and_judges_as_plain_python_does(sql):
    chance = np.random.default_rng(1)
    before, after = people(chance, "real", (1, 900))
    before, after, held = before.round(2), after.round(2), drawn(chance, 0.1, (1, 900))
    experiment = Experiments.of(after, before, held)
    for name, sums in sql.sums(after[0], before[0], held[0]).items():
        assert sums == pytest.approx(experiment.sums[name][0], rel=1e-12), name

    arms = [(after[0][held[0] == arm], before[0][held[0] == arm]) for arm in (False, True)]
    theta = sum(((x - x.mean()) * (y - y.mean())).sum() for y, x in arms) / sum(
        ((x - x.mean()) ** 2).sum() for _, x in arms
    )
    left = [y - theta * x for y, x in arms]
    own = math.sqrt(sum(a.var(ddof=1) / len(a) for a in left))
    pooled = math.sqrt(sum(((a - a.mean()) ** 2).sum() for a in left) / 897 * sum(1 / len(a) for a in left))
    found = {name: values[0] for name, values in sql.judge(0.1, experiment).items()}
    effect, error = left[0].mean() - left[1].mean(), max(own, pooled)
    counts = [len(a) for a in left]
    assert found["adjusted_difference"] == pytest.approx(effect, abs=1e-4)
    assert found["standard_error"] == pytest.approx(error, abs=1e-4)
    assert found["p_value"] == pytest.approx(2 * stats.norm.sf(abs(effect) / error), abs=1e-6)
    assert (found["low"], found["high"]) == pytest.approx(stats.norm.interval(0.95, effect, error), abs=1e-3)
    assert found["srm_p"] == pytest.approx(stats.chisquare(counts, [810, 90]).pvalue, abs=1e-6)
    assert found["total"] == pytest.approx(effect * counts[0], abs=0.1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("share", "size"), SIZES)
def test_an_effect_that_is_none_is_seldom_found(sql, share, size, kind):
    chance = np.random.default_rng(2)
    before, after = people(chance, kind, (EXPERIMENTS, size))
    found = sql.judge(share, Experiments.of(after, before, drawn(chance, share, after.shape)))
    assert (found["p_value"] < 0.05).mean() <= at_most(0.05, EXPERIMENTS)
    assert np.isin(found["verdict"], ["works", "harms"]).mean() <= at_most(0.005, EXPERIMENTS)
    assert (found["verdict"] == "unclear").mean() > 0.95  # not because no verdict was given, or nobody looked
    assert (found["p_value"] < 0.5).mean() > 0.3


@pytest.mark.parametrize("kind", KINDS)
def test_who_looks_every_night_is_not_fooled_more_often(sql, kind):
    chance = np.random.default_rng(3)
    many, nights, newcomers = 400, 30, 100
    before, after = people(chance, kind, (many, nights * newcomers))
    looks = range(newcomers, nights * newcomers + 1, newcomers)
    told = sql.judge(0.1, Experiments.growing(after, before, drawn(chance, 0.1, after.shape), looks))
    night_by_night = {name: told[name].reshape(nights, many) for name in ("verdict", "p_value")}
    fooled = np.isin(night_by_night["verdict"], ["works", "harms"]).any(0).mean()
    by_one_look = (night_by_night["p_value"] < 0.05).any(0).mean()
    assert fooled <= at_most(0.05, many)
    if kind == "real":
        assert by_one_look > 0.15  # which is why the verdict does not ask the interval of one look


@pytest.mark.parametrize("effect", [1.25, 0.85])
def test_a_planted_effect_is_found_without_bias(sql, effect):
    chance = np.random.default_rng(4)
    before, after = people(chance, "real", (EXPERIMENTS, 2000))
    held = drawn(chance, 0.1, after.shape)
    found = sql.judge(0.1, Experiments.of(np.where(held, after, after * effect), before, held))
    truth = households()[1].mean() * (effect - 1)
    chance_error = found["adjusted_difference"].std() / math.sqrt(EXPERIMENTS)
    assert found["adjusted_difference"].mean() == pytest.approx(truth, abs=3 * chance_error)
    covered = ((found["low"] <= truth) & (truth <= found["high"])).mean()
    assert 0.95 - 3 * math.sqrt(0.05 * 0.95 / EXPERIMENTS) <= covered <= 0.985
    right, wrong = ("works", "harms") if effect > 1 else ("harms", "works")
    assert (found["verdict"] == wrong).sum() == 0
    assert (found["verdict"] == right).mean() > 0.2


def test_an_effect_of_the_size_that_is_detectable_is_detected_in_four_of_five_cases(sql):
    chance = np.random.default_rng(5)
    before, after = people(chance, "real", (1000, 3000))
    held = drawn(chance, 0.1, after.shape)
    size = np.median(sql.judge(0.1, Experiments.of(after, before, held))["min_detectable_effect"])
    found = sql.judge(0.1, Experiments.of(np.where(held, after, after + size), before, held))
    assert 0.74 <= (found["verdict"] == "works").mean() <= 0.86


def test_what_was_spent_before_takes_half_of_the_variance_off(sql):
    chance = np.random.default_rng(6)
    before, after = people(chance, "real", (EXPERIMENTS, 2000))
    found = sql.judge(0.1, Experiments.of(after, before, drawn(chance, 0.1, after.shape)))
    really = 1 - found["adjusted_difference"].var() / found["difference"].var()
    assert 0.5 < really < 0.65
    assert found["variance_reduction"].mean() == pytest.approx(really, abs=0.05)
    # the errors it states are those it makes
    assert np.sqrt((found["standard_error"] ** 2).mean()) == pytest.approx(found["adjusted_difference"].std(), rel=0.1)


@pytest.mark.parametrize(("share", "size"), [(0.5, 12_000), (0.1, 40_000)])
def test_a_tenth_of_the_treated_lost_is_noticed(sql, share, size):
    chance = np.random.default_rng(7)
    before, after = people(chance, "real", (100, size))
    held = drawn(chance, share, after.shape)
    whole = sql.judge(share, Experiments.of(after, before, held))
    lost = (chance.random(after.shape) < 0.1) & ~held
    found = sql.judge(share, Experiments.of(np.where(lost, np.nan, after), before, held))
    assert (found["verdict"] == "sample_ratio_mismatch").mean() >= 0.98
    assert (whole["verdict"] == "sample_ratio_mismatch").sum() <= 1
