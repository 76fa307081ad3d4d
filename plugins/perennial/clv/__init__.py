"""Customer lifetime value: how many orders are to come, when the next one, and what they are worth.

cells -> fit -> expectation_rows is all a warehouse needs; score is the same for customers held in memory. Plain numpy
and scipy: no Airflow, no dbt, no warehouse.
"""

from perennial.clv.cells import Cells, collapse
from perennial.clv.expectation import Histories, alive_expectation, expectation_rows
from perennial.clv.fit import RECENT_DAYS, Fit, Recent, fit
from perennial.clv.memory import with_memory
from perennial.clv.orders import Parameters
from perennial.clv.predict import orders_survival
from perennial.clv.score import score
from perennial.clv.spend import Spend, SpendCells, expected_value, fit_spend, spend_cells

__all__ = [
    "RECENT_DAYS",
    "Cells",
    "Fit",
    "Histories",
    "Parameters",
    "Recent",
    "Spend",
    "SpendCells",
    "alive_expectation",
    "collapse",
    "expectation_rows",
    "expected_value",
    "fit",
    "fit_spend",
    "orders_survival",
    "score",
    "spend_cells",
    "with_memory",
]
