"""A model mixed with the recent rate: the mixture that it says it is."""

import numpy as np
import pytest
from clv_data import simulate

from perennial.clv import (
    RECENT_DAYS,
    Fit,
    Histories,
    Parameters,
    Recent,
    Spend,
    alive_expectation,
    collapse,
    expectation_rows,
    fit,
    score,
    with_memory,
)
from perennial.clv.expectation import HORIZONS, observed

MODEL = Fit("mbg", "mle", "ok", Parameters(0.7, 40.0, 0.8, 2.4), memory=70.0)
RECENT = Fit("mbg", "recent_rate", "ok", Parameters(1.6, 91.0, 0.0, 1.0), window=RECENT_DAYS)
SPEND = Spend("gamma_gamma", "ok", p=6.0, q=4.0, v=15.0)


def shop(customers: int = 800) -> Histories:
    chance = np.random.default_rng(4)
    T = chance.integers(1, 900, customers).astype(float)
    frame = simulate("mbg", 0.7, 20, 0.5, 2.4, T, 0, 4)
    t_x = np.minimum(np.ceil(frame["t_x"].to_numpy()), T)
    x = np.minimum(frame["x"].to_numpy(), t_x)
    recent = np.minimum(chance.poisson(1.5, customers), x)
    return Histories(x, t_x, T, x + 1, chance.gamma(3, 10, customers), recent)


def same(one: dict, other: dict) -> None:
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], other[name], name)


def test_without_a_share_nothing_changes():
    found = score(MODEL, SPEND, shop(), 90, discount_rate=0.1, margin=0.3, recent=RECENT, share=0)
    same(found, score(MODEL, SPEND, shop(), 90, discount_rate=0.1, margin=0.3))
    assert set(found["model_used"]) == {"mbg_mle"}


def test_the_whole_share_is_the_recent_rate():
    found = score(MODEL, SPEND, shop(), 90, discount_rate=0.1, recent=RECENT, share=1)
    same(found, score(RECENT, SPEND, shop(), 90, discount_rate=0.1))
    same(found, score(RECENT, SPEND, shop(), 90, discount_rate=0.1, recent=RECENT, share=0.4))
    assert set(found["model_used"]) == {"recent_rate"}


def test_a_share_needs_the_recent_rate():
    with pytest.raises(ValueError, match="recent_rate"):
        score(MODEL, SPEND, shop(), 90, share=0.5)
    with pytest.raises(ValueError, match="recent_rate"):
        score(MODEL, SPEND, shop(), 90, recent=MODEL, share=1)
    with pytest.raises(ValueError, match="between 0 and 1"):
        score(MODEL, SPEND, shop(), 90, recent=RECENT, share=1.5)


@pytest.mark.parametrize("horizon", [30, 365])
def test_figures_lie_between_those_of_the_two_in_proportion(horizon):
    model, recent, both = (
        score(MODEL, SPEND, shop(), horizon, discount_rate=0.1, recent=RECENT, share=share) for share in (0, 1, 0.4)
    )
    for name in ("exp_orders", "clv", "p_no_order"):
        np.testing.assert_allclose(both[name], 0.6 * model[name] + 0.4 * recent[name], rtol=1e-12)
    for name in ("p_alive", "order_value", "next_order_days_p25", "next_order_days_p50", "next_order_days_p75"):
        np.testing.assert_array_equal(both[name], model[name])
    for quantile in ("p10", "p50", "p90"):
        one, other = model[f"exp_orders_{quantile}"], recent[f"exp_orders_{quantile}"]
        assert (both[f"exp_orders_{quantile}"] >= np.minimum(one, other)).all()
        assert (both[f"exp_orders_{quantile}"] <= np.maximum(one, other)).all()
    for what in ("exp_orders", "clv"):
        assert (both[f"{what}_p10"] <= both[f"{what}_p50"]).all()
        assert (both[f"{what}_p50"] <= both[f"{what}_p90"]).all()
    assert set(both["model_used"]) == {"mbg_mle_blend"}


@pytest.mark.parametrize(("x", "t_x", "T", "recent"), [(12, 300, 320, 3), (40, 390, 420, 0), (3, 20, 200, 2)])
def test_a_customer_simulated_many_times_orders_as_often_and_spends_as_much(x, t_x, T, recent):
    horizon, share, size = 90, 0.4, 400_000
    chance = np.random.default_rng(x)
    model = Fit("mbg", "mle", "ok", MODEL.parameters)
    mean = 25.0
    found = score(
        model,
        SPEND,
        Histories(*(np.array([float(one)]) for one in (x, t_x, T, x + 1, mean, recent))),
        horizon,
        recent=RECENT,
        share=share,
    )
    p, q = model.parameters, RECENT.parameters
    rate = chance.gamma(p.r + x, 1 / (p.alpha + T), size)
    leaves = chance.beta(p.a, p.b + x + 1, size)
    survives = chance.geometric(leaves)  # she leaves after so many orders
    orders = np.minimum(chance.poisson(rate * horizon), survives) * (chance.random(size) < found["p_alive"][0])
    recently = chance.poisson(chance.gamma(q.r + recent, 1 / (q.alpha + min(T, RECENT_DAYS)), size) * horizon)
    orders = np.where(chance.random(size) < share, recently, orders)
    assert found["exp_orders"][0] == pytest.approx(orders.mean(), rel=0.02)
    assert found["p_no_order"][0] == pytest.approx((orders == 0).mean(), abs=0.004)
    for name, level in (("p10", 0.1), ("p50", 0.5), ("p90", 0.9)):
        n = found[f"exp_orders_{name}"][0]
        assert (orders <= n).mean() >= level - 0.004
        assert (orders < n).mean() < level + 0.004
    nu = chance.gamma(SPEND.p * (x + 1) + SPEND.q, 1 / (SPEND.v + (x + 1) * mean), size)
    spent = np.where(orders > 0, chance.gamma(np.maximum(SPEND.p * orders, 1e-9)) / nu, 0)
    assert found["clv"][0] == pytest.approx(spent.mean(), rel=0.02)
    # a log-normal is an approximation
    assert (spent <= found["clv_p90"][0]).mean() == pytest.approx(0.9, abs=0.05)


def test_impossible_histories_are_left_blank_in_a_mixture_too():
    histories = Histories(*(np.array(one) for one in ([1.0, 0], [9.0, 0], [5.0, 5], [2.0, 1], [9.0, 9], [1.0, 0])))
    found = score(MODEL, SPEND, histories, 90, recent=RECENT, share=0.4)
    assert found["fit_status"].tolist() == ["invalid_history", "ok"]
    assert found["model_used"].tolist() == ["none", "mbg_mle_blend"]
    assert np.isnan(found["exp_orders"]).tolist() == [True, False]


@pytest.mark.parametrize(("fitted", "part"), [(MODEL, "model"), (RECENT, "recent")])
def test_the_rows_for_the_warehouse_are_what_alive_expectation_says(fitted, part):
    x, _, T = observed(fitted, shop())
    x, T = np.unique(np.column_stack([x, T]), axis=0).T
    rows = expectation_rows(fitted, x, T, 0.1)
    table = alive_expectation(fitted, x, T, HORIZONS, 0.1)
    assert set(rows["part"]) == {part}
    np.testing.assert_array_equal(rows["x"], x)
    np.testing.assert_array_equal(rows["t"], T)
    for horizon in HORIZONS:
        np.testing.assert_array_equal(rows[f"orders_{horizon}"], table["orders"][table["horizon"] == horizon])
    for name in ("discounted", "pairs"):
        np.testing.assert_array_equal(rows[f"{name}_365"], table[name][table["horizon"] == 365])
    assert len(rows["cdf_90"]) == len(x)
    assert all((np.diff(one) >= 0).all() and (one < 0.999).all() for one in rows["cdf_90"])


def test_without_parameters_or_customers_there_are_no_rows():
    nothing = fit(collapse([], [], []))
    for rows in (expectation_rows(nothing, [1], [5], 0.1), expectation_rows(MODEL, [], [], 0.1)):
        assert {len(column) for column in rows.values()} == {0}
        assert list(rows) == [
            *("part", "x", "t", "orders_30", "orders_90", "orders_365", "discounted_365", "pairs_365", "cdf_90")
        ]


def test_the_recent_rate_gets_no_memory():
    """It forgets by itself; SQL counts on it."""
    histories = shop()
    found = fit(collapse(histories.x, histories.t_x, histories.T))
    steps_down = fit(
        collapse(histories.x, histories.t_x, histories.T),
        skills=[-1, -1, -1],
        recent=Recent(900, 40_000, RECENT_DAYS),
    )
    followed = np.random.default_rng(1).integers(0, 9, len(histories.x))  # unlike anything before
    about = (found, histories.x, histories.t_x, histories.T, followed, 90)
    assert np.isfinite(with_memory(found, *about).memory)
    assert with_memory(steps_down, *about) == steps_down
