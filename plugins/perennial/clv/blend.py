"""A model mixed with the recent rate.

With probability `share` a customer's future is what her recent days alone say, else what the model says. So chances
and moments are averages of the two; quantiles are those of the mixed distribution, not averages. The recent rate never
ends, hence whether she is alive, and when the next order comes, is asked of the model alone.
"""

from dataclasses import dataclass

import numpy as np

from perennial.clv import predict
from perennial.clv.expectation import FLOOR, Columns, Histories, at_horizon, observed
from perennial.clv.fit import Fit
from perennial.clv.predict import INTERVAL, NEXT_ORDER
from perennial.clv.spend import Spend, expected_value
from perennial.clv.value import clv_quantile, spread


@dataclass(frozen=True)
class _Part:
    """What one of the two says of n customers; `weight` is its share times P(alive), shape (n,) like all others."""

    weight: np.ndarray
    orders: np.ndarray
    discounted: np.ndarray
    pairs: np.ndarray
    first: np.ndarray  # P(N >= 1 | alive)
    first_remembered: np.ndarray  # the same within the memory, for intervals
    survival: np.ndarray  # the arrays of orders_survival, one after the other, and a zero
    start: np.ndarray  # where hers begins
    length: np.ndarray

    def at_least(self, n: np.ndarray) -> np.ndarray:
        """P(N >= n) times the share, n >= 1; what is below the floor of survival is none."""
        place = np.where(n <= self.length, self.start + n - 1, len(self.survival) - 1)
        return self.weight * self.survival[place]


def blended(
    fit: Fit, recent: Fit, share: float, spend: Spend, histories: Histories, horizon: int, rate: float, margin: float
) -> Columns:
    """The columns of score for histories that can have happened, 0 < share < 1; `recent` is of level recent_rate."""
    x, t_x, T = observed(fit, histories)
    alive = predict.p_alive(fit.model, fit.parameters, x, t_x, T)
    parts = [
        _part(fit, (1 - share) * alive, x, T, horizon, rate),
        _part(recent, np.full(len(x), share), *observed(recent, histories)[::2], horizon, rate),
    ]

    def mixed(name: str) -> np.ndarray:
        return sum(part.weight * getattr(part, name) for part in parts)

    value, orders = expected_value(spend, histories.valued, histories.mean), mixed("orders")
    found = {
        "p_alive": alive,
        "p_no_order": 1 - mixed("first"),
        "exp_orders": orders,
        "order_value": value,
        "clv": mixed("discounted") * value * margin,
    }
    for name, level in INTERVAL.items():
        found[f"exp_orders_{name}"] = _quantile(parts, level)
    if spend.level != "none":
        ratio, comes = spread(spend, histories.valued, orders, mixed("pairs")), mixed("first_remembered")
        for name, level in INTERVAL.items():
            found[f"clv_{name}"] = clv_quantile(found["clv"], ratio, comes, np.ones(len(x)), level)
    for name, level in NEXT_ORDER.items():
        found[f"next_order_days_{name}"] = predict.next_order_days(fit.parameters, alive, x, T, level)
    return found


def _part(fit: Fit, weight: np.ndarray, x: np.ndarray, T: np.ndarray, horizon: int, rate: float) -> _Part:
    pairs, which = np.unique(np.column_stack([x, T]), axis=0, return_inverse=True)
    table = at_horizon(fit, pairs[:, 0], pairs[:, 1], float(horizon), rate)
    arrays = predict.orders_survival(
        fit.model, fit.parameters, pairs[:, 0], pairs[:, 1], horizon, fit.memory, floor=FLOOR
    )
    length = np.array([len(one) for one in arrays])
    return _Part(
        weight=weight,
        orders=table["orders"][which],
        discounted=table["discounted"][which],
        pairs=table["pairs"][which],
        first=predict.p_first_order(fit.parameters, x, T, horizon),
        first_remembered=predict.p_first_order(fit.parameters, x, T, horizon, fit.memory),
        survival=np.concatenate([*arrays, [0.0]]),
        start=(np.cumsum(length) - length)[which],
        length=length[which],
    )


def _quantile(parts: list[_Part], level: float) -> np.ndarray:
    """How many n >= 1 have P(N >= n) > 1 - level, shape (n,), whole numbers; by bisection, since it descends."""
    low = np.zeros(len(parts[0].weight), dtype=int)
    high = np.maximum(*(part.length for part in parts))
    while (low < high).any():
        middle = (low + high + 1) // 2
        more = sum(part.at_least(np.maximum(middle, 1)) for part in parts) > 1 - level
        low, high = np.where(more & (low < high), middle, low), np.where(more, high, np.maximum(middle - 1, low))
    return low.astype(float)
