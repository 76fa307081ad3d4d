"""The models are a library of their own."""

import subprocess
import sys
from pathlib import Path

from clv_data import cdnow, history

import perennial
from perennial.clv import Histories, alive_expectation, collapse, expected_value, fit, fit_spend, score, spend_cells
from perennial.clv.predict import p_alive


def test_the_library_needs_numpy_and_scipy_only():
    program = (
        "import sys, perennial.clv; "
        "print(sorted({'airflow', 'dbt', 'psycopg', 'pandas', 'sqlalchemy', 'click'} & set(sys.modules)))"
    )
    plugins = Path(perennial.__file__).parents[1]
    told = subprocess.run([sys.executable, "-c", program], cwd=plugins, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


def test_the_small_table_scores_everybody_as_the_library_does():
    """P(alive) is closed form and the rest depends on (x, T) alone: what lets SQL score a whole warehouse."""
    customers = history(cdnow(), cdnow()["date"].quantile(0.5))
    found = fit(collapse(customers["x"], customers["t_x"], customers["T"]))
    spend = fit_spend(spend_cells(customers["n"], customers["mean"]))
    pairs = customers[["x", "T"]].drop_duplicates().sort_values(["x", "T"])
    table = alive_expectation(found, pairs["x"], pairs["T"], (30, 365), 0.1)
    assert len(table["orders"]) == 2 * len(pairs)
    by_pair = {
        (x, T, h): (orders, discounted)
        for x, T, h, orders, discounted in zip(
            *(table[name] for name in ("x", "T", "horizon", "orders", "discounted")), strict=True
        )
    }
    columns = (customers[name].to_numpy(dtype=float) for name in ("x", "t_x", "T", "n", "mean"))
    histories = Histories(*columns)
    for horizon in (30, 365):
        scores = score(found, spend, histories, horizon, discount_rate=0.1)
        alive = p_alive(found.model, found.parameters, histories.x, histories.t_x, histories.T)
        value = expected_value(spend, histories.valued, histories.mean)
        for row, (x, T) in enumerate(zip(histories.x, histories.T, strict=True)):
            orders, discounted = by_pair[x, T, horizon]
            assert scores["exp_orders"][row] == alive[row] * orders
            assert abs(scores["clv"][row] - alive[row] * discounted * value[row]) < 1e-9
