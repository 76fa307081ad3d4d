"""Maximising a smooth function of few parameters by damped Newton steps."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

STEP = 2.0  # longest change of a log-parameter in one step: a factor of 7.4
ITERATIONS = 100
HALVINGS = 40
NOISE = 1e-13  # of a value: sums over millions of cells are no sharper

Value = tuple[float, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Maximum:
    """Where the search ended: point of shape (k,), value, gradient (k,), Hessian (k, k)."""

    point: np.ndarray
    value: float
    gradient: np.ndarray
    hessian: np.ndarray
    iterations: int
    converged: bool


def maximise(function: Callable[[np.ndarray], Value], start: np.ndarray, tolerance: float = 1e-11) -> Maximum:
    """Climb from `start`; `function` returns value, gradient and Hessian.

    Converged means that the next step promises a gain below `tolerance`, so the value is exact to about that much.
    Where the Hessian is not negative definite its eigenvalues are mirrored, so every step goes uphill.
    """
    point = np.asarray(start, dtype=float)
    value, gradient, hessian = function(point)
    for iteration in range(ITERATIONS):
        if not (np.isfinite(value) and np.isfinite(gradient).all() and np.isfinite(hessian).all()):
            return Maximum(point, value, gradient, hessian, iteration, False)
        step = _uphill(gradient, hessian)
        promised = float(gradient @ step) / 2
        if promised < tolerance:
            return Maximum(point, value, gradient, hessian, iteration, True)
        for halving in range(HALVINGS):
            there = point + step / 2**halving
            found = function(there)
            if np.isfinite(found[0]) and found[0] >= value + 1e-4 * promised / 2**halving - NOISE * abs(value):
                break
        else:
            return Maximum(point, value, gradient, hessian, iteration, False)
        point, (value, gradient, hessian) = there, found
    return Maximum(point, value, gradient, hessian, ITERATIONS, False)


def _uphill(gradient: np.ndarray, hessian: np.ndarray) -> np.ndarray:
    curvature, directions = np.linalg.eigh(-hessian)
    curvature = np.maximum(np.abs(curvature), 1e-12 * max(float(np.abs(curvature).max()), 1e-300))
    step = directions @ ((directions.T @ gradient) / curvature)
    return step / max(1.0, float(np.abs(step).max()) / STEP)
