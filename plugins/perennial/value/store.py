"""Write what the night found out: parameters, expectations, back-test, and what the gate should say about it."""

from dataclasses import asdict
from datetime import date
from typing import Any

import numpy as np
import psycopg
from psycopg import sql

from perennial.clv import Fit, expectation_rows
from perennial.clv.fit import RECENT_DAYS
from perennial.config.value import Value
from perennial.value import histories
from perennial.value.backtest import Backtest, Judged
from perennial.value.tonight import Forecast

WARN_BIAS, FAIL_BIAS = 0.15, 0.30
EXPECTATION = {
    "part": "text",
    **dict.fromkeys(("x", "t"), "int4"),
    **dict.fromkeys(("orders_30", "orders_90", "orders_365", "discounted_365", "pairs_365"), "float8"),
    "cdf_90": "float8[]",
}


def write(session: psycopg.Connection, as_of: date, value: Value, forecast: Forecast, tested: Backtest) -> None:
    """Replace everything the night says, within the session's transaction."""
    for table in ("clv.parameters", "marts.clv_backtest", "marts.clv_backtest_decile"):
        session.execute(sql.SQL("delete from {} where as_of = %s").format(_name(table)), [as_of])
    _insert(session, "clv.parameters", {"as_of": as_of, **_parameters(forecast, value)})
    _expectations(session, forecast, value.discount_rate)
    for row in tested.judged:
        _insert(session, "marts.clv_backtest", {"as_of": as_of, **_judged(row)})
    for row in tested.deciles.to_dict("records"):
        _insert(session, "marts.clv_backtest_decile", {"as_of": as_of, **row})
    session.execute("delete from ops.gate_results where as_of = %s and check_name like 'clv %%'", [as_of])
    for name, (passed, message) in verdicts(forecast, tested).items():
        row = {"as_of": as_of, "check_name": f"clv {name}", "passed": passed, "severity": "warn", "message": message}
        _insert(session, "ops.gate_results", row)


def verdicts(forecast: Forecast, tested: Backtest) -> dict[str, tuple[bool, str]]:
    """(passed, message) by check: whether tonight's forecast deserves trust. None of them stops an export."""
    fit = forecast.fit
    stands = [row for row in tested.judged if row.stands]
    told = f"customer value is forecast by {forecast.model_used}: {fit.status}"
    found = {"level": (fit.level in ("mle", "map"), told)}
    if not stands:
        return found | {"bias": (True, "too little history for a back-test of customer value")}
    newest = stands[0]
    biases = [_off(row) for row in stands]
    message = (
        f"of {newest.predicted_orders:,.0f} orders forecast on {newest.origin} for {newest.horizon_days} days came "
        f"{newest.actual_orders:,.0f} ({_percent(newest.bias)})"
    )
    if len(biases) > 1 and min(biases[:2]) > FAIL_BIAS:
        message += f", and on {stands[1].origin} likewise ({_percent(stands[1].bias)}): look for a break in the data"
    skill = f"{tested.champion} would have been {against_guess(tested.skills[0])} on {newest.origin}"
    return found | {"bias": (biases[0] <= WARN_BIAS, message), "skill": (tested.skills[0] >= 0, skill)}


def against_guess(skill: float) -> str:
    """The skill in words."""
    return f"{abs(skill):.1%} {'better' if skill >= 0 else 'worse'} than the best simple guess"


def _off(row: Judged) -> float:
    """The size of the bias; where nothing came at all, infinite unless nothing was forecast."""
    if row.bias is not None:
        return abs(row.bias)
    return float("inf") if row.predicted_orders >= 1 else 0.0


def _percent(share: float | None) -> str:
    return "not known" if share is None else f"{share:+.1%}"


def _parameters(forecast: Forecast, value: Value) -> dict[str, Any]:
    fit, recent, spend = forecast.fit, forecast.recent, forecast.spend
    model = None if fit.level == "recent_rate" else fit.parameters  # also beside a share of 1: tomorrow starts here
    return {
        "champion": forecast.champion,
        "model_used": forecast.model_used,
        "fit_status": fit.status,
        "fit_level": fit.level,
        "model": fit.model,
        **{name: getattr(model, name, None) for name in ("r", "alpha", "a", "b")},
        "memory_days": fit.memory,
        "recent_share": forecast.share,
        "recent_r": recent.parameters.r if recent else None,
        "recent_alpha": recent.parameters.alpha if recent else None,
        "recent_days": RECENT_DAYS,
        **{name: getattr(fit, name) for name in ("loglik", "converged", "iterations", "customers", "repeaters")},
        "rejected": fit.rejected,
        "excluded": fit.excluded,
        "notes": list(fit.notes),
        "spend_level": spend.level,
        "spend_status": spend.status,
        **{f"spend_{name}": getattr(spend, name) if spend.level != "none" else None for name in ("p", "q", "v")},
        "spend_dropped": spend.dropped,
        "margin": value.margin,
        "discount_rate": value.discount_rate,
    }


def _expectations(session: psycopg.Connection, forecast: Forecast, discount_rate: float) -> None:
    session.execute("truncate clv.alive_expectation")
    parts: dict[str, Fit | None] = {"model": forecast.fit if forecast.share < 1 else None, "recent": forecast.recent}
    command = f"copy clv.alive_expectation ({', '.join(EXPECTATION)}) from stdin (format binary)"
    for part, fit in parts.items():
        if fit is None or fit.parameters is None:
            continue
        rows = expectation_rows(fit, *histories.pairs(session, part), discount_rate)
        chances = [one.tolist() for one in rows.pop("cdf_90")]
        columns = [rows[name].tolist() for name in EXPECTATION if name in rows]
        with session.cursor().copy(command) as copy:
            copy.set_types(list(EXPECTATION.values()))
            for row in zip(*columns, chances, strict=True):
                copy.write_row(row)
    session.execute("analyze clv.alive_expectation")  # scoring joins it tonight, before anything else would notice


def _judged(row: Judged) -> dict[str, Any]:
    fit = row.fit
    said = {name: found for name, found in asdict(row).items() if name not in ("fit", "stands")}
    return said | {
        "is_chosen": row.stands,
        "fit_level": fit.level,
        "fit_status": fit.status,
        **{name: getattr(fit.parameters, name, None) for name in ("r", "alpha", "a", "b")},
        "memory_days": fit.memory,
        "loglik": fit.loglik,
        "converged": fit.converged,
    }


def _insert(session: psycopg.Connection, table: str, row: dict[str, Any]) -> None:
    values = {name: found.item() if isinstance(found, np.generic) else found for name, found in row.items()}
    names = sql.SQL(", ").join(map(sql.Identifier, values))
    places = sql.SQL(", ").join(sql.Placeholder() * len(values))
    command = sql.SQL("insert into {} ({}) values ({})").format(_name(table), names, places)
    session.execute(command, list(values.values()))


def _name(table: str) -> sql.Identifier:
    return sql.Identifier(*table.split("."))
