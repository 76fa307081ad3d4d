"""The rolling back-test: which candidate goes on, and that nothing is tuned on the days it is judged by."""

from dataclasses import replace
from datetime import date, timedelta
from functools import cache

import numpy as np
import pandas as pd
import pytest
from clv_data import cdnow, complete_journey
from past_days import past

from perennial.clv import Fit
from perennial.value import backtest

CANDIDATES = ["mbg", "bg", "mbg_blend", "bg_blend"]


@cache
def complete(as_of, longest=91):
    orders, night = complete_journey(), date.fromisoformat(as_of)
    horizon, days = backtest.origins(night, orders["date"].min().date(), longest)
    return backtest.run(days, lambda day: past(orders, day, horizon), CANDIDATES)


def chosen(tested):
    return [row for row in tested.judged if row.stands]


def test_origins_are_the_ends_of_four_periods_and_shorter_while_history_is_short():
    year = timedelta(days=364)
    horizon, days = backtest.origins(date(2017, 12, 31), date(2017, 12, 31) - year, 91)
    assert (horizon, days) == (91, [date(2017, 12, 31) - timedelta(days=91 * k) for k in (1, 2, 3, 4)])
    assert backtest.origins(date(2017, 12, 31), date(2016, 1, 1), 91)[0] == 91
    assert backtest.origins(date(2017, 9, 30), date(2017, 1, 1), 91)[0] == 68
    assert backtest.origins(date(2017, 1, 20), date(2017, 1, 1), 91)[1] == []
    assert backtest.origins(date(2017, 1, 20), None, 91)[1] == []


@pytest.mark.parametrize("as_of", ["2017-08-31", "2017-09-30", "2017-10-31", "2017-11-30", "2017-12-31"])
def test_complete_journey_on_many_origins(as_of):
    tested = complete(as_of)
    assert len(tested.judged) == 3 * len(CANDIDATES)
    for row in chosen(tested)[:2]:
        assert row.skill > -0.02
        assert abs(row.bias) < 0.02
        assert abs(row.spend_bias) <= 0.05
        assert row.gini > 0.84
        assert row.auc > 0.87
        assert row.brier < row.brier_constant
        assert 0.75 <= row.coverage <= 0.86


@pytest.mark.parametrize("as_of", ["2017-07-31", "2017-08-31", "2017-09-30", "2017-10-31", "2017-11-30", "2017-12-31"])
def test_blended_with_the_recent_rate_every_newest_origin_beats_the_simple_guesses(as_of):
    newest = {row.candidate: row for row in complete(as_of).judged[: len(CANDIDATES)]}
    assert newest["mbg_blend"].skill > 0.02
    assert newest["mbg_blend"].mae < newest["mbg"].mae
    assert newest["mbg_blend"].brier < newest["mbg"].brier
    assert newest["mbg_blend"].gini > newest["mbg"].gini
    assert complete(as_of).champion.endswith("_blend")


def test_the_blend_earns_its_place_on_complete_journey():
    """Demand drifts there, so what was ordered lately tells more than the models believe."""
    newest = {row.candidate: row for row in complete("2017-12-31").judged[: len(CANDIDATES)]}
    assert newest["mbg_blend"].mae < 0.96 * newest["mbg"].mae
    assert newest["mbg_blend"].horizon_days == 91
    assert newest["mbg_blend"].mae <= 4.2  # the bar for the models by themselves is 4.44
    assert 0.2 < newest["mbg_blend"].recent_share < 0.8


def test_each_origin_stands_on_what_was_best_before_it():
    rows = complete("2017-12-31").judged
    newest, middle, oldest = (rows[k : k + len(CANDIDATES)] for k in range(0, 12, 4))
    assert next(row.candidate for row in oldest if row.stands) == CANDIDATES[0]
    assert next(row.candidate for row in middle if row.stands) == backtest.best([oldest], CANDIDATES)
    assert next(row.candidate for row in newest if row.stands) == backtest.best([middle, oldest], CANDIDATES)


def test_the_ladder_hears_the_skills_of_the_champion():
    tested = complete("2017-12-31")
    assert tested.skills == tuple(row.skill for row in tested.judged if row.candidate == tested.champion)
    assert (
        tested.skills[0] > 0 > max(row.skill for row in chosen(tested))
    )  # else a plain model's would demote the blend


def test_no_figure_of_an_origin_depends_on_what_came_after_it_but_the_figure_itself():
    """Another future changes how a forecast is judged, and not the forecast."""
    orders, horizon = complete_journey(), 60
    days = [date(2017, 10, 1) - timedelta(days=horizon * k) for k in range(4)]
    truth = backtest.run(days, lambda day: past(orders, day, horizon), CANDIDATES)
    newest = pd.Timestamp(days[0])
    silenced = orders[(orders["date"] <= newest) | (orders["customer_id"] % 2 == 0)]
    other = backtest.run(days, lambda day: past(silenced, day, horizon), CANDIDATES)
    for one, two in zip(truth.judged, other.judged, strict=True):
        forecasts = [(row.predicted_orders, row.recent_share, row.stands) for row in (one, two)]
        assert forecasts[0] == forecasts[1]
    assert truth.judged[0].actual_orders > 1.5 * other.judged[0].actual_orders


def test_a_quarter_of_cdnow_is_not_worse_with_more_candidates():
    orders, horizon = cdnow(), 91
    days = [date(1998, 3, 31) - timedelta(days=horizon * k) for k in range(4)]
    tested = backtest.run(days, lambda day: past(orders, day, horizon), CANDIDATES)
    plain = backtest.run(days, lambda day: past(orders, day, horizon), ["mbg"])
    assert chosen(tested)[0].mae < 1.02 * chosen(plain)[0].mae
    assert chosen(tested)[0].gini > 0.6


def test_deciles_hold_everybody_and_fall():
    table = complete("2017-12-31").deciles
    newest = chosen(complete("2017-12-31"))[0]
    assert table["decile"].tolist() == list(range(1, 11))
    assert table["customers"].sum() == newest.customers
    assert table["actual_orders"].sum() == pytest.approx(newest.actual_orders)
    assert table["predicted_spend"].sum() == pytest.approx(newest.predicted_spend)
    assert table["actual_spend"].iloc[0] > 3 * table["actual_spend"].iloc[4] > table["actual_spend"].iloc[8]


def test_a_shop_that_nobody_returns_to_is_no_error():
    orders = pd.DataFrame(
        {"customer_id": range(50), "date": pd.date_range("2017-01-01", periods=50, freq="2D"), "amount": 5.0}
    )
    horizon, days = backtest.origins(date(2017, 4, 10), date(2017, 1, 1), 91)
    tested = backtest.run(days, lambda day: past(orders, day, horizon), CANDIDATES)
    assert tested.champion == "mbg"
    assert all(row.fit.level == "recent_rate" for row in tested.judged)
    assert all(row.bias is None or np.isfinite(row.bias) for row in tested.judged)


def test_the_share_of_the_recent_rate_is_the_one_of_least_squared_error():
    orders, horizon = complete_journey(), 91
    learned = backtest.learn(past(orders, date(2017, 7, 1), horizon), ["mbg"], None)
    share = backtest.recent_share("mbg", learned)

    def error(one):
        return float(((backtest._predicted(learned, "mbg", one)["exp_orders"] - learned.past.orders) ** 2).sum())

    assert 0 < share < 1
    assert error(share) < min(error(share - 0.02), error(share + 0.02))


def test_without_a_likelihood_there_is_nothing_to_blend():
    orders = complete_journey()
    learned = backtest.learn(past(orders, date(2017, 7, 1), 91), ["mbg"], None)
    thin = replace(learned, fits={"mbg": replace(learned.fits["mbg"], level="recent_rate")})
    assert backtest.recent_share("mbg", thin) == 0
    assert isinstance(thin.fits["mbg"], Fit)
