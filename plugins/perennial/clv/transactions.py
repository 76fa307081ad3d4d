"""Orders from a CSV file, checked row by row and summed to order histories."""

import csv
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from perennial.clv.expectation import Histories
from perennial.clv.fit import RECENT_DAYS
from perennial.errors import ConfigError

COLUMNS = ("customer_id", "date", "amount")
DATE = r"^\s*(\d{4}-\d{2}-\d{2})(?:[T ]\d{2}:\d{2}\S*(?: ?[A-Z+-]\S*)?)?\s*$"


@dataclass(frozen=True)
class Orders:
    """One row per customer and order day, sorted by both; `value` is what the day's rows add up to."""

    customer: np.ndarray
    day: np.ndarray  # datetime64[D]
    value: np.ndarray
    until: date
    later: int  # rows after `until`, left out


@dataclass(frozen=True)
class Customers:
    """One row per customer in order of the id, with her history for the models."""

    customer: np.ndarray
    first: np.ndarray  # datetime64[D]
    last: np.ndarray
    orders: np.ndarray
    value: np.ndarray
    histories: Histories
    dropped: int  # order days worth nothing or less, left out of the value model
    until: date


def read(path: Path, until: date | None = None, *, drop_later: bool = False) -> Orders:
    """Read orders from a CSV file with a header; ConfigError names file, line, value and remedy.

    `until` is the last day observed, without it the last day in the file. Orders of one customer on one day are one.
    """
    frame = _load(path)
    frame["customer_id"] = frame["customer_id"].str.strip()
    _refuse(path, frame, "customer_id", frame["customer_id"].eq(""), "is empty; every order needs its customer")
    day = pd.to_datetime(frame["date"].str.extract(DATE)[0], format="%Y-%m-%d", errors="coerce")
    _refuse(path, frame, "date", day.isna(), "is not a date; write it as 2017-09-30 or 2017-09-30 14:05:00")
    amount = pd.to_numeric(frame["amount"].str.strip(), errors="coerce")
    wrong = ~np.isfinite(amount.to_numpy(dtype=float))
    _refuse(path, frame, "amount", wrong, "is not an amount; write it as 1234.50, without currency and separators")
    later = np.zeros(len(frame), dtype=bool) if until is None else (day > pd.Timestamp(until)).to_numpy()
    remedy = f"lies after --until {until}; choose a later day, or leave such rows out with --drop-later"
    if not drop_later:
        _refuse(path, frame, "date", later, remedy)
    if later.all():
        raise ConfigError(f"{path}: all {len(frame)} rows lie after --until {until}; choose a later day")
    days = pd.DataFrame({"customer": frame["customer_id"], "day": day, "value": amount})[~later]
    days = days.groupby(["customer", "day"], as_index=False)["value"].sum()
    return Orders(
        customer=days["customer"].to_numpy(dtype=object),
        day=days["day"].to_numpy(dtype="datetime64[D]"),
        value=days["value"].to_numpy(),
        until=until or day.max().date(),
        later=int(later.sum()),
    )


def customers(orders: Orders, spend: str = "all") -> Customers:
    """Sum orders to histories; `spend` says whose values count: all orders, or repeats only."""
    starts = np.flatnonzero(np.r_[True, orders.customer[1:] != orders.customer[:-1]])
    who = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(orders.day)))
    count = np.bincount(who)
    end = np.datetime64(orders.until, "D")
    first, last = orders.day[starts], orders.day[starts + count - 1]
    repeat = np.ones(len(who), dtype=bool)
    repeat[starts] = False
    valued = (orders.value > 0) & (repeat | (spend == "all"))
    n = np.bincount(who, valued)
    with np.errstate(invalid="ignore"):
        mean = np.bincount(who, orders.value * valued) / n
    return Customers(
        customer=orders.customer[starts],
        first=first,
        last=last,
        orders=count,
        value=np.bincount(who, orders.value),
        histories=Histories(
            x=count - 1.0,
            t_x=(last - first).astype(float),
            T=(end - first).astype(float),
            valued=n,
            mean=mean,
            recent=np.bincount(who, repeat & (orders.day > end - RECENT_DAYS)),
        ),
        dropped=int(np.sum((orders.value <= 0) & (repeat | (spend == "all")))),
        until=orders.until,
    )


def earlier(orders: Orders, days: int) -> tuple[Orders, np.ndarray]:
    """(the orders known `days` days before the end, how many followed), the latter per customer known then."""
    until = np.datetime64(orders.until, "D") - days
    known = orders.day <= until
    past = Orders(orders.customer[known], orders.day[known], orders.value[known], until.astype(date), 0)
    people = pd.Index(pd.unique(past.customer))
    who = people.get_indexer(orders.customer[~known])
    return past, np.bincount(who[who >= 0], minlength=len(people))


def _load(path: Path) -> pd.DataFrame:
    """The three columns as text, indexed by line; ConfigError if there is nothing to read or a line is ragged."""
    lines, rows = [], []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            header = [name.strip() for name in next(reader, [])]
            wanted = _places(path, header)
            for row in reader:
                if len(row) == len(header):
                    lines.append(reader.line_num)
                    rows.append([row[place] for place in wanted])
                elif row:
                    raise ConfigError(
                        f"{path}, line {reader.line_num}: {len(row)} fields where the first line has {len(header)}: "
                        f"'{','.join(row)}'. Quote fields that contain a comma, and write amounts without separators."
                    )
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 ({error.reason} at byte {error.start}); save it as UTF-8") from error
    except csv.Error as error:
        raise ConfigError(f"{path}, line {len(rows) + 2}: {error}; save it as plain CSV") from error
    if not rows:
        raise ConfigError(f"{path} has a header but no rows; give it one row per order")
    return pd.DataFrame(rows, columns=list(COLUMNS), index=lines, dtype=str)


def _places(path: Path, header: list[str]) -> list[int]:
    """Where the three columns are."""
    if not header:
        raise ConfigError(f"{path} is empty; its first line must say {','.join(COLUMNS)}")
    if missing := [name for name in COLUMNS if name not in header]:
        raise ConfigError(
            f"{path}: no column {', '.join(missing)}; the first line says {', '.join(header)}. "
            f"Name the columns {', '.join(COLUMNS)}, separated by commas."
        )
    return [header.index(name) for name in COLUMNS]


def _refuse(path: Path, frame: pd.DataFrame, column: str, wrong: np.ndarray | pd.Series, remedy: str) -> None:
    places = np.flatnonzero(np.asarray(wrong))
    if len(places):
        row = frame.iloc[places[0]]
        more = f" ({len(places)} such rows)" if len(places) > 1 else ""
        raise ConfigError(f"{path}, line {row.name}: {column} '{row[column]}' {remedy}{more}")
