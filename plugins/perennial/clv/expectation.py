"""What to expect of somebody alive: the small tables that SQL scores everybody with.

At level recent_rate a customer is her recent history: x orders after the first within the window, T days of it
watched. `observed` makes that replacement; everything after it is the same for all levels.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perennial.clv import predict
from perennial.clv.fit import Fit

Columns = dict[str, np.ndarray]
FLOOR = 0.001  # the least P(N >= k) in a table: a mixture asks for 10 % of the whole, which is more than that of a part
HORIZONS = (30, 90, 365)


@dataclass(frozen=True)
class Histories:
    """Customers to score; arrays of shape (n,), times in days, values in currency."""

    x: np.ndarray
    t_x: np.ndarray
    T: np.ndarray
    valued: np.ndarray  # orders with a value, of those Gamma-Gamma was fitted on
    mean: np.ndarray  # of these; anything where there are none
    recent: np.ndarray | None = None  # orders after the first within the fit's window; without it x

    def where(self, rows: np.ndarray) -> "Histories":
        """The customers for which `rows`, shape (n,), is true."""
        columns = (self.x, self.t_x, self.T, self.valued, self.mean, self.recent)
        return Histories(*(None if one is None else np.asarray(one, dtype=float)[rows] for one in columns))


def observed(fit: Fit, histories: Histories) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(x, t_x, T) as the fit's level sees them."""
    if fit.level != "recent_rate":
        return histories.x, histories.t_x, histories.T
    recent = histories.x if histories.recent is None else histories.recent
    return recent, np.zeros(len(histories.T)), np.minimum(histories.T, fit.window)


def alive_expectation(
    fit: Fit, x: np.ndarray, T: np.ndarray, horizons: Sequence[int], discount_rate: float = 0.0
) -> Columns:
    """One row per pair (x, T) and horizon, all columns of shape (pairs * horizons,), pairs varying fastest.

    orders = E[N | alive], discounted = the same at `discount_rate` per year, pairs = E[N(N-1) | alive] within the
    fit's memory. No rows at level none. At level recent_rate pass what `observed` returns.
    """
    if fit.parameters is None:
        return {name: np.empty(0) for name in ("x", "T", "horizon", "orders", "discounted", "pairs")}
    x, T = np.asarray(x, dtype=float), np.asarray(T, dtype=float)
    parts = [at_horizon(fit, x, T, float(h), discount_rate) for h in horizons]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def at_horizon(fit: Fit, x: np.ndarray, T: np.ndarray, h: float, rate: float) -> Columns:
    """The rows of alive_expectation for one horizon; not for level none."""
    p = fit.parameters
    orders = predict.alive_orders(fit.model, p, x, T, h)
    return {
        "x": x,
        "T": T,
        "horizon": np.full(len(x), h),
        "orders": orders,
        "discounted": predict.alive_discounted(fit.model, p, x, T, h, orders, rate),
        "pairs": predict.alive_pairs(fit.model, p, x, T, h, fit.memory),
    }


def expectation_rows(
    fit: Fit, x: np.ndarray, T: np.ndarray, discount_rate: float
) -> dict[str, np.ndarray | list[np.ndarray]]:
    """The rows of the table clv.alive_expectation for unique pairs (x, T), shape (n,), by column; none at level none.

    `part` is recent for a fit of level recent_rate, whose pairs are what `observed` returns, and model for any other.
    """
    empty = fit.parameters is None
    x, T = (np.empty(0) if empty else np.asarray(column, dtype=float) for column in (x, T))
    rows: dict[str, np.ndarray | list[np.ndarray]] = {
        "part": np.full(len(x), "recent" if fit.level == "recent_rate" else "model"),
        "x": x.astype(int),
        "t": T.astype(int),
    }
    if not len(x):
        numbers = [*(f"orders_{h}" for h in HORIZONS), "discounted_365", "pairs_365"]
        return rows | {name: np.empty(0) for name in numbers} | {"cdf_90": []}
    for h in HORIZONS[:-1]:
        rows[f"orders_{h}"] = predict.alive_orders(fit.model, fit.parameters, x, T, h)
    year = at_horizon(fit, x, T, HORIZONS[-1], discount_rate)
    return rows | {
        "orders_365": year["orders"],
        "discounted_365": year["discounted"],
        "pairs_365": year["pairs"],
        "cdf_90": [1 - one for one in predict.orders_survival(fit.model, fit.parameters, x, T, 90, fit.memory, FLOOR)],
    }
