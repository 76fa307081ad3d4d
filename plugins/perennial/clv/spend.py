"""Gamma-Gamma: what an order of a customer is worth.

Fader and Hardie (2013), "The Gamma-Gamma model of monetary value", note 025. Order values are Gamma(shape p, rate nu),
nu ~ Gamma(shape q, rate v) across customers, independent of how often they order. For n orders of mean z,

    log L = lnGamma(pn+q) - lnGamma(pn) - lnGamma(q) + q ln v + (pn-1) ln z + pn ln n - (pn+q) ln(v + nz)  (equation 1a)
    E[value | n, z] = p (v + nz) / (pn + q - 1)                                                            (equation 5)

Orders are all of a customer's (n = x + 1, the default: it ranks future spend better) or the repeats only (n = x, as in
the literature). Orders worth nothing or less say nothing about value; whoever makes the cells drops and counts them.
Where no maximum is usable the shrunken mean takes over: p, q, v by moments, for the same formula, since
E = (k * mean + n z) / (k + n) with k = (q-1)/p and mean = pv/(q-1).
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import digamma, gammaln, polygamma

from perennial.clv.newton import Maximum, maximise

LEAST_Q = 1.1  # E has a pole at q = 1
MLE_BUYERS = 200
STEADY = 1e-4  # below this coefficient of variation, and above the p that goes with it, the price is one price
MOST_P = 1e4
DEFAULT_WEIGHT, LEAST_WEIGHT, MOST_WEIGHT = 2.0, 0.5, 20.0  # k, in orders
TAIL = 0.99  # the shrunken mean is measured on values cut at this quantile, or one order could decide it
BOX = np.log(1e4)


@dataclass(frozen=True)
class SpendCells:
    """Customers with orders of value; parallel arrays of shape (cells,). `mean` is their mean order value, > 0."""

    n: np.ndarray
    mean: np.ndarray
    count: np.ndarray
    dropped: int = 0  # orders without value

    @property
    def customers(self) -> float:
        """How many customers the cells hold."""
        return float(self.count.sum())


@dataclass(frozen=True)
class Spend:
    """Parameters of Gamma-Gamma, v in currency; p = 0 at level none, where nobody's orders have a value."""

    level: str  # gamma_gamma, shrunken_mean, none
    status: str  # ok, few_buyers, not_converged, at_bound, heavy_tail, constant_value, no_values
    p: float = 0.0
    q: float = 0.0
    v: float = 0.0
    loglik: float | None = None
    converged: bool = False
    iterations: int = 0
    customers: int = 0
    dropped: int = 0

    def mean(self) -> float:
        """The mean order value of all customers, and of one about whom nothing is known."""
        return self.p * self.v / (self.q - 1) if self.p else np.nan


def spend_cells(n: np.ndarray, mean: np.ndarray, count: np.ndarray | None = None, dropped: int = 0) -> SpendCells:
    """Cells of customers with n > 0 orders of finite positive mean; the others are left out."""
    n, mean = np.asarray(n, dtype=float), np.asarray(mean, dtype=float)
    count = np.ones(len(n)) if count is None else np.asarray(count, dtype=float)
    with np.errstate(invalid="ignore"):
        kept = (n > 0) & (mean > 0) & np.isfinite(n * mean) & (count > 0)
    return SpendCells(n[kept], mean[kept], count[kept], dropped)


def expected_value(spend: Spend, n: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """E[value of an order | n orders of this mean], shape (n,), currency; n = 0 gives the mean of all customers."""
    n = np.asarray(n, dtype=float)
    total = np.where(n > 0, n * np.where(n > 0, mean, 0), 0)
    if spend.level == "none":
        return np.full(total.shape, np.nan)
    return spend.p * (spend.v + total) / (spend.p * n + spend.q - 1)


def fit_spend(cells: SpendCells) -> Spend:
    """Fit Gamma-Gamma, or the shrunken mean where that cannot be trusted; never an exception."""
    if cells.customers == 0:
        return Spend("none", "no_values", dropped=cells.dropped)
    known = Spend("shrunken_mean", "ok", customers=int(cells.customers), dropped=cells.dropped)
    shrunken = _shrunken(known, cells)
    if shrunken.p >= MOST_P:
        return replace(shrunken, status="constant_value")
    if cells.customers < MLE_BUYERS:
        return replace(shrunken, status="few_buyers")
    scale = float(np.exp(np.average(np.log(cells.mean), weights=cells.count)))
    found = maximise(SpendLogLikelihood(cells, scale), np.log([2.0, 3.0, 2.0]))
    p, q, v = (float(one) for one in np.exp(found.point))
    status = _trouble(found, q)
    if status != "ok":
        return replace(shrunken, status=status)
    return replace(
        known,
        level="gamma_gamma",
        p=p,
        q=q,
        v=v * scale,
        loglik=found.value - cells.customers * float(np.log(scale)),
        converged=True,
        iterations=found.iterations,
    )


def _trouble(found: Maximum, q: float) -> str:
    if q <= LEAST_Q:
        return "heavy_tail"
    if (np.abs(found.point) > BOX).any():
        return "at_bound"
    return "ok" if found.converged else "not_converged"


def _shrunken(known: Spend, cells: SpendCells) -> Spend:
    """Moments: the variance of a customer's mean is between + within / n, seen at n = 1 and at n >= 2."""
    order = np.argsort(cells.mean)
    reached = np.searchsorted(np.cumsum(cells.count[order]), TAIL * cells.customers)
    z = np.minimum(cells.mean, cells.mean[order[min(reached, len(order) - 1)]])
    mean = float(np.average(z, weights=cells.count * cells.n))
    weight, within = DEFAULT_WEIGHT, float(np.average((z - mean) ** 2, weights=cells.count))
    single = cells.n == 1
    if within > (STEADY * mean) ** 2 and cells.count[single].sum() >= 20 and cells.count[~single].sum() >= 20:
        one, many = (_variance(z[group], cells.count[group]) for group in (single, ~single))
        share = 1 - float(np.average(1 / cells.n[~single], weights=cells.count[~single]))
        within = float(np.clip((one - many) / share, 0.02 * one, 0.98 * one))
        weight = float(np.clip(within / max(one - within, 1e-300), LEAST_WEIGHT, MOST_WEIGHT))
    p = MOST_P if within <= (STEADY * mean) ** 2 else min(mean**2 / within, MOST_P)
    return replace(known, p=p, q=1 + weight * p, v=weight * mean)


def _variance(z: np.ndarray, count: np.ndarray) -> float:
    return float(np.average((z - np.average(z, weights=count)) ** 2, weights=count))


class SpendLogLikelihood:
    """The log-likelihood of cells, values in units of `scale`; call it with log (p, q, v), shape (3,)."""

    def __init__(self, cells: SpendCells, scale: float = 1.0):
        self.n, self.z, self.count = cells.n, cells.mean / scale, cells.count
        self.ns, self.n_of = np.unique(cells.n, return_inverse=True)
        self.count_n = np.bincount(self.n_of, self.count, len(self.ns))
        self.customers = cells.customers
        self.log_z = float(self.count @ np.log(self.z))
        self.n_log_total = float(self.count @ (self.n * np.log(self.n * self.z)))

    def __call__(self, logs: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Value, gradient (3,) and Hessian (3, 3) by log-parameters."""
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            theta = np.exp(logs)
            p, q, v = theta
            n, w, N = self.ns, self.count_n, self.customers
            log, inverse = np.log(v + self.n * self.z), 1 / (v + self.n * self.z)
            shape = p * self.n + q
            value = w @ (gammaln(p * n + q) - gammaln(p * n)) + N * (q * np.log(v) - gammaln(q))
            value += p * self.n_log_total - self.log_z - self.count @ (shape * log)
            gradient = np.array(
                [
                    w @ (n * (digamma(p * n + q) - digamma(p * n))) + self.n_log_total - self.count @ (self.n * log),
                    w @ digamma(p * n + q) + N * (np.log(v) - digamma(q)) - self.count @ log,
                    N * q / v - self.count @ (shape * inverse),
                ]
            )
            hessian = np.zeros((3, 3))
            hessian[0, 0] = w @ (n**2 * (polygamma(1, p * n + q) - polygamma(1, p * n)))
            hessian[0, 1] = hessian[1, 0] = w @ (n * polygamma(1, p * n + q))
            hessian[0, 2] = hessian[2, 0] = -self.count @ (self.n * inverse)
            hessian[1, 1] = w @ polygamma(1, p * n + q) - N * polygamma(1, q)
            hessian[1, 2] = hessian[2, 1] = N / v - self.count @ inverse
            hessian[2, 2] = self.count @ (shape * inverse**2) - N * q / v**2
        gradient = theta * gradient
        return float(value), gradient, np.outer(theta, theta) * hessian + np.diag(gradient)
