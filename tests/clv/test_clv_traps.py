"""Data on which models of this kind raise, return NaN or talk nonsense: each gets a level, a reason, and numbers."""

import numpy as np
import pytest
from clv_data import simulate

from perennial.clv import (
    Histories,
    Parameters,
    Recent,
    collapse,
    expected_value,
    fit,
    fit_spend,
    score,
    spend_cells,
)

YEAR = 365.0
NO_VALUES = fit_spend(spend_cells([], []))


def shop(customers: int, *, seed: int = 1, r=0.7, alpha=40.0, a=0.8, b=2.4):
    """Customers of an ordinary shop, acquired over a year: x, t_x, T in whole days."""
    T = np.random.default_rng(seed).integers(0, 366, customers).astype(float)
    found = simulate("mbg", r, alpha, a, b, T, 0, seed)
    t_x = np.minimum(np.ceil(found["t_x"].to_numpy()), T)
    x = np.minimum(found["x"].to_numpy(), t_x)  # at most one order a day
    return x, t_x, T


def scores(found, x, t_x, T, horizon=365, spend=None):
    """Scores of all, after the promise of the library: no NaN, nothing negative, no blank without a reason."""
    x, t_x, T = (np.asarray(column, dtype=float) for column in (x, t_x, T))
    spend = spend or fit_spend(spend_cells(x + 1, np.random.default_rng(5).gamma(3, 10, len(x))))
    columns = score(found, spend, Histories(x, t_x, T, x + 1, np.full(len(x), 30.0)), horizon, discount_rate=0.1)
    for name, column in columns.items():
        if column.dtype != float:
            assert all(column)
        elif not name.startswith("next_order"):
            assert np.isfinite(column).all(), name
            assert (column >= 0).all(), name
    days = np.array([columns[f"next_order_days_{name}"] for name in ("p25", "p50", "p75")])
    assert (np.isnan(days) | (days >= 1)).all()
    assert (columns["exp_orders_p10"] <= columns["exp_orders_p90"]).all()
    assert (columns["clv_p10"] <= columns["clv_p90"]).all()
    return columns


@pytest.mark.parametrize("model", ["bg", "mbg"])
def test_an_ordinary_shop_is_fitted_by_maximum_likelihood(model):
    x, t_x, T = shop(2000)
    found = fit(collapse(x, t_x, T), model)
    assert (found.model_used, found.status, found.notes) == (f"{model}_mle", "ok", ())
    assert scores(found, x, t_x, T)["model_used"].tolist() == [f"{model}_mle"] * 2000


def test_a_hundred_customers_get_the_weak_prior():
    x, t_x, T = shop(100)
    found = fit(collapse(x, t_x, T))
    assert (found.model_used, found.status) == ("mbg_map", "few_repeaters")
    scores(found, x, t_x, T)


def test_ten_customers_get_the_recent_rate():
    x, t_x, T = shop(10)
    found = fit(collapse(x, t_x, T), recent=Recent(orders=3, days=700, window=91))
    assert (found.model_used, found.status, found.window) == ("recent_rate", "too_few_repeaters", 91)
    scores(found, x, t_x, T)


def test_one_customer_who_came_once_is_no_exception():
    found = fit(collapse([0], [0], [50]))
    assert (found.model_used, found.status) == ("recent_rate", "too_few_repeaters")
    assert scores(found, [0], [0], [50])["exp_orders"] > 0


def test_without_repeaters_the_rate_is_small_and_not_zero():
    T = np.arange(1.0, 1001)
    found = fit(collapse(0 * T, 0 * T, T))
    assert (found.model_used, found.status) == ("recent_rate", "too_few_repeaters")
    assert 0 < scores(found, 0 * T, 0 * T, T)["exp_orders"].max() < 0.01


def test_a_shop_that_opened_today_has_nothing_to_learn_from():
    zero = np.zeros(500)
    found = fit(collapse(zero, zero, zero))
    columns = score(found, NO_VALUES, Histories(zero, zero, zero, zero, zero), 90)
    assert (found.model_used, found.status) == ("none", "no_days_watched")
    assert np.isnan(columns["exp_orders"]).all()
    assert set(columns["model_used"]) == {"none"}
    assert set(columns["fit_status"]) == {"no_days_watched"}


def test_no_customers_at_all():
    found = fit(collapse([], [], []))
    assert (found.model_used, found.status) == ("none", "no_customers")
    assert len(score(found, NO_VALUES, Histories(*[np.empty(0)] * 5), 90)["exp_orders"]) == 0


@pytest.mark.parametrize("model", ["bg", "mbg"])
def test_where_nobody_drops_out_everybody_is_alive(model):
    T = np.full(1500, YEAR)
    frame = simulate("bg", 1.5, 30, 0, 1, T, 0, 3)
    x, t_x = frame["x"].to_numpy(), frame["t_x"].to_numpy()
    found = fit(collapse(x, t_x, T), model)
    assert found.level in ("mle", "map")
    assert found.status in ("ok", "at_bound", "not_identified")
    columns = scores(found, x, t_x, T)
    assert np.quantile(columns["p_alive"], 0.1) > 0.9
    assert columns["exp_orders"].mean() == pytest.approx(x.mean(), rel=0.1)


def test_where_everybody_is_identical_the_likelihood_has_no_maximum():
    x, t_x, T = np.full(1000, 12.0), np.full(1000, 350.0), np.full(1000, YEAR)
    found = fit(collapse(x, t_x, T))
    assert found.model_used == "mbg_map"
    assert found.status in ("at_bound", "not_identified", "not_converged")
    assert scores(found, x, t_x, T)["exp_orders"][0] == pytest.approx(12, rel=0.25)


@pytest.mark.parametrize("size", [300, 3000])
def test_a_bot_is_scored_but_does_not_drag_the_parameters(size):
    x, t_x, T = shop(size)
    clean = fit(collapse(x, t_x, T))
    found = fit(collapse([*x, 3000], [*t_x, 20], [*T, 20]))
    assert (found.level, found.status, found.excluded) == (clean.level, clean.status, 1)
    assert "outliers_excluded" in found.notes
    assert found.parameters == clean.parameters
    assert scores(found, [*x, 3000], [*t_x, 20], [*T, 20])["exp_orders"][-1] > 100


def test_good_customers_are_not_taken_for_bots():
    T = np.full(5000, YEAR)
    frame = simulate("mbg", 0.3, 5, 0.3, 4, T, 0, 8)  # most come a few times, some every other day
    assert frame["x"].max() > 100
    assert fit(collapse(frame["x"], frame["t_x"], T)).excluded == 0


def test_a_whole_clientele_of_heavy_buyers_is_not_excluded():
    x, t_x, T = shop(1000)
    many = simulate("mbg", 30, 15, 0.1, 9, np.full(20, YEAR), 0, 1)
    found = fit(collapse([*x, *many["x"]], [*t_x, *many["t_x"]], [*T, *many["T"]]))
    assert found.excluded == 0


def test_impossible_rows_are_rejected_and_the_run_goes_on():
    x, t_x, T = shop(2000)
    bad = [(np.nan, 1, 5), (1, np.nan, 5), (1, 1, np.nan), (2, 9, 5), (-1, 0, 5), (1.5, 2, 5), (0, 3, 5), (2, 0, 5)]
    bad += [(np.inf, 1, 5), (1, 1, np.inf)]
    rows = np.vstack([np.column_stack([x, t_x, T]), bad]).T
    found, clean = fit(collapse(*rows)), fit(collapse(x, t_x, T))
    assert found.rejected == len(bad)
    assert found.notes == ("rows_rejected",)
    assert found.parameters == clean.parameters
    columns = score(found, NO_VALUES, Histories(*rows, rows[0] + 1, rows[0]), 90)
    assert columns["fit_status"][-len(bad) :].tolist() == ["invalid_history"] * len(bad)
    assert columns["model_used"][-len(bad) :].tolist() == ["none"] * len(bad)
    assert np.isnan(columns["exp_orders"][-len(bad) :]).all()
    assert np.isfinite(columns["exp_orders"][: -len(bad)]).all()


def test_nothing_but_impossible_rows():
    found = fit(collapse([1, np.nan], [9, 1], [5, 5]))
    assert (found.model_used, found.status, found.rejected) == ("none", "no_valid_rows", 2)


def test_histories_that_begin_with_the_data_are_noted():
    x, t_x, T = shop(2000)
    found = fit(collapse([*x, *np.full(3000, 3.0)], [*t_x, *np.full(3000, 300.0)], [*T, *np.full(3000, 364.0)]))
    assert "left_truncated" in found.notes


@pytest.mark.parametrize("p", [Parameters(0.7, 40, 1.0, 2), Parameters(0.7, 40, 0.3, 0.2), Parameters(2, 9, 1e-9, 1)])
@pytest.mark.parametrize("model", ["bg", "mbg"])
def test_parameters_where_closed_forms_break_and_five_hundred_orders_score_over_ten_years(model, p):
    x, t_x, T = [0, 0, 1, 500, 800], [0, 0, 1, 360, 365], [0, 365, 365, 365, 365]
    scores(fit(collapse([1] * 5, [3] * 5, [9] * 5), model, last_good=p), x, t_x, T, horizon=3650)


def test_the_last_good_parameters_serve_thirty_days():
    x, t_x, T = shop(15)
    p = Parameters(0.5, 43, 0.9, 1.6)
    young, old = (fit(collapse(x, t_x, T), last_good=p, last_good_days=days) for days in (30, 31))
    assert (young.model_used, young.status, young.parameters) == ("mbg_last_good", "too_few_repeaters", p)
    assert (old.model_used, old.status) == ("recent_rate", "too_few_repeaters")
    scores(young, x, t_x, T)


@pytest.mark.parametrize(
    ("skills", "model_used", "status"),
    [
        ((), "mbg_mle", "ok"),
        ((0.2, -0.1, -0.1), "mbg_mle", "ok"),
        ((-0.1, 0.2), "mbg_map", "negative_skill"),
        ((-0.1, -0.2, -0.3), "recent_rate", "three_negative_skills"),
    ],
)
def test_a_model_that_loses_to_guessing_steps_down(skills, model_used, status):
    x, t_x, T = shop(2000)
    found = fit(collapse(x, t_x, T), skills=skills)
    assert (found.model_used, found.status) == (model_used, status)
    scores(found, x, t_x, T)


def test_absurd_last_good_parameters_do_not_lead_the_fit_astray():
    x, t_x, T = shop(2000)
    found = fit(collapse(x, t_x, T), last_good=Parameters(500, 0.01, 300, 0.01))
    assert (found.level, found.status) == ("mle", "ok")
    assert found.loglik == pytest.approx(fit(collapse(x, t_x, T)).loglik, abs=1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 0.0, -1.0])
def test_spoilt_last_good_parameters_are_not_used(bad):
    x, t_x, T = shop(15)
    found = fit(collapse(x, t_x, T), last_good=Parameters(0.5, bad, 0.9, 1.6))
    assert (found.model_used, found.status) == ("recent_rate", "too_few_repeaters")


def test_orders_without_value_stay_in_timing_and_leave_the_value_model():
    n, mean = np.array([0.0, 3, 3, 2]), np.array([np.nan, -5, 0, 20])
    cells = spend_cells(n, mean, dropped=9)
    found = fit_spend(cells)
    assert (cells.customers, found.dropped) == (1, 9)
    assert expected_value(found, n[:1], mean[:1]) == pytest.approx(20)


def test_values_with_a_tail_without_mean_get_the_shrunken_mean():
    chance = np.random.default_rng(2)
    rate = chance.gamma(0.8, 1, 3000)
    n = chance.integers(1, 6, 3000)
    mean = chance.gamma(4.0 * n) / rate / n
    found = fit_spend(spend_cells(n, mean))
    assert (found.level, found.status) == ("shrunken_mean", "heavy_tail")
    value = expected_value(found, n, mean)
    assert (value > 0).all()
    assert np.isfinite(value).all()


def test_one_price_is_everybodys_value():
    n = np.array([0.0, *range(1, 400)])
    found = fit_spend(spend_cells(n, np.full(400, 9.99)))
    assert (found.level, found.status) == ("shrunken_mean", "constant_value")
    assert expected_value(found, n, np.full(400, 9.99)) == pytest.approx(9.99)
    x, t_x, T = shop(300)
    scores(fit(collapse(x, t_x, T)), x, t_x, T, spend=found)


def test_few_buyers_share_a_mean():
    found = fit_spend(spend_cells([1, 2, 3], [10.0, 20, 30]))
    assert (found.level, found.status) == ("shrunken_mean", "few_buyers")
    low, middle, high = expected_value(found, [1, 0, 9], [10.0, 0, 30])
    assert 10 < low < middle < high < 30


def test_without_any_value_clv_is_blank_with_a_reason():
    x, t_x, T = shop(300)
    columns = score(fit(collapse(x, t_x, T)), NO_VALUES, Histories(x, t_x, T, 0 * x, 0 * x), 90)
    assert np.isnan(columns["clv"]).all()
    assert set(columns["spend_status"]) == {"no_values"}
    assert np.isfinite(columns["exp_orders"]).all()


@pytest.mark.parametrize("seed", range(60))
def test_whatever_the_data_every_customer_gets_numbers_or_a_reason(seed):
    chance = np.random.default_rng(seed)
    size, longest = int(chance.integers(1, 1500)), int(chance.choice([1, 3, 40, 400, 4000]))
    T = chance.integers(0, longest + 1, size).astype(float)
    x = np.minimum(np.floor(chance.pareto(chance.uniform(0.3, 3), size) * chance.choice([0.1, 1, 30])), T)
    t_x = np.where(x > 0, np.maximum(x, np.floor(T * chance.beta(*chance.choice([0.2, 1, 9], 2), size))), 0)
    model = str(chance.choice(["bg", "mbg"]))
    found = fit(collapse(x, t_x, T), model)
    spend = fit_spend(spend_cells(x + 1, chance.pareto(chance.uniform(0.2, 4), size) * chance.choice([0, 1e-6, 1e9])))
    columns = score(found, spend, Histories(x, t_x, T, x + 1, np.full(size, 3.0)), int(chance.choice([1, 90, 3650])))
    assert found.status
    assert all(columns["fit_status"])
    if found.level != "none":
        wanted = ["p_alive", "p_no_order", "exp_orders", "exp_orders_p10", "exp_orders_p90"]
        wanted += ["order_value", "clv", "clv_p10", "clv_p90"] if spend.level != "none" else []
        for name in wanted:
            assert np.isfinite(columns[name]).all(), (name, found, spend)
            assert (columns[name] >= 0).all(), (name, found, spend)
