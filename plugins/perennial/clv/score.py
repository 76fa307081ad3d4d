"""From parameters to predictions: the small table that SQL scores everybody with, and the same in Python.

At level recent_rate a customer is her recent history: x orders after the first within the window, T days of it
watched. `observed` makes that replacement; everything after it is the same for all levels.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perennial.clv import predict
from perennial.clv.cells import valid
from perennial.clv.fit import Fit
from perennial.clv.spend import Spend, expected_value
from perennial.clv.value import clv, clv_quantile, spread

Columns = dict[str, np.ndarray]
INTERVAL = {"p10": 0.1, "p50": 0.5, "p90": 0.9}
NEXT_ORDER = {"p25": 0.25, "p50": 0.5, "p75": 0.75}


@dataclass(frozen=True)
class Histories:
    """Customers to score; arrays of shape (n,), times in days, values in currency."""

    x: np.ndarray
    t_x: np.ndarray
    T: np.ndarray
    valued: np.ndarray  # orders with a value, of those Gamma-Gamma was fitted on
    mean: np.ndarray  # of these; anything where there are none
    recent: np.ndarray | None = None  # orders after the first within the fit's window; without it x


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
    parts = [_alive(fit, x, T, float(h), discount_rate) for h in horizons]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _alive(fit: Fit, x: np.ndarray, T: np.ndarray, h: float, rate: float) -> Columns:
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


def observed(fit: Fit, histories: Histories) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(x, t_x, T) as the fit's level sees them."""
    if fit.level != "recent_rate":
        return histories.x, histories.t_x, histories.T
    recent = histories.x if histories.recent is None else histories.recent
    return recent, np.zeros(len(histories.T)), np.minimum(histories.T, fit.window)


def score(
    fit: Fit, spend: Spend, histories: Histories, horizon: int, *, discount_rate: float = 0.0, margin: float = 1.0
) -> Columns:
    """Predictions for the next `horizon` days, every column of shape (n,); NaN is explained by fit_status.

    Columns: p_alive, p_no_order, exp_orders, exp_orders_p10/p50/p90, order_value, clv, clv_p10/p50/p90 and
    next_order_days_p25/p50/p75 (NaN: never), model_used, fit_status, spend_status.
    """
    usable = valid(histories.x, histories.t_x, histories.T) & (fit.parameters is not None)
    columns = {name: np.full(len(usable), np.nan) for name in _names()}
    if usable.any():
        for name, found in _score(fit, spend, _take(histories, usable), horizon, discount_rate, margin).items():
            columns[name][usable] = found
    reason = fit.status if fit.parameters is None else "invalid_history"
    columns["model_used"] = np.where(usable, fit.model_used, "none")
    columns["fit_status"] = np.where(usable, fit.status, reason)
    columns["spend_used"] = np.where(usable, spend.level, "none")
    columns["spend_status"] = np.where(usable, spend.status, reason)
    return columns


def _score(fit: Fit, spend: Spend, histories: Histories, horizon: int, rate: float, margin: float) -> Columns:
    p, (x, t_x, T) = fit.parameters, observed(fit, histories)
    pairs, which = np.unique(np.column_stack([x, T]), axis=0, return_inverse=True)
    table = _alive(fit, pairs[:, 0], pairs[:, 1], float(horizon), rate)
    orders, discounted, twice = (table[name][which] for name in ("orders", "discounted", "pairs"))
    alive = predict.p_alive(fit.model, p, x, t_x, T)
    value = expected_value(spend, histories.valued, histories.mean)
    found = {
        "p_alive": alive,
        "p_no_order": predict.p_no_order(alive, p, x, T, horizon),
        "exp_orders": alive * orders,
        "order_value": value,
        "clv": clv(alive, discounted, value, margin),
    }
    for name, level in INTERVAL.items():
        found[f"exp_orders_{name}"] = predict.orders_quantile(fit.model, p, alive, x, T, horizon, level, fit.memory)
    if spend.level != "none":
        ratio = spread(spend, histories.valued, orders, twice)
        some = predict.p_first_order(p, x, T, horizon, fit.memory)
        for name, level in INTERVAL.items():
            found[f"clv_{name}"] = clv_quantile(found["clv"], ratio, some, alive, level)
    for name, level in NEXT_ORDER.items():
        found[f"next_order_days_{name}"] = predict.next_order_days(p, alive, x, T, level)
    return found


def _names() -> list[str]:
    return [
        "p_alive",
        "p_no_order",
        "exp_orders",
        *(f"exp_orders_{name}" for name in INTERVAL),
        "order_value",
        "clv",
        *(f"clv_{name}" for name in INTERVAL),
        *(f"next_order_days_{name}" for name in NEXT_ORDER),
    ]


def _take(histories: Histories, rows: np.ndarray) -> Histories:
    return Histories(
        *(
            None if column is None else np.asarray(column, dtype=float)[rows]
            for column in (
                histories.x,
                histories.t_x,
                histories.T,
                histories.valued,
                histories.mean,
                histories.recent,
            )
        )
    )
