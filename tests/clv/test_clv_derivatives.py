"""Likelihoods against the textbook's formulas in 40 digits, and their derivatives against numerical ones."""

import mpmath as mp
import numpy as np
import pytest

from perennial.clv import Cells, SpendCells
from perennial.clv.orders import LogLikelihood
from perennial.clv.spend import SpendLogLikelihood

HISTORIES = [
    (0, 0, 1),
    (0, 0, 400),
    (1, 3, 3),
    (1, 20, 300),
    (2, 213, 272),
    (7, 90, 91),
    (40, 300, 365),
    (600, 700, 720),
]
CELLS = Cells(*(np.array(column, dtype=float) for column in zip(*HISTORIES, strict=True)), np.arange(1.0, 9.0))
SPENDS = [(1, 12.5), (1, 300), (2, 33.3), (5, 8.25), (40, 61), (700, 20.01)]
SPEND_CELLS = SpendCells(*(np.array(column, dtype=float) for column in zip(*SPENDS, strict=True)), np.arange(1.0, 7.0))


def orders(model: str, *logs):
    """Sum over cells of log L, as in equation 6 of the BG/NBD paper and its MBG counterpart."""
    r, alpha, a, b = (mp.exp(one) for one in logs)
    total = mp.mpf(0)
    for (x, t_x, T), count in zip(HISTORIES, CELLS.count, strict=True):
        m = 1 if model == "mbg" else 0
        alive = (
            mp.beta(a, b + x + m) / mp.beta(a, b) * mp.gamma(r + x) * alpha**r / mp.gamma(r) / (alpha + T) ** (r + x)
        )
        dead = mp.mpf(0)
        if x > 0 or model == "mbg":
            dead = mp.beta(a + 1, b + x + m - 1) / mp.beta(a, b)
            dead *= mp.gamma(r + x) * alpha**r / mp.gamma(r) / (alpha + t_x) ** (r + x)
        total += int(count) * mp.log(alive + dead)
    return total


def spends(*logs):
    """Sum over cells of log L, equation 1a of note 025."""
    p, q, v = (mp.exp(one) for one in logs)
    total = mp.mpf(0)
    for (n, z), count in zip(SPENDS, SPEND_CELLS.count, strict=True):
        z = mp.mpf(z)
        density = z ** (p * n - 1) * mp.mpf(n) ** (p * n) / (v + n * z) ** (p * n + q)
        total += int(count) * mp.log(mp.gamma(p * n + q) / mp.gamma(p * n) / mp.gamma(q) * v**q * density)
    return total


def derivatives(function, at):
    """Value, gradient and Hessian of `function` at `at`, numerically."""
    size = range(len(at))
    with mp.workdps(40):
        value = function(*at)
        gradient = [mp.diff(function, at, tuple(int(i == j) for j in size)) for i in size]
        hessian = [[mp.diff(function, at, tuple((i == k) + (j == k) for k in size)) for j in size] for i in size]
    return float(value), np.array(gradient, dtype=float), np.array(hessian, dtype=float)


@pytest.mark.parametrize("model", ["bg", "mbg"])
@pytest.mark.parametrize("parameters", [(0.243, 30.9, 0.793, 2.426), (3.0, 700.0, 1.0, 0.05)])
def test_value_gradient_and_hessian_of_the_orders_model(model, parameters):
    logs = np.log(parameters)
    value, gradient, hessian = derivatives(lambda *at: orders(model, *at), [mp.mpf(one) for one in logs])
    found = LogLikelihood(model, CELLS)(logs)
    assert found[0] == pytest.approx(value, rel=1e-12)
    assert found[1] == pytest.approx(gradient, rel=1e-9, abs=1e-9)
    assert found[2] == pytest.approx(hessian, rel=1e-8, abs=1e-8)


@pytest.mark.parametrize("parameters", [(6.25, 3.74, 15.44), (0.53, 3.8, 196.0), (80.0, 0.6, 1.0)])
def test_value_gradient_and_hessian_of_the_spend_model(parameters):
    logs = np.log(parameters)
    value, gradient, hessian = derivatives(spends, [mp.mpf(one) for one in logs])
    found = SpendLogLikelihood(SPEND_CELLS)(logs)
    assert found[0] == pytest.approx(value, rel=1e-11)
    assert found[1] == pytest.approx(gradient, rel=1e-9, abs=1e-9)
    assert found[2] == pytest.approx(hessian, rel=1e-8, abs=1e-8)


@pytest.mark.parametrize("model", ["bg", "mbg"])
def test_far_from_any_sensible_parameter_nothing_overflows(model):
    for corner in np.array(np.meshgrid(*[[-25.0, 0.0, 12.0]] * 4)).reshape(4, -1).T:
        value, gradient, hessian = LogLikelihood(model, CELLS)(corner)
        assert np.isfinite(value)
        assert np.isfinite(gradient).all()
        assert np.isfinite(hessian).all()
