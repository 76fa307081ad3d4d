"""What customer value costs: the fit with everything scoring needs, one statement that scores everybody, and lifetimes.

    python bench/value.py --customers 1000000

Customers are made up. `lifetimes`, and `pymc-marketing` where it is installed, fit BG/NBD and say how many orders each
of them will make within three horizons, and so do we; the ratio is of CPU time. Prints one JSON line per figure.
"""

import argparse
import importlib.util
import json
import os
import resource
import time
from collections.abc import Callable
from datetime import date

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # CPU is compared: threads that wait for work would count

import numpy as np
import pandas as pd
from common import scratch_warehouse

from perennial import config, transform
from perennial.clv import Fit, alive_expectation, collapse, fit, fit_spend, predict, spend_cells
from perennial.value import store
from perennial.value.backtest import Backtest
from perennial.value.tonight import Forecast
from perennial.warehouse import database

AS_OF = date(2017, 9, 30)
HORIZONS = (30, 90, 365)
FEWER = 100_000  # customers of a peer that takes minutes for a million
SPAN = 10_000  # days; more than anybody is known
TABLES = """
    create schema if not exists intermediate;
    create table intermediate.int_order_histories (
        customer_key text, net_revenue numeric, first_order_on date, last_order_on date,
        x integer, t_x integer, t integer, recent_x integer, recent_t integer,
        valued_orders integer, mean_value double precision
    )
"""


def customers(n: int) -> pd.DataFrame:
    """x, t_x, T in days and mean value of people who order at rates of their own until they leave."""
    chance = np.random.default_rng(7)
    T = chance.integers(1, 1500, n).astype(float)
    watched = np.minimum(T, chance.exponential(1 / chance.gamma(0.9, 1 / 300, n)))
    x = np.minimum(chance.poisson(chance.gamma(0.7, 1 / 43, n) * watched), np.floor(watched))
    latest = np.ceil(watched * chance.random(n) ** (1 / np.maximum(x, 1)))
    t_x = np.where(x > 0, np.clip(latest, x, T), 0.0)
    return pd.DataFrame({"x": x, "t_x": t_x, "T": T, "mean": chance.gamma(3, 10, n) + 1})


def timed(name: str, work: Callable):
    """Do it, and print seconds and CPU seconds."""
    wall, cpu = time.monotonic(), time.process_time()
    found = work()
    wall, cpu = time.monotonic() - wall, time.process_time() - cpu
    print(json.dumps({"bench": "value", "figure": name, "seconds": round(wall, 2), "cpu": round(cpu, 2)}))
    return found, wall, cpu


def fitted(people: pd.DataFrame, model: str) -> Fit:
    """Everything scoring needs: parameters, and what to expect of somebody alive, for every (x, T)."""
    found = fit(collapse(people["x"], people["t_x"], people["T"]), model)
    pairs = people[["x", "T"]].drop_duplicates()
    alive_expectation(found, pairs["x"].to_numpy(), pairs["T"].to_numpy(), HORIZONS)
    return found


def expected(people: pd.DataFrame) -> list[np.ndarray]:
    """What lifetimes answers too: the expected orders of each customer, shape (n,), by horizon."""
    x, t_x, T = (people[name].to_numpy() for name in ("x", "t_x", "T"))
    found = fit(collapse(x, t_x, T), "bg")
    pairs, which = np.unique(x * SPAN + T, return_inverse=True)
    alive = predict.p_alive("bg", found.parameters, x, t_x, T)
    return [
        alive * predict.alive_orders("bg", found.parameters, pairs // SPAN, pairs % SPAN, h)[which] for h in HORIZONS
    ]


def by_lifetimes(people: pd.DataFrame) -> list[np.ndarray]:
    """The same by lifetimes."""
    from lifetimes import BetaGeoFitter

    model = BetaGeoFitter()
    model.fit(people["x"], people["t_x"], people["T"])
    return [
        model.conditional_expected_number_of_purchases_up_to_time(h, people["x"], people["t_x"], people["T"])
        for h in HORIZONS
    ]


def by_pymc(people: pd.DataFrame) -> list[np.ndarray]:
    """The same by pymc-marketing: the maximum of likelihood times its priors; the CPU of compiling is its own."""
    from pymc_marketing.clv import BetaGeoModel

    data = people.rename(columns={"x": "frequency", "t_x": "recency"})[["frequency", "recency", "T"]]
    model = BetaGeoModel(data=data.assign(customer_id=range(len(data))))
    model.fit(method="map", progressbar=False)
    return [model.expected_purchases(future_t=h).to_numpy().ravel() for h in HORIZONS]


def against(peer: str, theirs: Callable[[pd.DataFrame], list[np.ndarray]], people: pd.DataFrame) -> None:
    """CPU of a peer over ours, for the same answers."""
    known, _, them = timed(f"{peer}, {len(people):,} customers", lambda: theirs(people))
    found, _, us = timed(f"perennial, {len(people):,} customers", lambda: expected(people))
    off = max(abs(our.sum() / their.sum() - 1) for our, their in zip(found, known, strict=True))
    print(f"{peer} takes {them / us:.0f} x the CPU; expected orders differ by {off:.2%} at most")


def in_sql(people: pd.DataFrame, found: Fit) -> None:
    """Score everybody by the dbt model, in a warehouse that has nothing else."""
    with database.connect() as session:
        session.execute(TABLES)
        with session.cursor().copy("copy intermediate.int_order_histories from stdin") as copy:
            for number, row in enumerate(people.itertuples()):
                recent = min(int(row.x), 3) if row.T - row.t_x < 91 else 0
                times = (int(row.x), int(row.t_x), int(row.T), recent, int(min(row.T, 91)), int(row.x) + 1)
                copy.write_row((f"{number:032x}", row.mean * (row.x + 1), AS_OF, AS_OF, *times, row.mean))
        session.execute("analyze intermediate.int_order_histories")
        spend = fit_spend(spend_cells(people["x"] + 1, people["mean"]))
        nothing = Backtest("mbg", (), (), pd.DataFrame(), None)
        forecast = Forecast("mbg", found, None, 0.0, spend)
        timed("tables written", lambda: store.write(session, AS_OF, config.load().value, forecast, nothing))
    result = transform.run(["run", "--select", "customer_clv"], config.load(), AS_OF, database.warehouse())
    print(json.dumps({"bench": "value", "figure": "scored in SQL", "seconds": round(result[0].seconds, 2)}))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--customers", type=int, default=1_000_000)
    asked = parser.parse_args()
    people = customers(asked.customers)
    against("lifetimes", by_lifetimes, people)
    if importlib.util.find_spec("pymc_marketing"):
        against("pymc-marketing", by_pymc, people[:FEWER])
    found, _, _ = timed(f"fit and expectations, {asked.customers:,} customers", lambda: fitted(people, "mbg"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(json.dumps({"bench": "value", "figure": "peak memory", "gigabytes": round(peak, 2)}))
    with scratch_warehouse():
        in_sql(people, found)


if __name__ == "__main__":
    main()
