"""Predictions for customers held in memory: what SQL does in a warehouse, in Python."""

import numpy as np

from perennial.clv import predict
from perennial.clv.blend import blended
from perennial.clv.cells import valid
from perennial.clv.expectation import Columns, Histories, at_horizon, observed
from perennial.clv.fit import Fit
from perennial.clv.predict import INTERVAL, NEXT_ORDER
from perennial.clv.spend import Spend, expected_value
from perennial.clv.value import clv, clv_quantile, spread


def score(
    fit: Fit,
    spend: Spend,
    histories: Histories,
    horizon: int,
    *,
    discount_rate: float = 0.0,
    margin: float = 1.0,
    recent: Fit | None = None,
    share: float = 0.0,
) -> Columns:
    """Predictions for the next `horizon` days, every column of shape (n,); NaN is explained by fit_status.

    Columns: p_alive, p_no_order, exp_orders, exp_orders_p10/p50/p90, order_value, clv, clv_p10/p50/p90 and
    next_order_days_p25/p50/p75 (NaN: never), model_used, fit_status, spend_used, spend_status. `share` is the weight
    of `recent`, a fit of level recent_rate (blend.py); 1 leaves nothing of the model.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share is {share}; it lies between 0 and 1")
    if fit.level in ("recent_rate", "none"):
        share = 0.0  # there is no model to mix anything with
    if share == 1:
        fit, share = _of_level_recent_rate(recent), 0.0
    usable = valid(histories.x, histories.t_x, histories.T) & (fit.parameters is not None)
    columns = {name: np.full(len(usable), np.nan) for name in _names()}
    if usable.any():
        kept = histories.where(usable)
        if share:
            recent = _of_level_recent_rate(recent)
            scores = blended(fit, recent, share, spend, kept, horizon, discount_rate, margin)
        else:
            scores = _score(fit, spend, kept, horizon, discount_rate, margin)
        for name, found in scores.items():
            columns[name][usable] = found
    reason = fit.status if fit.parameters is None else "invalid_history"
    columns["model_used"] = np.where(usable, fit.model_used + ("_blend" if share else ""), "none")
    columns["fit_status"] = np.where(usable, fit.status, reason)
    columns["spend_used"] = np.where(usable, spend.level, "none")
    columns["spend_status"] = np.where(usable, spend.status, reason)
    return columns


def _of_level_recent_rate(recent: Fit | None) -> Fit:
    if recent is None or recent.level != "recent_rate":
        raise ValueError("a share of the recent rate needs `recent`, a fit of level recent_rate")
    return recent


def _score(fit: Fit, spend: Spend, histories: Histories, horizon: int, rate: float, margin: float) -> Columns:
    p, (x, t_x, T) = fit.parameters, observed(fit, histories)
    pairs, which = np.unique(np.column_stack([x, T]), axis=0, return_inverse=True)
    table = at_horizon(fit, pairs[:, 0], pairs[:, 1], float(horizon), rate)
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
