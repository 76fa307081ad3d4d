"""Forecasts as of earlier days, compared with what customers did afterwards; the best candidate goes on.

The last days of four periods before tonight are origins, each with what was known then. The oldest teaches: the share
of the recent rate and the memory of the intervals at an origin are those that explain best what followed the origin
before it. The other three are judged. Which candidate stands for an origin was chosen on older origins only, so no
figure was tuned on the days it speaks of; tonight's champion is the best on all three.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import pandas as pd

from perennial.clv import Fit, fit, fit_spend, score, spend_cells, with_memory
from perennial.clv.fit import recent_rate
from perennial.value import metrics
from perennial.value.histories import Past

JUDGED = 3
SHORTEST = 7  # days; a back-test over less says nothing
LEAST_SHARE = 0.01  # a smaller share of the recent rate is none


@dataclass(frozen=True)
class Learned:
    """Everything fitted as of one day; `shares` and the memory of `fits` come from the origin before it."""

    past: Past
    fits: dict[str, Fit]
    recent: Fit | None
    shares: dict[str, float]


@dataclass(frozen=True)
class Judged:
    """One candidate at one origin. Orders are order-days, spend is net revenue, both of the horizon."""

    origin: date
    horizon_days: int
    candidate: str
    fit: Fit
    recent_share: float
    customers: int
    actual_orders: float
    predicted_orders: float
    bias: float | None
    mae: float
    mae_latest: float
    mae_mean: float
    skill: float
    actual_spend: float
    predicted_spend: float | None
    spend_bias: float | None
    gini: float | None
    auc: float | None
    brier: float
    brier_constant: float
    coverage: float
    spend_coverage: float | None
    stands: bool = False


@dataclass(frozen=True)
class Backtest:
    """The outcome: whom to use tonight, its skills (newest origin first), and what tonight's fit learns from."""

    champion: str
    skills: tuple[float, ...]
    judged: tuple[Judged, ...]
    deciles: pd.DataFrame
    newest: Learned | None


def model_of(candidate: str) -> str:
    """bg or mbg."""
    return candidate.removesuffix("_blend")


def origins(as_of: date, first_day: date | None, longest: int) -> tuple[int, list[date]]:
    """The horizon in days and the origins, newest first; none while history is too short."""
    history = (as_of - first_day).days if first_day else 0
    horizon = min(longest, history // (JUDGED + 1))
    if horizon < SHORTEST:
        return horizon, []
    return horizon, [as_of - timedelta(days=horizon * k) for k in range(1, JUDGED + 2)]


def run(days: Sequence[date], read: Callable[[date], Past], candidates: Sequence[str]) -> Backtest:
    """Judge `candidates` on all `days` (newest first) but the last; `read` gives the histories known on a day."""
    before: Learned | None = None
    judged: list[list[Judged]] = []  # newest origin first
    for origin in reversed(days):
        past = read(origin)
        if len(past.known.x) == 0:
            continue
        learned = learn(past, candidates, before)
        if before is not None:
            judged.insert(0, [judge(name, learned) for name in candidates])
        before = learned
    standing, table = [], []
    for newest_first, rows in enumerate(judged):
        stands = best(judged[newest_first + 1 :], candidates)
        standing += [replace(row, stands=row.candidate == stands) for row in rows]
    if judged and before is not None:
        table = decile_table(next(row for row in standing if row.stands), before)
    champion = best(judged, candidates)
    skills = tuple(row.skill for row in standing if row.candidate == champion)
    return Backtest(champion, skills, tuple(standing), pd.DataFrame(table), before)


def learn(past: Past, candidates: Sequence[str], before: Learned | None) -> Learned:
    """Fit every model the candidates need to what was known on a day."""
    fits, shares = {}, {}
    recent = recent_rate(past.recent) if past.recent.days > 0 else None
    for model in dict.fromkeys(map(model_of, candidates)):
        fits[model] = remembering(fit(past.cells, model, recent=past.recent), before)
        shares[model] = recent_share(model, before)
    return Learned(past, fits, recent, shares)


def remembering(found: Fit, before: Learned | None) -> Fit:
    """`found` with the memory that explains best what followed the origin before."""
    if before is None:
        return found
    known, past = before.past.known, before.fits.get(found.model)
    if past is None:
        return found
    return with_memory(found, past, known.x, known.t_x, known.T, before.past.orders, before.past.horizon)


def recent_share(model: str, before: Learned | None) -> float:
    """The share of the recent rate that would have made the least squared error after the origin before, in 0 to 1."""
    if before is None or before.recent is None or before.fits[model].level not in ("mle", "map"):
        return 0.0
    plain, recent = (_predicted(before, model, share)["exp_orders"] for share in (0.0, 1.0))
    apart = recent - plain
    if not apart @ apart > 0:
        return 0.0
    share = float(np.clip((before.past.orders - plain) @ apart / (apart @ apart), 0, 1))
    return share if share >= LEAST_SHARE else 0.0


def _predicted(learned: Learned, model: str, share: float) -> dict[str, np.ndarray]:
    spend = fit_spend(spend_cells(learned.past.known.valued, learned.past.known.mean))
    mixed = {"recent": learned.recent, "share": share} if share > 0 else {}
    return score(learned.fits[model], spend, learned.past.known, learned.past.horizon, **mixed)


def judge(candidate: str, learned: Learned) -> Judged:
    """Compare the forecast of one candidate with what followed."""
    model, past = model_of(candidate), learned.past
    share = learned.shares[model] if candidate != model else 0.0
    found = _predicted(learned, model, share)
    orders, spend, expected = past.orders, past.spend, np.nan_to_num(found["exp_orders"])
    happened = orders > 0
    comes = 1 - np.nan_to_num(found["p_no_order"], nan=1.0)
    mae = metrics.mean_absolute_error(expected, orders)
    latest = metrics.mean_absolute_error(past.latest, orders)
    mean = metrics.mean_absolute_error(np.full(len(orders), past.latest.mean()), orders)
    worth = None if np.isnan(found["clv"]).all() else np.nan_to_num(found["clv"])
    baseline = min(latest, mean)
    return Judged(
        origin=past.origin,
        horizon_days=past.horizon,
        candidate=candidate,
        fit=learned.fits[model],
        recent_share=1.0 if learned.fits[model].level == "recent_rate" else share,
        customers=len(orders),
        actual_orders=float(orders.sum()),
        predicted_orders=float(expected.sum()),
        bias=metrics.bias(expected, orders),
        mae=mae,
        mae_latest=latest,
        mae_mean=mean,
        skill=1 - mae / baseline if baseline > 0 else -float(mae > 0),  # -1: a guess was right about everybody
        actual_spend=float(spend.sum()),
        predicted_spend=None if worth is None else float(worth.sum()),
        spend_bias=None if worth is None else metrics.bias(worth, spend),
        gini=None if worth is None else metrics.gini(worth, spend),
        auc=metrics.auc(comes, happened),
        brier=metrics.brier(comes, happened),
        brier_constant=float(happened.mean() * (1 - happened.mean())),
        coverage=metrics.coverage(found["exp_orders_p10"], found["exp_orders_p90"], orders),
        spend_coverage=None if worth is None else metrics.coverage(found["clv_p10"], found["clv_p90"], spend),
    )


def best(judged: Sequence[Sequence[Judged]], candidates: Sequence[str]) -> str:
    """The candidate of the smallest error over these origins, of equals the first; the first if there is none."""

    def error(name: str) -> float:
        return sum(row.mae / max(row.mae_mean, 1e-12) for rows in judged for row in rows if row.candidate == name)

    return min(candidates, key=error)


def decile_table(stands: Judged, learned: Learned) -> list[dict]:
    """What the tenths of customers by forecast value were expected to do at the newest origin, and did."""
    past = learned.past
    found = _predicted(learned, model_of(stands.candidate), stands.recent_share)
    worth, expected = (np.nan_to_num(found[name]) for name in ("clv", "exp_orders"))
    frame = pd.DataFrame(
        {
            "decile": metrics.deciles(worth if worth.any() else expected),
            "customers": 1,
            "predicted_orders": expected,
            "actual_orders": past.orders,
            "predicted_spend": worth,
            "actual_spend": past.spend,
        }
    )
    return [
        {"origin": past.origin, "candidate": stands.candidate, **row}
        for row in frame.groupby("decile", as_index=False).sum().to_dict("records")
    ]
