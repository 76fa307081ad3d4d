"""Order histories counted into unique cells.

A history is (x, t_x, T) in the notation of Fader, Hardie and Lee (2005): x days with an order after the first one,
t_x days from the first to the latest order, T days from the first order to the end of observation. Orders of one day
are one order. Customers with the same history are one cell with a count: that is all a likelihood needs.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

EXACT = 2.0**53  # up to here floating point holds every whole number


@dataclass(frozen=True)
class Cells:
    """Unique histories; parallel arrays of float64, shape (cells,). Times in days."""

    x: np.ndarray
    t_x: np.ndarray
    T: np.ndarray
    count: np.ndarray
    rejected: int = 0

    @cached_property
    def customers(self) -> float:
        """How many customers the cells hold."""
        return float(self.count.sum())

    @cached_property
    def repeaters(self) -> float:
        """How many of them came back at least once."""
        return float(self.count[self.x > 0].sum())

    @cached_property
    def repeats(self) -> float:
        """How many orders followed the first ones."""
        return float(self.count @ self.x)

    def where(self, kept: np.ndarray | slice) -> "Cells":
        """The cells of a slice, or those for which `kept`, shape (cells,), is true."""
        return Cells(self.x[kept], self.t_x[kept], self.T[kept], self.count[kept], self.rejected)


def valid(x: np.ndarray, t_x: np.ndarray, T: np.ndarray) -> np.ndarray:
    """Which histories can have happened: finite, whole x, t_x within T, and t_x = 0 if and only if x = 0."""
    x, t_x, T = (np.asarray(column, dtype=float) for column in (x, t_x, T))
    with np.errstate(invalid="ignore"):
        return (
            np.isfinite(x + t_x + T) & (x >= 0) & (x == np.floor(x)) & (t_x <= T) & (t_x >= 0) & ((x > 0) == (t_x > 0))
        )


def collapse(x: np.ndarray, t_x: np.ndarray, T: np.ndarray, count: np.ndarray | None = None) -> Cells:
    """Count equal histories, all arguments of shape (n,); impossible ones are left out and counted as rejected."""
    x, t_x, T = (np.asarray(column, dtype=float) for column in (x, t_x, T))
    count = np.ones(len(x)) if count is None else np.asarray(count, dtype=float)
    kept = valid(x, t_x, T) & np.isfinite(count) & (count > 0)
    rejected = int(np.nan_to_num(count[~kept], nan=1, posinf=1, neginf=1).clip(1).sum())
    x, t_x, T, count = x[kept], t_x[kept], T[kept], count[kept]
    order = _order(x, t_x, T)
    x, t_x, T, count = x[order], t_x[order], T[order], count[order]
    if len(x) == 0:
        return Cells(x, t_x, T, count, rejected)
    starts = np.flatnonzero(np.r_[True, (np.diff(x) != 0) | (np.diff(t_x) != 0) | (np.diff(T) != 0)])
    return Cells(x[starts], t_x[starts], T[starts], np.add.reduceat(count, starts), rejected)


def _order(x: np.ndarray, t_x: np.ndarray, T: np.ndarray) -> np.ndarray:
    """What sorts histories by x, t_x, T; whole days make one number of the three, and one sort instead of three."""
    days, whole = T.max(initial=0) + 1, all((column == np.floor(column)).all() for column in (t_x, T))
    if not whole or (x.max(initial=0) + 1) * days * days > EXACT:
        return np.lexsort((T, t_x, x))
    return np.argsort((x * days + t_x) * days + T)
