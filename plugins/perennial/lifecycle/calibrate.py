"""Measure the population values that personal cycle and trend are pulled towards, and freeze them in lifecycle.yml.

They never enter silently: an episode uses the row in force when it opens, and only a new row changes what is in force.
"""

import os
import tempfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import psycopg
import yaml

from perennial.config.files import read
from perennial.config.lifecycle import Lifecycle
from perennial.errors import ConfigError

FEWEST_GAPS = 30  # fewer gaps between order-days say nothing about a population

MEASURED = """
    with
    days as (
        select customer_key, ordered_on, sum(net_amount) as amount
        from marts.fct_orders
        where is_valid and ordered_on between %(since)s and %(until)s
        group by customer_key, ordered_on
    ),
    gaps as (
        select amount, ordered_on - lag(ordered_on) over (partition by customer_key order by ordered_on) as gap
        from days
    )
    select count(gap) as gaps, percentile_cont(0.5) within group (order by gap) as median_gap_days,
        avg(amount) as order_value
    from gaps
"""


@dataclass(frozen=True)
class Measured:
    """Population values of the order-days between two days: days between them, and what one is worth."""

    since: date
    until: date
    gaps: int
    median_gap_days: float
    order_value: float


def measure(session: psycopg.Connection, since: date, until: date) -> Measured:
    """The values of all customers together; ConfigError if too little was ordered to tell."""
    row = session.execute(MEASURED, {"since": since, "until": until}).fetchone()
    if row["gaps"] < FEWEST_GAPS:
        raise ConfigError(
            f"between {since} and {until} there are {row['gaps']} gaps between order-days, too few to measure from; "
            f"at least {FEWEST_GAPS} are needed. Choose an earlier --since."
        )
    gap, value = float(row["median_gap_days"]), float(row["order_value"])
    return Measured(since, until, row["gaps"], round(gap, 1), round(value, 2))


def freeze(path: Path, found: Measured, effective_from: date, models: dict) -> str:
    """Add the values to `population` in lifecycle.yml, comments and all else untouched; returns the row.

    Raises ConfigError, and leaves the file alone, if the row does not fit behind those that stand there.
    """
    path = path.resolve()  # a link stays a link
    with path.open(encoding="utf-8", newline="") as stream:
        text = stream.read()
    tree = yaml.compose(text, Loader=yaml.SafeLoader)
    rows = next(value for key, value in tree.value if key.value == "population")
    frozen = read(path, Lifecycle, models=models).population[-1].effective_from
    if frozen is not None and frozen >= effective_from:
        raise ConfigError(
            f"{path}: population values for days from {frozen} on are frozen already, those measured now would hold "
            f"from {effective_from}. Remove that row to measure anew, or wait for a later night."
        )
    end, indent = ("\r\n" if "\r\n" in text else "\n"), " " * rows.start_mark.column
    row = (
        f"{indent}- effective_from: {effective_from} # measured on {found.gaps:,} gaps from {found.since} to "
        f"{found.until}{end}{indent}  median_gap_days: {found.median_gap_days:g}{end}"
        f"{indent}  order_value: {found.order_value:g}{end}"
    )
    if rows.flow_style or any(value.flow_style for value in rows.value):
        raise ConfigError(f"{path}: population is written in brackets; write it as a list with dashes, and add\n{row}")
    lines = text.splitlines(keepends=True)
    last = _last_line(rows)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".lifecycle-", suffix=".yml")
    with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
        stream.write("".join([*lines[: last + 1], "" if lines[last].endswith("\n") else end, row, *lines[last + 1 :]]))
    try:
        read(Path(name), Lifecycle, models=models)
        Path(name).chmod(path.stat().st_mode)
        Path(name).replace(path)
    except ConfigError as error:
        raise ConfigError(str(error).replace(name, str(path))) from None
    finally:
        Path(name).unlink(missing_ok=True)
    return row


def _last_line(node: yaml.Node) -> int:
    """The line of the last value within `node`, from 0."""
    if isinstance(node, yaml.ScalarNode):
        return node.end_mark.line
    last = node.value[-1]
    return _last_line(last[1] if isinstance(last, tuple) else last)
