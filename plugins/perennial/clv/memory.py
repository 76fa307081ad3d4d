"""How long a rate stays what it was: the one number that makes intervals honest, measured on an earlier origin.

Rates drift, the models' do not, so their intervals are too narrow for customers watched for long. Capping the evidence
on a rate at `memory` days (predict.py) forgets like the discounted gamma of Harvey and Fernandes (1989, J. of Business
& Economic Statistics 7(4)). It is estimated by maximum likelihood of what customers did after an origin in the past,
from a fit that knew nothing later; the origin whose intervals it serves is never among the data.
"""

from dataclasses import replace

import numpy as np
from scipy.optimize import minimize_scalar

from perennial.clv import predict
from perennial.clv.cells import valid
from perennial.clv.fit import Fit

GRID = 16  # memories tried before the best is refined, from one day to all that was seen
GAIN = 2.0  # log-likelihood that a finite memory must gain, about a 5 % test


def with_memory(fit: Fit, past: Fit, x, t_x, T, orders, horizon: float, count=None) -> Fit:
    """`fit` with the memory in days that explains best what followed `past`.

    x, t_x, T: histories at the origin that `past` was fitted on; orders: how many each had in the `horizon` days after
    it; count: how many customers each row stands for. Arrays of shape (n,).
    """
    count = np.ones(len(x)) if count is None else count
    kept = valid(x, t_x, T)
    if past.level not in ("mle", "map") or fit.level in ("recent_rate", "none") or not kept.any():
        return fit  # the recent rate forgets by itself
    x, t_x, T, orders, count = (np.asarray(column, dtype=float)[kept] for column in (x, t_x, T, orders, count))
    alive = predict.p_alive(past.model, past.parameters, x, t_x, T)

    def loss(log_memory: float) -> float:
        return -count @ np.log(_chances(past, alive, x, T, orders, horizon, float(np.exp(log_memory))))

    longest = float(np.log(past.parameters.alpha + T.max()))  # beyond it nothing is forgotten
    grid = np.linspace(0, longest, GRID)
    losses = [loss(one) for one in grid]
    best = int(np.argmin(losses))
    around = (grid[max(best - 1, 0)], grid[min(best + 1, GRID - 1)])
    found = minimize_scalar(loss, bounds=around, method="bounded", options={"xatol": 1e-3})
    return replace(fit, memory=float(np.exp(found.x)) if losses[-1] - found.fun > GAIN else np.inf)


def _chances(fit: Fit, alive, x, T, orders, horizon: float, memory: float) -> np.ndarray:
    """P(N = orders), shape (n,), floored where the model says never."""
    at_least = [
        predict.alive_at_least(fit.model, fit.parameters, x, T, horizon, np.maximum(n, 1), memory)
        for n in (orders, orders + 1)
    ]
    return np.maximum(np.where(orders > 0, alive * (at_least[0] - at_least[1]), 1 - alive * at_least[1]), 1e-12)
