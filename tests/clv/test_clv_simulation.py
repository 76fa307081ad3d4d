"""Customers made by the models themselves: parameters are found again, predictions and intervals hold."""

import numpy as np
import pytest
from clv_data import simulate

from perennial.clv import Histories, collapse, fit, fit_spend, score, spend_cells, with_memory
from perennial.clv.orders import LogLikelihood
from perennial.clv.spend import SpendLogLikelihood

TRUE = (0.6, 40.0, 0.9, 1.8)
HORIZON = 180


@pytest.fixture(scope="module", params=["bg", "mbg"])
def world(request):
    """(model, customers, cells, fit) of 20,000 simulated customers."""
    T = np.random.default_rng(4).uniform(30, 730, 20_000)
    customers = simulate(request.param, *TRUE, T, HORIZON, 11)
    cells = collapse(customers["x"], customers["t_x"], customers["T"])
    return request.param, customers, cells, fit(cells, request.param)


def test_parameters_are_found_again_within_three_standard_errors(world):
    model, _, cells, found = world
    assert found.status == "ok"
    logs = found.parameters.logs()
    errors = np.sqrt(np.diag(np.linalg.inv(-LogLikelihood(model, cells)(logs)[2])))
    assert (np.abs(logs - np.log(TRUE)) < 3 * errors).all()


@pytest.fixture(scope="module")
def scored(world):
    """(customers with their future, scores); an order is worth Gamma(3, nu), nu ~ Gamma(4, 60)."""
    _, customers, _, found = world
    chance = np.random.default_rng(6)
    rate = chance.gamma(4, 1 / 60, len(customers))
    n = customers["x"].to_numpy() + 1
    mean = chance.gamma(3 * n) / rate / n
    future = customers["future"].to_numpy()
    spent = np.where(future > 0, chance.gamma(3 * np.maximum(future, 1)) / rate, 0)
    spend = fit_spend(spend_cells(n, mean))
    histories = Histories(*(customers[name].to_numpy() for name in ("x", "t_x", "T")), n, mean)
    return future, spent, score(found, spend, histories, HORIZON), found, histories, spend


def test_expected_orders_and_value_are_unbiased(scored):
    future, spent, columns, *_ = scored
    assert columns["exp_orders"].sum() == pytest.approx(future.sum(), rel=0.03)
    assert columns["clv"].sum() == pytest.approx(spent.sum(), rel=0.04)


def test_the_chance_of_no_order_is_what_it_says_in_every_tenth(scored):
    future, _, columns, *_ = scored
    for tenth in np.array_split(np.argsort(columns["p_no_order"]), 10):
        assert columns["p_no_order"][tenth].mean() == pytest.approx((future[tenth] == 0).mean(), abs=0.035)


def test_quantiles_of_orders_are_exceeded_as_often_as_they_say(scored):
    """A quantile of a whole number is passed at most, and without its own probability at least, so often."""
    future, _, columns, *_ = scored
    for name, level in (("p10", 0.1), ("p50", 0.5), ("p90", 0.9)):
        quantile = columns[f"exp_orders_{name}"]
        assert (future <= quantile).mean() > level - 0.01
        assert (future < quantile).mean() < level + 0.01


def test_quantiles_of_value_are_exceeded_as_often_as_they_say(scored):
    _, spent, columns, *_ = scored
    for name, level in (("p10", 0.1), ("p50", 0.5), ("p90", 0.9)):
        quantile = columns[f"clv_{name}"]
        assert (spent <= quantile).mean() > level - 0.02
        busy = columns["p_no_order"] < 0.2  # the others spend nothing too often for p10 to be more than zero
        assert (spent <= quantile)[busy].mean() == pytest.approx(level, abs=0.08)


def test_margin_and_discount_scale_value(scored):
    _, _, columns, found, histories, spend = scored
    less = score(found, spend, histories, HORIZON, discount_rate=0.1, margin=0.3)
    ratio = less["clv"] / columns["clv"]
    assert ((ratio < 0.3) & (ratio > 0.3 / 1.1 ** (HORIZON / 365))).all()
    assert less["clv_p90"] == pytest.approx(columns["clv_p90"] * ratio, rel=1e-9)


def test_spend_parameters_are_found_again_within_three_standard_errors():
    chance = np.random.default_rng(9)
    n = chance.geometric(0.3, 20_000).astype(float)
    mean = chance.gamma(5 * n) / chance.gamma(4, 1 / 60, 20_000) / n
    cells = spend_cells(n, mean)
    found = fit_spend(cells)
    logs = np.log([found.p, found.q, found.v])
    errors = np.sqrt(np.diag(np.linalg.inv(-SpendLogLikelihood(cells)(logs)[2])))
    assert found.status == "ok"
    assert (np.abs(logs - np.log([5, 4, 60])) < 3 * errors).all()


def test_rates_that_never_change_need_no_memory_and_rates_that_drift_do(world):
    _, customers, _, found = world
    columns = [customers[name].to_numpy() for name in ("x", "t_x", "T")]
    assert with_memory(found, found, *columns, customers["future"], HORIZON).memory > 300
    drift = np.random.default_rng(3).gamma(4, 1 / 4, len(customers))
    future = np.random.default_rng(3).poisson(customers["future"] * drift)
    assert with_memory(found, found, *columns, future, HORIZON).memory < 300
