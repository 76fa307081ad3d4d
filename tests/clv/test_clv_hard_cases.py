"""Predictions where closed forms overflow, cancel or return NaN, against mpmath in 50 digits."""

from itertools import product

import mpmath as mp
import numpy as np
import pytest

from perennial.clv.orders import Parameters
from perennial.clv.predict import (
    alive_at_least,
    alive_discounted,
    alive_orders,
    alive_pairs,
    next_order_days,
    orders_quantile,
    orders_survival,
    p_alive,
    p_first_order,
    p_no_order,
)

# r, alpha, a, b: typical, hardly anybody leaves, a = 1 (a pole of the closed form), a + b < 1, and far out
PARAMETERS = [
    Parameters(0.243, 30.9, 0.793, 2.426),
    Parameters(1.4, 9.6, 0.035, 34.0),
    Parameters(0.01, 3.0, 1e-6, 0.5),
    Parameters(2.0, 40.0, 1.0, 3.0),
    Parameters(0.7, 40.0, 0.999999, 3.0),
    Parameters(0.5, 20.0, 0.3, 0.2),
    Parameters(30.0, 1000.0, 20.0, 1000.0),
    Parameters(30.0, 3.0, 0.3, 0.02),
]
HISTORIES = [(0, 0, 0), (0, 0, 400), (1, 1, 30), (1, 29, 30), (30, 200, 300), (500, 360, 365), (3000, 700, 4000)]
HORIZONS = [1, 91, 3650]
MODELS = ["bg", "mbg"]
CASES = list(product(PARAMETERS, HISTORIES))


def odds(model, p, x, t_x, T):
    if model == "bg" and x == 0:
        return mp.mpf(0)
    r, alpha, a, b = (mp.mpf(one) for one in (p.r, p.alpha, p.a, p.b))
    return a / (b + x + (model == "mbg") - 1) * ((alpha + T) / (alpha + t_x)) ** (r + x)


def expected(model, p, x, T, h):
    """E[Y | alive] with the 2F1 of the papers; at its pole a = 1 a hair beside it."""
    r, alpha, a, b = (mp.mpf(one) for one in (p.r, p.alpha, p.a, p.b))
    a += mp.mpf(10) ** -25 if a == 1 else 0
    c, tail = b + x + (model == "mbg"), h / (alpha + T + h)
    return (a + c - 1) / (a - 1) * (1 - (1 - tail) ** (r + x) * mp.hyp2f1(r + x, c, a + c - 1, tail))


def pairs(model, p, x, T, h):
    """E[N(N-1) | alive] = 2 r'(r'+1) c/(a+c) * integral of s 2F1(r'+2, a; a+c+1; -s) over s from 0 to z."""
    r, a, c = p.r + x, mp.mpf(p.a), mp.mpf(p.b) + x + (model == "mbg")
    z = mp.mpf(h) / (p.alpha + T)
    cuts = [0, *(z / mp.mpf(8) ** k for k in range(5, -1, -1))]
    total = mp.quad(lambda s: s * mp.hyp2f1(r + 2, a, a + c + 1, -s), cuts, method="gauss-legendre", maxdegree=3)
    return 2 * r * (r + 1) * c / (a + c) * total


@pytest.mark.parametrize("model", MODELS)
def test_alive_orders_and_p_alive_have_eight_digits(model):
    with mp.workdps(50):
        for p, (x, t_x, T) in CASES:
            lives = 1 / (1 + odds(model, p, x, t_x, T))
            assert float(p_alive(model, p, x, t_x, T)) == pytest.approx(float(lives), rel=1e-9, abs=1e-300)
            for h in HORIZONS:
                true = float(expected(model, p, x, T, h))
                assert alive_orders(model, p, x, T, h)[0] == pytest.approx(true, rel=1e-8), (p, x, T, h)


def test_pairs_have_seven_digits():
    with mp.workdps(20):
        for number, (p, h) in enumerate(product(PARAMETERS, HORIZONS)):
            x, _, T = HISTORIES[number % len(HISTORIES)]
            true = float(pairs("mbg", p, x, T, h))
            assert alive_pairs("mbg", p, x, T, h)[0] == pytest.approx(true, rel=1e-7), (p, x, T, h)


@pytest.mark.parametrize("model", MODELS)
def test_the_distribution_of_orders_has_the_moments_computed_apart_from_it(model):
    n = np.arange(1.0, 4001)
    for p, (x, _, T), h in product(PARAMETERS[:6], HISTORIES[:5], (30, 365)):
        survival = alive_at_least(model, p, x, T, h, n)
        if survival[-1] > 1e-12:
            continue
        assert survival.sum() == pytest.approx(alive_orders(model, p, x, T, h)[0], rel=1e-7)
        assert 2 * ((n - 1) @ survival) == pytest.approx(alive_pairs(model, p, x, T, h)[0], rel=1e-6, abs=1e-12)
        assert survival[0] == pytest.approx(p_first_order(p, x, T, h), rel=1e-12)


@pytest.mark.parametrize("model", MODELS)
def test_nothing_is_missing_negative_or_out_of_range_on_the_whole_grid(model):
    x, t_x, T = (np.array(column, dtype=float) for column in zip(*HISTORIES, strict=True))
    for p, h in product([*PARAMETERS, Parameters(0.2, 91.0, 0.0, 1.0)], [*HORIZONS, 36500]):
        alive = p_alive(model, p, x, t_x, T)
        no_order = p_no_order(alive, p, x, T, h)
        assert ((alive >= 0) & (alive <= 1) & (no_order >= 0) & (no_order <= 1)).all()
        orders = alive_orders(model, p, x, T, h)
        discounted = alive_discounted(model, p, x, T, h, orders, 0.1)
        quantiles = [orders_quantile(model, p, alive, x, T, h, level) for level in (0.1, 0.5, 0.9)]
        columns = np.array([orders, discounted, alive_pairs(model, p, x, T, h), *quantiles])
        assert np.isfinite(columns).all()
        assert (columns >= 0).all()
        assert (discounted <= orders).all()
        assert (np.diff(quantiles, axis=0) >= 0).all()
        days = next_order_days(p, alive, x, T, 0.5)
        assert (np.isnan(days) | (days >= 1)).all()


def test_a_new_customer_is_one_with_an_empty_history():
    p = PARAMETERS[0]
    assert p_alive("bg", p, 0, 0, 0) == 1
    assert p_alive("mbg", p, 0, 0, 0) == pytest.approx(p.b / (p.a + p.b))


def test_discounting_by_integral_is_discounting_day_by_day():
    p, days = PARAMETERS[0], np.arange(366.0)
    for x, T in [(0, 0), (2, 200), (26, 217)]:
        orders = alive_orders("mbg", p, x, T, days[1:])
        daily = np.diff(np.concatenate([[0], orders])) @ 1.1 ** (-(days[1:] - 0.5) / 365)
        assert alive_discounted("mbg", p, x, T, 365, orders[-1:], 0.1)[0] == pytest.approx(daily, rel=1e-5)


def test_a_quantile_is_the_count_of_survivals_that_sql_takes():
    p = PARAMETERS[0]
    x, T = np.array([0.0, 2, 26, 90]), np.array([10.0, 200, 217, 365])
    survival = orders_survival("mbg", p, x, T, 365)
    for alive, level in product((0.2, 0.7, 1.0), (0.1, 0.5, 0.9)):
        counted = [int((alive * one > 1 - level).sum()) for one in survival]
        assert orders_quantile("mbg", p, alive, x, T, 365, level).tolist() == counted


def test_the_next_order_comes_with_the_probability_asked_for():
    p, x, T = PARAMETERS[0], np.array([3.0, 10]), np.array([200.0, 300])
    alive = np.array([0.9, 0.6])
    for level in (0.25, 0.5):
        days = next_order_days(p, alive, x, T, level)
        assert (1 - p_no_order(alive, p, x, T, days) >= level - 1e-12).all()
        assert (1 - p_no_order(alive, p, x, T, days - 1) < level).all()
    assert np.isnan(next_order_days(p, alive, x, T, 0.75)).tolist() == [False, True]
