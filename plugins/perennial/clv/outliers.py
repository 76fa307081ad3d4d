"""Histories that would drag the parameters of everybody else: bots, resellers, the shop's own test account.

They are left out of the fit and still scored. A history is one if, by the parameters fitted to the others, fewer than
a millionth of a customer in the whole population would order that often: under the negative binomial, customers times
P(X >= x | T) = I_{T/(alpha+T)}(x, r) < 1e-6, dropping out ignored.
"""

from collections.abc import Callable

import numpy as np
from scipy.special import betainc

from perennial.clv.cells import Cells
from perennial.clv.orders import Parameters

EXPECTED = 1e-6  # customers
MOST = 0.005  # share of customers; more than that are no outliers but the clientele


def inliers(cells: Cells, estimate: Callable[[Cells], Parameters]) -> np.ndarray:
    """Which cells to fit, shape (cells,); `estimate` fits a part of them, without suspects."""
    if cells.repeaters == 0:
        return np.full(len(cells.x), True)
    suspect = cells.x > _plenty(cells)
    if not suspect.any():
        return ~suspect
    p = estimate(cells.where(~suspect))
    busy = cells.where(suspect)
    tail = betainc(busy.x, p.r, busy.T / (p.alpha + busy.T))
    impossible = suspect.copy()
    impossible[suspect] = cells.customers * tail < EXPECTED
    if cells.count[impossible].sum() > max(1.0, MOST * cells.customers):
        return np.full(len(cells.x), True)
    return ~impossible


def _plenty(cells: Cells) -> float:
    """More orders than this are suspicious: five times what all but 5 % of the customers have, plus 20."""
    order = np.argsort(cells.x)
    reached = np.searchsorted(np.cumsum(cells.count[order]), 0.95 * (cells.customers - 1))
    return 5 * float(cells.x[order[min(reached, len(order) - 1)]]) + 20
