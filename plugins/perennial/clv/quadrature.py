"""Expectations over p ~ Beta(a, c), to eight digits whatever the parameters.

Usual case: Gauss quadrature, nodes and weights from the eigenvalues and eigenvectors of the Jacobi matrix (Golub and
Welsch 1969, Mathematics of Computation 23(106); recurrence: Abramowitz, Stegun 22.7.1, shifted to [0, 1]). Weights add
up to 1, so no Beta function is evaluated and nothing overflows. The number of nodes is doubled until two rules agree.

Where they never do (horizons much longer than the time watched, where functions of 1 + z p have a pole close to 0): the
trapezoidal rule over s = log(p / (1-p)). There the poles lie at Im s = pi for every z, so it converges geometrically
(Trefethen, Weideman 2014, SIAM Review 56(3)). The chord of the function over [0, 1] is integrated exactly and taken
off first; what remains vanishes at both ends, even where Beta(a, c) has nearly all its mass there.
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from scipy.linalg import eigh_tridiagonal
from scipy.special import betaln

NODES = (8, 16, 32, 64)
AGREE = 1e-8  # the error of the longer rule is about the square of this
SMALLEST = 1e-290  # as a -> 0 nodes sink below what floating point can hold
ROWS = 4096  # as many rows at once as fit the processor's cache
DECAY = 40.0  # exp(-40) is nothing

# f(p, r, z), broadcasting; finite at p = SMALLEST, where it returns its limit
Function = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def expectation(function: Function, a: float, c: np.ndarray, r: np.ndarray, z: np.ndarray) -> np.ndarray:
    """E[function(p, r, z)] over p ~ Beta(a, c) for each row; c, r, z and the result have shape (n,)."""
    unique, which = np.unique(c, return_inverse=True)
    if a == 0:
        return _gauss(function, beta_nodes(a, unique, 1), which, r, z)
    found = _gauss(function, beta_nodes(a, unique, NODES[0]), which, r, z)
    rows = np.arange(len(r))
    for nodes in NODES[1:]:
        longer = _gauss(function, beta_nodes(a, unique, nodes), which[rows], r[rows], z[rows])
        with np.errstate(invalid="ignore"):
            agree = np.abs(longer - found[rows]) <= AGREE * np.abs(longer)
        found[rows] = longer
        rows = rows[~agree]
        if not rows.size:
            return found
    for row in rows:
        found[row] = _trapezoid(function, a, float(c[row]), r[row], z[row])
    return found


def beta_nodes(a: float, c: np.ndarray, nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes in (0, 1] and weights for Beta(a, c), both of shape (len(c), nodes); a = 0 is a point mass at zero."""
    if a == 0:
        return np.full((len(c), 1), SMALLEST), np.ones((len(c), 1))
    rules = [_rule(a, float(one), nodes) for one in c]
    return np.array([points for points, _ in rules]), np.array([weights for _, weights in rules])


@lru_cache(maxsize=8192)
def _rule(a: float, c: float, nodes: int) -> tuple[np.ndarray, np.ndarray]:
    points, vectors = eigh_tridiagonal(*_recurrence(a, c, nodes))
    weights = vectors[0] ** 2
    return np.clip(points, SMALLEST, 1), weights / weights.sum()


def _recurrence(a: float, c: float, nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """Diagonal (nodes,) and off-diagonal (nodes-1,) of the Jacobi matrix of p^(a-1) (1-p)^(c-1) on [0, 1]."""
    k = np.arange(1, nodes, dtype=float)
    s = 2 * k + a + c
    diagonal = np.empty(nodes)
    diagonal[0] = a / (a + c)
    diagonal[1:] = (2 * k * (k + a + c - 1) + a * (a + c - 2)) / (s * (s - 2))
    square = k * (k + a - 1) * (k + c - 1) * (k + a + c - 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        square /= (s - 1) * (s - 2) ** 2 * (s - 3)
    square[0] = a * c / ((a + c) ** 2 * (a + c + 1))  # the variance; the formula is 0/0 for a + c = 1
    return diagonal, np.sqrt(square)


def _gauss(function: Function, rule: tuple[np.ndarray, np.ndarray], which: np.ndarray, r, z) -> np.ndarray:
    points, weights = rule
    found = np.empty(len(r))
    for start in range(0, len(r), ROWS):
        rows = slice(start, start + ROWS)
        values = function(points[which[rows]], r[rows, None], z[rows, None])
        found[rows] = np.einsum("ij,ij->i", weights[which[rows]], values)
    return found


def _trapezoid(function: Function, a: float, c: float, r: float, z: float) -> float:
    ends = np.array([SMALLEST, 1.0])
    at_0, at_1 = function(ends, np.float64(r), np.float64(z))
    step = min(0.25, 0.5 * np.sqrt(1 / a + 1 / c))
    peak = np.log(a / c)
    low = min(-np.log1p(r * z), peak) - DECAY / (1 + a) - 9 / np.sqrt(1 + a)
    high = max(0.0, peak) + DECAY / (1 + c) + 9 / np.sqrt(1 + c)
    s = np.arange(low, high, step)
    log_p, log_1_p = -np.logaddexp(0, -s), -np.logaddexp(0, s)
    p = np.exp(log_p)
    rest = function(np.maximum(p, SMALLEST), np.float64(r), np.float64(z)) - at_0 * np.exp(log_1_p) - at_1 * p
    weights = step * np.exp(a * log_p + c * log_1_p - betaln(a, c))
    return float(at_0 * c / (a + c) + at_1 * a / (a + c) + weights @ rest)
