"""Back-test lifecycle models on the past of the warehouse, suggest a threshold, and keep the result in marts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import psycopg

from perennial.config.lifecycle import Lifecycle, LifecycleModel
from perennial.errors import ConfigError, FatalError
from perennial.lifecycle.backtest import measure
from perennial.lifecycle.backtest.measure import Outcome
from perennial.lifecycle.backtest.metrics import Counts, average_precision, best, default_origins, uses, wilson
from perennial.lifecycle.backtest.rules import Rule, Threshold, rules_of
from perennial.warehouse import database

KINDS = ("stage", "days", "cycles")


@dataclass(frozen=True)
class Tested:
    """One model: the outcome of every rule at every origin, which rules were chosen, how well its stages rank."""

    name: str
    model: LifecycleModel
    outcomes: list[Outcome]
    chosen: dict[str, Rule]  # the best of each kind over the origins used for choosing
    suggested: Rule | None  # the best of all
    average_precision: float | None

    def pooled(self, origins: Sequence[date]) -> dict[Rule, Counts]:
        """Every rule, summed over these origins."""
        total: dict[Rule, Counts] = {}
        for outcome in self.outcomes:
            if outcome.origin in origins:
                total[outcome.rule] = total.get(outcome.rule, Counts()) + outcome.counts
        return total

    def alone(self, origins: Sequence[date]) -> dict[Rule | None, Counts]:
        """Who was in each single stage of the decline path, summed over these origins; None: in any other."""
        stages = [o for o in self.outcomes if o.rule.kind == "stage" and o.origin in origins]
        total: dict[Rule | None, Counts] = {None: Counts()}
        for outcome in stages:
            total[outcome.rule] = total.get(outcome.rule, Counts()) + outcome.alone
        first = next((o.rule for o in stages), None)
        for outcome in stages:
            if outcome.rule == first:  # in the mildest stage or a worse one: the others are the rest
                c = outcome.counts
                total[None] += Counts(c.customers - c.flagged, c.silent - c.hits)
        return total

    def at(self, origin: date) -> dict[Rule, Outcome]:
        """Every rule at one origin."""
        return {outcome.rule: outcome for outcome in self.outcomes if outcome.origin == origin}


@dataclass(frozen=True)
class Backtest:
    """The whole: origins with who was asked and what each was used for, the models, the rankings without a model."""

    as_of: date
    horizon: int
    asked: dict[date, Counts]
    uses: dict[date, str]
    models: list[Tested]
    recency: float | None
    cycles: float | None

    @property
    def judged(self) -> date:
        """The newest origin."""
        return max(self.uses)

    @property
    def choosing(self) -> list[date]:
        """The origins on which thresholds were chosen; their horizons were over when the judged one began."""
        return [origin for origin, use in self.uses.items() if use == "choosing"]


def run(
    lifecycle: Lifecycle,
    as_of: date,
    names: Sequence[str],
    horizon: int,
    origins: Sequence[date],
    thresholds: Sequence[Threshold],
) -> Backtest:
    """Test the models `names` as config/ says them now and replace their rows in marts, in one transaction.

    `origins` may be empty: then month ends. ConfigError if a model is unknown or the history too short.
    """
    for name in names:
        if name not in lifecycle.models:
            raise ConfigError(f"--model: unknown model '{name}'; accepted: {', '.join(lifecycle.models)}")
    with database.connect() as session:
        _require_built(session, as_of)
        chosen = sorted(set(origins)) or _origins(session, as_of, horizon)
        _require_known_outcome(chosen, as_of, horizon)
        asked = measure.ask(session, chosen, horizon)
        for origin, counts in asked.items():
            if not counts.customers:
                raise ConfigError(f"--origin {origin}: nobody ordered in the {measure.MEMORY} days up to it")
        purpose = uses(chosen, horizon)
        found = Backtest(
            as_of,
            horizon,
            asked,
            purpose,
            [_test(session, asked, purpose, name, lifecycle.models[name], thresholds) for name in names],
            average_precision(measure.ranking(session, "recency")),
            average_precision(measure.ranking(session, "cycles")),
        )
        _write(session, found)
    return found


def _test(
    session: psycopg.Connection,
    asked: dict[date, Counts],
    purpose: dict[date, str],
    name: str,
    model: LifecycleModel,
    thresholds: Sequence[Threshold],
) -> Tested:
    rules = rules_of(model, list(thresholds))
    of_model, groups = measure.stages(session, asked, name, model, [r for r in rules if r.kind == "stage"])
    outcomes = of_model + measure.sweep(session, asked, [r for r in rules if r.kind != "stage"])
    untested = Tested(name, model, outcomes, {}, None, average_precision(groups))
    pooled = untested.pooled([origin for origin, use in purpose.items() if use == "choosing"])
    chosen = {kind: best({r: c for r, c in pooled.items() if r.kind == kind}) for kind in KINDS}
    return Tested(
        name,
        model,
        outcomes,
        {kind: rule for kind, rule in chosen.items() if rule},
        best(pooled),
        untested.average_precision,
    )


def _require_built(session: psycopg.Connection, as_of: date) -> None:
    night = session.execute("select built_at from ops.nights where as_of = %s", [as_of]).fetchone()
    if night is None or night["built_at"] is None:
        raise FatalError(f"the build of night {as_of} did not end; run its task `transform` again before testing on it")


def _origins(session: psycopg.Connection, as_of: date, horizon: int) -> list[date]:
    first = session.execute("select min(first_order_on) as day from intermediate.int_episodes").fetchone()["day"]
    if first is None:
        raise ConfigError(f"the warehouse knows no order up to {as_of}; there is nothing to test on")
    found = default_origins(first, as_of, horizon)
    if not found:
        shorter = next((h for h in range(horizon - 1, 0, -1) if default_origins(first, as_of, h)), None)
        raise ConfigError(
            f"too little history: orders are known from {first} to {as_of}, {(as_of - first).days + 1} days. A horizon "
            f"of {horizon} days needs a month end with so many days before and after it. "
            + (f"Pass --horizon {shorter} or less" if shorter else "Wait for more history")
            + (
                f", or a day of your own choice up to {as_of - timedelta(days=horizon)} with --origin."
                if as_of - timedelta(days=horizon) >= first
                else "."
            )
        )
    return found


def _require_known_outcome(origins: Sequence[date], as_of: date, horizon: int) -> None:
    for origin in origins:
        if origin + timedelta(days=horizon) > as_of:
            days = (as_of - origin).days
            remedy = f" or --horizon {days}" if days > 0 else ""
            raise ConfigError(
                f"--origin {origin}: its {horizon} days end on {origin + timedelta(days=horizon)}, the newest night is "
                f"{as_of}. Pass an origin up to {as_of - timedelta(days=horizon)}{remedy}."
            )


def _write(session: psycopg.Connection, found: Backtest) -> None:
    key = [found.as_of, found.horizon, [tested.name for tested in found.models]]
    for table in ("lifecycle_backtest", "lifecycle_backtest_models"):
        session.execute(
            f"delete from marts.{table} where as_of = %s and horizon_days = %s and lifecycle_model = any(%s)", key
        )
    for tested in found.models:
        _insert(session, "lifecycle_backtest", [_row(found, tested, outcome) for outcome in tested.outcomes])
        _insert(session, "lifecycle_backtest_models", [_model_row(found, tested)])


def _insert(session: psycopg.Connection, table: str, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    values = ", ".join(f"%({column})s" for column in rows[0])
    with session.cursor() as cursor:
        cursor.executemany(f"insert into marts.{table} ({', '.join(rows[0])}) values ({values})", rows)


def _row(found: Backtest, tested: Tested, outcome: Outcome) -> dict[str, Any]:
    counts, rule = outcome.counts, outcome.rule
    low, high = wilson(counts.hits, counts.flagged) or (None, None)
    return {
        "as_of": found.as_of,
        "horizon_days": found.horizon,
        "lifecycle_model": tested.name,
        "origin": outcome.origin,
        "rule_kind": rule.kind,
        "rule": rule.name,
        "model_version": tested.model.version,
        "used_for": found.uses[outcome.origin],
        "is_suggested": rule == tested.suggested,
        "cycles": rule.cycles,
        "floor_days": rule.floor_days,
        "customers": counts.customers,
        "silent": counts.silent,
        "base_rate": counts.base_rate,
        "flagged": counts.flagged,
        "hits": counts.hits,
        "precision_share": counts.precision,
        "precision_low": low,
        "precision_high": high,
        "recall": counts.recall,
        "f1": counts.f1,
        "lift": counts.lift,
        "lead_days": outcome.lead_days,
        "revenue_at_risk": outcome.revenue_at_risk,
        "revenue_lost": outcome.revenue_lost,
        "stage_customers": outcome.alone and outcome.alone.customers,
        "stage_silent": outcome.alone and outcome.alone.silent,
    }


def _model_row(found: Backtest, tested: Tested) -> dict[str, Any]:
    total = sum(found.asked.values(), Counts())
    return {
        "as_of": found.as_of,
        "horizon_days": found.horizon,
        "lifecycle_model": tested.name,
        "model_version": tested.model.version,
        "origins": list(found.asked),
        "customers": total.customers,
        "base_rate": total.base_rate,
        "average_precision": tested.average_precision,
        "average_precision_recency": found.recency,
        "average_precision_cycles": found.cycles,
    }
