"""What a BG/NBD or MBG/NBD customer will do next.

Given that she is alive at T, her rate is Gamma(r', alpha') and her p is Beta(a, c), independent of each other, with
r' = r + x, alpha' = alpha + T, c = b + x + m (orders.py). With z = h / alpha' for a horizon of h days, N orders in it,
and 1 - p the chance to survive an order (Fader, Hardie, Lee 2005, equations 9 and 10, with their 2F1 left as the
integral over p):

    A(h; x, T) = E[N | alive]       = E_p[(1 - (1 + z p)^-r') / p]
                 E[N(N-1) | alive]  = 2 E_p[(1-p) / p^2 * I_{zp/(1+zp)}(2, r')]
                 P(N >= n | alive)  = B(a, c+n-1) / B(a, c) * I_{z/(1+z)}(n, r'), n = 1, 2, ...

I is the regularised incomplete beta function. Unconditional figures are P(alive) times these. A new customer has
x = t_x = T = 0.

The models believe that a rate lasts for ever, so after years they are too sure of it. `memory` caps the evidence on a
rate, alpha', at so many days, and r' in proportion: the mean stays, the spread grows. Only intervals take it
(memory.py measures it); with the default, infinity, everything is as the models say.

All arguments are arrays of shape (n,) or scalars, times in days; nothing returns NaN for histories that cells.valid
accepts.
"""

import numpy as np
from scipy.special import betainc, betaln, expit

from perennial.clv.orders import Parameters, log_odds_dead, survivals
from perennial.clv.quadrature import expectation

NEVER_AFTER = 3650  # days; a next order expected later than in ten years is none
MOST_ORDERS = 1 << 20
INTERVAL = {"p10": 0.1, "p50": 0.5, "p90": 0.9}  # the quantiles published, of orders and of value
NEXT_ORDER = {"p25": 0.25, "p50": 0.5, "p75": 0.75}


def p_alive(model: str, p: Parameters, x, t_x, T) -> np.ndarray:
    """P(alive | x, t_x, T): she has not dropped out by T."""
    return expit(-log_odds_dead(model, p, *_floats(x, t_x, T)))


def p_no_order(alive: np.ndarray, p: Parameters, x, T, h) -> np.ndarray:
    """P(no order in the next h days), from P(alive): the churn probability to publish."""
    return 1 - alive * p_first_order(p, x, T, h)


def p_first_order(p: Parameters, x, T, h, memory: float = np.inf) -> np.ndarray:
    """P(N >= 1 | alive) = 1 - (1 + z)^-r'."""
    r, z = _rate(p, x, T, h, memory)
    return -np.expm1(-r * np.log1p(z))


def alive_orders(model: str, p: Parameters, x, T, h) -> np.ndarray:
    """A(h; x, T), the orders expected in the next h days from somebody alive."""
    return expectation(_orders, p.a, *_posterior(model, p, x, T, h, np.inf))


def alive_pairs(model: str, p: Parameters, x, T, h, memory: float = np.inf) -> np.ndarray:
    """E[N(N-1) | alive], the second factorial moment."""
    return expectation(_pairs, p.a, *_posterior(model, p, x, T, h, memory))


def alive_discounted(model: str, p: Parameters, x, T, h, orders: np.ndarray, rate: float, nodes: int = 5) -> np.ndarray:
    """The orders A(h), `orders`, each discounted from its day to T at `rate` per year of 365 days.

    With force d per day, the integral of exp(-d s) dA(s) = exp(-d h) A(h) + d * integral of exp(-d s) A(s) ds, the
    latter by Gauss-Legendre quadrature: A is smooth and the term is small.
    """
    x, T, h = np.broadcast_arrays(*_floats(x, T, h))
    force = np.log1p(rate) / 365
    if rate == 0:
        return orders
    found = np.exp(-force * h) * orders
    for point, weight in zip(*np.polynomial.legendre.leggauss(nodes), strict=True):
        s = h * (point + 1) / 2
        found = found + force * weight * h / 2 * np.exp(-force * s) * alive_orders(model, p, x, T, s)
    return found


def alive_at_least(model: str, p: Parameters, x, T, h, n, memory: float = np.inf) -> np.ndarray:
    """P(N >= n | alive) for n >= 1, broadcasting."""
    x, n = _floats(x, n)
    r, z = _rate(p, x, T, h, memory)
    arrives = betainc(n, r, z / (1 + z))
    if p.a == 0:
        return arrives
    c = p.b + x + survivals(model)
    return arrives * np.exp(betaln(p.a, c + n - 1) - betaln(p.a, c))


def orders_quantile(model: str, p: Parameters, alive, x, T, h, level: float, memory: float = np.inf) -> np.ndarray:
    """The smallest n with P(N <= n) >= level, shape (n,), whole numbers; by bisection."""
    alive, x, T, h = np.broadcast_arrays(*_floats(alive, x, T, h))
    low, high = np.zeros(x.shape), np.zeros(x.shape)

    def exceeds(n: np.ndarray, rows: np.ndarray) -> np.ndarray:
        return alive[rows] * alive_at_least(model, p, x[rows], T[rows], h[rows], n + 1, memory) > 1 - level

    growing = np.arange(x.size)
    while growing.size:
        growing = growing[exceeds(high[growing], growing) & (high[growing] < MOST_ORDERS)]
        low[growing], high[growing] = high[growing] + 1, 2 * high[growing] + 1
    while (rows := np.flatnonzero(low < high)).size:
        middle = np.floor((low[rows] + high[rows]) / 2)
        more = exceeds(middle, rows)
        low[rows] = np.where(more, middle + 1, low[rows])
        high[rows] = np.where(more, high[rows], middle)
    return low


def orders_survival(model: str, p: Parameters, x, T, h, memory: float = np.inf, floor: float = 0.1) -> list[np.ndarray]:
    """P(N >= k | alive), k = 1, 2, ... as long as it exceeds `floor`: one descending array per row.

    A quantile of orders at `level` <= 1 - floor is the number of its elements that, times P(alive), exceed 1 - level.
    """
    x, T, h = np.broadcast_arrays(*(np.atleast_1d(column) for column in _floats(x, T, h)))
    length = orders_quantile(model, p, np.ones(x.shape), x, T, h, 1 - floor, memory).astype(int)
    row = np.repeat(np.arange(x.size), length)
    n = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length) + 1
    found = alive_at_least(model, p, x[row], T[row], h[row], n, memory)
    return np.split(found, np.cumsum(length)[:-1])


def next_order_days(p: Parameters, alive, x, T, level: float) -> np.ndarray:
    """Days from T until her next order comes with probability `level`, given the silence so far, shape (n,).

    Whole days, at least 1. NaN says never: the probability that another order comes at all, or within ten years, is
    below `level`.
    """
    alive, x, T = np.broadcast_arrays(*_floats(alive, x, T))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        share = level / alive
        days = (p.alpha + T) * np.expm1(-np.log1p(-share) / (p.r + x))
        days = np.maximum(np.ceil(days - 1e-9), 1)
    return np.where((share < 1) & (days <= NEVER_AFTER), days, np.nan)


def _floats(*columns) -> tuple[np.ndarray, ...]:
    return tuple(np.asarray(column, dtype=float) for column in columns)


def _rate(p: Parameters, x, T, h, memory: float) -> tuple[np.ndarray, np.ndarray]:
    """(r', z), broadcasting."""
    x, T, h = _floats(x, T, h)
    seen = p.alpha + T
    kept = np.minimum(1.0, memory / seen)
    return kept * (p.r + x), h / (kept * seen)


def _posterior(model: str, p: Parameters, x, T, h, memory: float) -> tuple[np.ndarray, ...]:
    """(c, r', z), each of shape (n,)."""
    x, T, h = np.broadcast_arrays(*(np.atleast_1d(column) for column in _floats(x, T, h)))
    return p.b + x + survivals(model), *_rate(p, x, T, h, memory)


def _orders(p: np.ndarray, r: np.ndarray, z: np.ndarray) -> np.ndarray:
    return -np.expm1(-r * np.log1p(z * p)) / p


def _pairs(p: np.ndarray, r: np.ndarray, z: np.ndarray) -> np.ndarray:
    """2 (1-p) z^2 g(y) / y^2 with y = z p, g(y) = 1 - (1+y)^-r - r y (1+y)^-(r+1), by its series where y is small."""
    y = z * p
    small = (r + 3) * y < 1e-3
    series = r * (r + 1) / 2 * (1 - (r + 2) * y * (2 / 3 - (r + 3) * y / 4))
    wide = np.where(small, 1.0, y)
    power = np.exp(-r * np.log1p(wide))
    closed = (-np.expm1(-r * np.log1p(wide)) - r * wide / (1 + wide) * power) / wide**2
    return 2 * (1 - p) * z**2 * np.where(small, series, closed)
