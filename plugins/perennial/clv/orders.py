"""The log-likelihood of BG/NBD and MBG/NBD with analytic derivatives.

Orders come at a rate lambda ~ Gamma(shape r, rate alpha) until the customer drops out; after an order she does so with
probability p ~ Beta(a, b). In BG/NBD (Fader, Hardie, Lee 2005, Marketing Science 24(2), equation 6) only repeat orders
can be the last one, in MBG/NBD (Batislam, Denizel, Filiztekin 2007, Int. J. of Research in Marketing 24(3)) the first
one can be as well. Write m = 0 for BG, 1 for MBG and c = b + x + m. Both likelihoods are

    Gamma(r+x) alpha^r / Gamma(r) * B(a, c) / B(a, b) * (alpha+T)^-(r+x) * (1 + D),
    D = a / (c-1) * ((alpha+T) / (alpha+t_x))^(r+x), the odds of having dropped out; D = 0 for BG with x = 0,

so P(alive | x, t_x, T) = 1 / (1 + D). With l = log D the last factor is softplus(l), whose derivatives need s = P(dead)
only. Parameters are (r, alpha, a, b), alpha in days; derivatives are by their logarithms.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import betaln, digamma, gammaln, polygamma

from perennial.clv.cells import Cells

MODELS = ("bg", "mbg")
BLOCK = 1 << 13  # cells
SMALL = 100_000  # days or orders


@dataclass(frozen=True)
class Parameters:
    """(r, alpha, a, b), alpha in days; a = 0 means that nobody drops out."""

    r: float
    alpha: float
    a: float
    b: float

    def usable(self) -> bool:
        """Whether all are finite and positive; a may be 0."""
        finite = np.isfinite([self.r, self.alpha, self.a, self.b]).all()
        return bool(finite) and min(self.r, self.alpha, self.b) > 0 and self.a >= 0

    def logs(self) -> np.ndarray:
        """Their logarithms, shape (4,)."""
        return np.log([self.r, self.alpha, self.a, self.b])


def survivals(model: str) -> int:
    """m: how many chances to drop out come before the first repeat order."""
    return {"bg": 0, "mbg": 1}[model]


def log_odds_dead(model: str, p: Parameters, x: np.ndarray, t_x: np.ndarray, T: np.ndarray) -> np.ndarray:
    """log D of histories, shape (n,); -inf where a customer cannot have dropped out."""
    m = survivals(model)
    with np.errstate(divide="ignore"):
        found = np.log(p.a) - np.log(np.maximum(p.b + x + m - 1, 1e-300))
    found = found + (p.r + x) * (np.log(p.alpha + T) - np.log(p.alpha + t_x))
    return np.where((x > 0) | (m == 1), found, -np.inf)


class LogLikelihood:
    """The log-likelihood of cells; call it with log-parameters of shape (4,).

    All but D depends on x alone or T alone, so it is summed over the few unique values of each; logarithms are looked
    up by day. One call costs about a dozen passes over the cells.
    """

    def __init__(self, model: str, cells: Cells):
        self.m = survivals(model)
        self.xs, x_of = _index(cells.x)
        self.days, day_of = _index(np.concatenate([cells.T, cells.t_x]))
        T_of, t_of = np.split(day_of, 2)
        self.count_x = np.bincount(x_of, cells.count, len(self.xs))
        self.count_T = np.bincount(T_of, cells.count, len(self.days))
        self.orders_T = np.bincount(T_of, cells.count * cells.x, len(self.days))
        can = np.full(len(cells.x), True) if self.m else cells.x > 0
        self.x_of, self.T_of, self.t_of = x_of[can], T_of[can], t_of[can]
        self.x, self.count = cells.x[can], cells.count[can]

    def __call__(self, logs: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Value, gradient (4,) and Hessian (4, 4) by log-parameters."""
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            theta = np.exp(logs)
            alive = self._alive(*theta)
            dead = self._dead(*theta)
        value, gradient, hessian = (one + other for one, other in zip(alive, dead, strict=True))
        gradient = theta * gradient
        return float(value), gradient, np.outer(theta, theta) * hessian + np.diag(gradient)

    def _alive(self, r: float, alpha: float, a: float, b: float) -> tuple[float, np.ndarray, np.ndarray]:
        """Everything before 1 + D, by the parameters themselves."""
        x, n, N = self.xs, self.count_x, self.count_x.sum()
        c = b + x + self.m
        shape = r * self.count_T + self.orders_T  # summed r + x by T
        later = 1 / (alpha + self.days)
        value = n @ (gammaln(r + x) - gammaln(r) + betaln(a, c) - betaln(a, b))
        value += N * r * np.log(alpha) + shape @ np.log(later)
        gradient = np.array(
            [
                n @ (digamma(r + x) - digamma(r)) + N * np.log(alpha) + self.count_T @ np.log(later),
                N * r / alpha - shape @ later,
                n @ (digamma(a + b) - digamma(a + c)),
                n @ (digamma(c) - digamma(b) - digamma(a + c) + digamma(a + b)),
            ]
        )
        hessian = np.zeros((4, 4))
        hessian[0, 0] = n @ (polygamma(1, r + x) - polygamma(1, r))
        hessian[0, 1] = hessian[1, 0] = N / alpha - self.count_T @ later
        hessian[1, 1] = shape @ later**2 - N * r / alpha**2
        hessian[2, 2] = hessian[2, 3] = hessian[3, 2] = n @ (polygamma(1, a + b) - polygamma(1, a + c))
        hessian[3, 3] = hessian[2, 2] + n @ (polygamma(1, c) - polygamma(1, b))
        return float(value), gradient, hessian

    def _dead(self, r: float, alpha: float, a: float, b: float) -> tuple[float, np.ndarray, np.ndarray]:
        """log(1 + D), by the parameters themselves; cells in blocks that stay in the processor's cache."""
        log, inverse = np.log(alpha + self.days), 1 / (alpha + self.days)
        by_b = -1 / (b + self.xs + self.m - 1)
        constant = np.log(a) + np.log(-by_b)
        value, gradient, hessian = 0.0, np.zeros(4), np.zeros((4, 4))
        for start in range(0, len(self.x), BLOCK):
            part = slice(start, start + BLOCK)
            count, x_of, T_of, t_of = self.count[part], self.x_of[part], self.T_of[part], self.t_of[part]
            shape, late, soon = r + self.x[part], inverse[T_of], inverse[t_of]
            v = late - soon
            slopes = np.empty((4, len(shape)))
            slopes[0] = log[T_of] - log[t_of]
            slopes[1] = shape * v
            slopes[2] = 1 / a
            slopes[3] = by_b[x_of]
            odds = constant[x_of] + shape * slopes[0]
            small = np.exp(-np.abs(odds))
            s = count * np.where(odds >= 0, 1.0, small) / (1 + small)
            value += count @ (np.maximum(odds, 0) + np.log1p(small))
            gradient += slopes @ s
            hessian += (slopes * (count * small / (1 + small) ** 2)) @ slopes.T
            cross, bend = s @ v, s @ (slopes[1] * (late + soon))
            hessian[[0, 1, 1], [1, 0, 1]] += [cross, cross, -bend]
            hessian[3, 3] += s @ slopes[3] ** 2
        hessian[2, 2] -= gradient[2] / a
        return float(value), gradient, hessian


def _index(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(a table that holds every value, where each stands in it); without sorting when they are small whole numbers."""
    if len(values) and values.max() < SMALL:
        whole = values.astype(np.intp)
        if (whole == values).all():
            return np.arange(whole.max() + 1.0), whole
    return np.unique(values, return_inverse=True)
