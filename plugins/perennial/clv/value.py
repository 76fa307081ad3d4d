"""Customer lifetime value: the orders to come times what an order is worth, with an interval.

CLV over h days = P(alive) * D(h; x, T) * E[value | n, z] * margin, D the discounted A of predict.py. Orders and values
are independent (spend.py), so given alive the undiscounted total S has E[S] = A E[value] and

    E[S^2] / E[S]^2 = (A (1 + 1/p) + E[N(N-1)]) / A^2 * (q'-1) / (q'-2),   q' = q + pn.

S is zero unless an order comes, with probability P(alive) * P(N >= 1 | alive); given one comes S is taken as
log-normal with these two moments. Discounting and margin scale it. Its normal quantile is Tukey's lambda
(u^.135 - (1-u)^.135) / .1975 (Joiner, Rosenblatt 1971, J. Am. Statistical Association 66(334)), off by less than .01
between 1 and 99 %: plain arithmetic, that SQL repeats to the last digit.
"""

import numpy as np

from perennial.clv.spend import Spend

LEAST_Q = 2.1  # the variance of a value has a pole at q' = 2


def clv(alive: np.ndarray, discounted: np.ndarray, value: np.ndarray, margin: float = 1.0) -> np.ndarray:
    """Expected value of the orders of the horizon, shape (n,), currency; `margin` is the share that is earned."""
    return alive * discounted * value * margin


def spread(spend: Spend, n: np.ndarray, orders: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """E[S^2] / E[S]^2 given alive, shape (n,); n orders of value known, A = orders, E[N(N-1)] = pairs."""
    q = np.maximum(spend.q + spend.p * np.asarray(n, dtype=float), LEAST_Q)
    return (orders * (1 + 1 / spend.p) + pairs) / orders**2 * (q - 1) / (q - 2)


def clv_quantile(
    expected: np.ndarray, spread: np.ndarray, some: np.ndarray, alive: np.ndarray, level: float
) -> np.ndarray:
    """The quantile of CLV, shape (n,), currency; `expected` from clv, `some` = P(N >= 1 | alive)."""
    comes = alive * some
    with np.errstate(divide="ignore", invalid="ignore"):
        below = 1 - (1 - level) / comes  # the same level among those who order
        variance = np.log(np.maximum(spread * some, 1))
        found = expected / comes * np.exp(np.sqrt(variance) * _normal(np.maximum(below, 0)) - variance / 2)
    return np.where(below > 0, found, 0.0)


def _normal(u: np.ndarray) -> np.ndarray:
    return (u**0.135 - (1 - u) ** 0.135) / 0.1975
