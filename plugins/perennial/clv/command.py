"""The command `perennial clv`: the models on a file of orders, without a warehouse."""

import json
import math
from pathlib import Path
from typing import Any

import click

UNITS = {"days": 1, "weeks": 7}
NAMES = {"bg": "BG/NBD", "mbg": "MBG/NBD"}


@click.group()
def clv() -> None:
    """How much customers will order, from a file of orders; no warehouse needed."""


@clv.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--time-unit", type=click.Choice(list(UNITS)), default="days", show_default=True, help="Of alpha and H.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="Last day observed; without it the last in FILE.")
@click.option("--drop-later", is_flag=True, help="Leave out rows after --until instead of refusing them.")
@click.option("--model", type=click.Choice(list(NAMES)), default="mbg", show_default=True)
@click.option("--spend", type=click.Choice(["all", "repeats"]), default="all", show_default=True, help="Orders valued.")
@click.option("--json", "as_json", is_flag=True, help="Report as JSON.")
@click.option("--predict", type=click.IntRange(1, 36500), metavar="H", help="Predict H time units for every customer.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Where predictions go; else to stdout.")
@click.option("--discount-rate", type=click.FloatRange(0, 10), default=0.1, show_default=True, help="Of CLV, per year.")
@click.option("--margin", type=click.FloatRange(0, 1, min_open=True), default=1.0, show_default=True, help="Of values.")
def fit(
    file: Path,
    time_unit: str,
    until: Any,
    drop_later: bool,
    model: str,
    spend: str,
    as_json: bool,
    predict: int | None,
    output: Path | None,
    discount_rate: float,
    margin: float,
) -> None:
    """Fit BG/NBD or MBG/NBD and Gamma-Gamma to the orders in FILE.

    FILE is CSV with the columns customer_id, date and amount, one row per order. Several orders of a customer on one
    day are one. Predictions are CSV, one row per customer; the report then goes to stderr unless --output is given.

    \b
    Its columns, beside the history (orders are days with an order):
      p_alive              probability that she has not left
      p_no_order           probability of no order in H: the churn score
      exp_orders           orders expected in H, with _p10, _p50, _p90
      order_value          expected value of an order
      clv                  discounted value of the orders in H, with _p10, _p50, _p90
      total_value          historic_value + clv
      next_order_on_p25..  day by which the next order comes with 25, 50, 75 %, given the
                           silence so far; empty: not within ten years
      model_used           e.g. mbg_mle: maximum likelihood, mbg_map: with a prior,
                           recent_rate: too little data for a model
      fit_status           ok, or why it is not the maximum likelihood (marts.dim_reasons
                           has the words); spend_used, spend_status: the same of values
    """
    from perennial.clv import transactions

    if output is not None and predict is None:
        raise click.UsageError("--output says where predictions go; say for how long with --predict H")
    orders = transactions.read(file, until.date() if until else None, drop_later=drop_later)
    people = transactions.customers(orders, spend)
    fitted, value = _fit(people, model)
    days = UNITS[time_unit]
    if predict is not None:
        fitted = _with_intervals(fitted, orders, people, model, predict * days)
    report = _report(fitted, value, people, orders.later, time_unit)
    text = json.dumps(report, indent=2) if as_json else _prose(report)
    click.echo(text, err=predict is not None and output is None)
    if predict is not None:
        table = _predictions(people, fitted, value, predict * days, discount_rate, margin)
        if output is None:
            click.echo(table, nl=False)
        else:
            output.write_text(table, encoding="utf-8")


def _fit(people, model: str):
    """(orders model, spend model) of customers."""
    import numpy as np

    from perennial.clv import RECENT_DAYS, Recent, collapse, fit, fit_spend, spend_cells

    h = people.histories
    watched = float(np.minimum(h.T, RECENT_DAYS).sum())
    fitted = fit(collapse(h.x, h.t_x, h.T), model, recent=Recent(float(h.recent.sum()), watched, RECENT_DAYS))
    return fitted, fit_spend(spend_cells(h.valued, h.mean, dropped=people.dropped))


def _with_intervals(fitted, orders, people, model: str, horizon: int):
    """The fit with intervals calibrated on the last `horizon` days, or the last quarter of the data if shorter."""
    import numpy as np

    from perennial.clv import transactions, with_memory

    back = min(horizon, int(np.max(people.histories.T)) // 4)
    if back < 1:
        return fitted
    past, followed = transactions.earlier(orders, back)
    then = transactions.customers(past)
    h = then.histories
    return with_memory(fitted, _fit(then, model)[0], h.x, h.t_x, h.T, followed, back)


def _report(fitted, value, people, later: int, unit: str) -> dict[str, Any]:
    p, days = fitted.parameters, UNITS[unit]
    return {
        "until": str(people.until),
        "customers": len(people.customer),
        "orders": int(people.orders.sum()),
        "repeaters": int((people.orders > 1).sum()),
        "repeat_orders": int(people.orders.sum() - len(people.orders)),
        "rows_after_until": later,
        "time_unit": unit,
        "orders_model": {
            "model": fitted.model,
            "model_used": fitted.model_used,
            "fit_status": fitted.status,
            "notes": list(fitted.notes),
            "r": p and p.r,
            "alpha": p and p.alpha / days,
            "a": p and p.a,
            "b": p and p.b,
            "log_likelihood": fitted.loglik_per(days),
            "converged": fitted.converged,
            "iterations": fitted.iterations,
            "customers_left_out": fitted.excluded,
            "memory_days": fitted.memory if math.isfinite(fitted.memory) else None,
        },
        "spend_model": {
            "spend_used": value.level,
            "spend_status": value.status,
            "p": value.p or None,
            "q": value.q or None,
            "v": value.v or None,
            "mean_order_value": value.mean() if value.p else None,
            "log_likelihood": value.loglik,
            "converged": value.converged,
            "iterations": value.iterations,
            "customers": value.customers,
            "orders_without_value": value.dropped,
        },
    }


def _prose(report: dict[str, Any]) -> str:
    orders, spend = report["orders_model"], report["spend_model"]
    seen = f"{report['customers']:,} customers, {report['orders']:,} orders until {report['until']}"
    valued = f"{spend['customers']:,} customers, {spend['orders_without_value']:,} orders without value left out"
    lines = [
        f"{seen}; {report['repeaters']:,} came back, {report['repeat_orders']:,} times",
        f"Orders   {NAMES[orders['model']]}, level {orders['model_used']}, status {orders['fit_status']}"
        + "".join(f", {note}" for note in orders["notes"]),
        *_line(orders, ("r", "alpha", "a", "b"), f", alpha in {report['time_unit']}"),
        *([f"         intervals trust {orders['memory_days']:.0f} days of a rate"] if orders["memory_days"] else []),
        f"Spend    {spend['spend_used']}, status {spend['spend_status']}, {valued}",
        *_line(spend, ("p", "q", "v"), f", mean order value {spend['mean_order_value'] or 0:.2f}"),
    ]
    return "\n".join(lines)


def _line(model: dict[str, Any], names: tuple[str, ...], remark: str) -> list[str]:
    if model[names[0]] is None:
        return []
    lines = ["         " + "  ".join(f"{name} {model[name]:.4f}" for name in names) + remark]
    if model["log_likelihood"] is not None:
        how = "converged" if model["converged"] else "not converged"
        lines.append(f"         log-likelihood {model['log_likelihood']:.3f}, {how}, {model['iterations']} iterations")
    return lines


def _predictions(people, fitted, value, horizon: int, discount_rate: float, margin: float) -> str:
    """CSV text, one row per customer; `never` where no next order is expected."""
    import numpy as np
    import pandas as pd

    from perennial.clv import score

    found = score(fitted, value, people.histories, horizon, discount_rate=discount_rate, margin=margin)
    table = pd.DataFrame(
        {
            "customer_id": people.customer,
            "first_order_on": people.first,
            "last_order_on": people.last,
            "orders": people.orders,
            "historic_value": people.value * margin,
        }
    )
    for name, column in found.items():
        if name.startswith("next_order_days"):
            known = np.isfinite(column)
            days = np.datetime64(people.until, "D") + np.where(known, column, 0).astype(int)
            never = "never" if fitted.parameters else ""
            table[name.replace("_days_", "_on_")] = np.where(known, days.astype(str), never)
        else:
            table[name] = column
    table.insert(table.columns.get_loc("clv_p90") + 1, "total_value", table["historic_value"] + table["clv"])
    return table.to_csv(index=False, float_format="%.6g", date_format="%Y-%m-%d", lineterminator="\n")
