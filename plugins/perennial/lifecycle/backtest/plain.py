"""A back-test as plain data, for JSON."""

from typing import Any

from perennial.lifecycle.backtest.measure import Outcome
from perennial.lifecycle.backtest.metrics import Counts, wilson
from perennial.lifecycle.backtest.run import Backtest, Tested
from perennial.lifecycle.backtest.show import WHY, in_words


def as_json(found: Backtest) -> dict[str, Any]:
    """Everything that was measured; shares from 0 to 1, money in the reporting currency, days as 2017-09-30."""
    return {
        "as_of": str(found.as_of),
        "horizon_days": found.horizon,
        "origins": [
            {"origin": str(origin), "used_for": found.uses[origin], **_asked(counts)}
            for origin, counts in found.asked.items()
        ],
        "average_precision": {"recency": found.recency, "cycles": found.cycles},
        "models": [_model(found, tested) for tested in found.models],
    }


def _asked(counts: Counts) -> dict[str, Any]:
    return {"customers": counts.customers, "silent": counts.silent, "base_rate": counts.base_rate}


def _model(found: Backtest, tested: Tested) -> dict[str, Any]:
    chosen = tested.pooled(found.choosing)
    judged = tested.at(found.judged)
    suggestions = {
        kind: {
            "rule": rule.name,
            "chosen_with": _counted(chosen[rule]),
            "judged_with": _counted(judged[rule].counts),
        }
        for kind, rule in tested.chosen.items()
    }
    return {
        "lifecycle_model": tested.name,
        "version": tested.model.version,
        "name": {"en": tested.model.name.en, "zh": tested.model.name.zh},
        "average_precision": tested.average_precision,
        "suggested": tested.suggested and {"kind": tested.suggested.kind, "rule": tested.suggested.name, "why": WHY},
        "best_of_each_kind": suggestions,
        "rules": [_outcome(tested, outcome) for outcome in tested.outcomes],
    }


def _counted(counts: Counts) -> dict[str, Any]:
    return {
        "flagged": counts.flagged,
        "hits": counts.hits,
        "precision": counts.precision,
        "precision_interval": wilson(counts.hits, counts.flagged),
        "recall": counts.recall,
        "f1": counts.f1,
        "lift": counts.lift,
    }


def _outcome(tested: Tested, outcome: Outcome) -> dict[str, Any]:
    return {
        "kind": outcome.rule.kind,
        "rule": outcome.rule.name,
        "in_words": in_words(tested, outcome.rule),
        "origin": str(outcome.origin),
        **_counted(outcome.counts),
        "lead_days": outcome.lead_days,
        "revenue_at_risk": float(outcome.revenue_at_risk),
        "revenue_lost": float(outcome.revenue_lost),
        "alone": outcome.alone and _asked(outcome.alone),
    }
