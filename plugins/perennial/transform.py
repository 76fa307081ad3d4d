"""Run dbt for a night: the configuration as vars, the warehouse connection as environment, results as rows."""

import hashlib
import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from perennial import paths
from perennial.activation.compile import compile_activation
from perennial.config import Config
from perennial.config.lifecycle import OWN_EVENTS
from perennial.connections import Connection
from perennial.errors import FatalError, RetriableError
from perennial.lifecycle.compile import compile_enabled
from perennial.progress import say

FAILED = ("error", "fail", "runtime error")
PASSING_FAULT = re.compile(r"connection|server closed|deadlock|could not serialize|shutting down|starting up", re.I)


@dataclass(frozen=True)
class NodeResult:
    """What became of one dbt node."""

    node: str
    status: str
    seconds: float
    message: str


def variables(config: Config, as_of: date) -> dict[str, object]:
    """Everything the models need to know that is decided in config/, and the night."""
    from perennial.clv.fit import RECENT_DAYS  # numpy and scipy are slow to import, and only needed here

    lifecycle, business = config.lifecycle, config.sources.business
    starts = [p.effective_from for p in lifecycle.population]
    return {
        "as_of_date": as_of.isoformat(),
        "business_timezone": business.timezone,
        "day_starts_at_hour": business.day_starts_at_hour,
        "currency": business.currency,
        "other_currencies": business.other_currencies,
        "rate_holds_days": business.rate_holds_days,
        "cycle": lifecycle.cycle.model_dump(),
        "trend": lifecycle.trend.model_dump(),
        "population": [
            {
                "effective_from": row.effective_from.isoformat() if row.effective_from else None,
                "effective_to": end.isoformat() if end else None,
                "median_gap_days": row.median_gap_days,
                "order_value": row.order_value,
            }
            for row, end in zip(lifecycle.population, [*starts[1:], None], strict=True)
        ],
        "events": [name for name in lifecycle.events if name in {*OWN_EVENTS, *config.sources.event_types}],
        "uses_recent_spend": lifecycle.uses_recent_spend,
        "lifecycle": compile_enabled(lifecycle),
        "default_lifecycle": lifecycle.default,
        "stages": [
            {
                "lifecycle_model": name,
                "stage": stage.stage,
                "stage_order": order,
                "phase": stage.phase,
                "decline_order": decline.get(stage.stage),
                "label_en": stage.label.en,
                "label_zh": stage.label.zh,
                "description_en": stage.description.en,
                "description_zh": stage.description.zh,
            }
            for name in lifecycle.enabled
            for decline in [lifecycle.models[name].decline_path]
            for order, stage in enumerate(lifecycle.models[name].stages)
        ],
        **compile_activation(config, as_of),
        "value": {"recent_days": RECENT_DAYS, **config.value.model_dump()},
        "identity": {
            **config.identity.model_dump(),
            "overrides": [row.model_dump(exclude={"reason"}) for row in config.overrides],
        },
    }


def target_folder(as_of: date) -> Path:
    """Where dbt writes what it compiled and logged for a night; readable by its owner only."""
    return paths.private_folder(paths.state() / "dbt" / str(as_of))


def fingerprint(config: Config, as_of: date) -> str:
    """A hash of everything the models are told; a night built from another one is not what config/ says now."""
    return hashlib.md5(json.dumps(variables(config, as_of), sort_keys=True).encode()).hexdigest()


def run(
    arguments: list[str], config: Config, as_of: date, warehouse: Connection, aside: dict[str, object] | None = None
) -> list[NodeResult]:
    """Run dbt with `arguments`, e.g. ["build"]; `aside` are more variables, for tables beside those of the night.

    Raises FatalError naming the failed nodes, RetriableError if only connections failed. Never call it where another
    dbt runs in the same process.
    """
    from dbt.cli.main import dbtRunner  # slow to import, and only needed here

    target = target_folder(as_of) / "aside" if aside else target_folder(as_of)
    project = str(paths.home() / "dbt_project")
    common = ["--project-dir", project, "--profiles-dir", project, "--target-path", str(target)]
    common += ["--log-path", str(target / "logs"), "--log-level-file", "warn", "--quiet"]
    command = [*arguments, *common, "--vars", json.dumps(variables(config, as_of) | (aside or {}), ensure_ascii=False)]
    os.environ.update(warehouse.libpq())
    os.environ["DBT_SEND_ANONYMOUS_USAGE_STATS"] = "false"
    outcome = dbtRunner(callbacks=[_progress()]).invoke(command)
    if outcome.exception is not None:
        raise FatalError(f"dbt {command[0]}: {outcome.exception}") from outcome.exception
    results = [
        NodeResult(
            r.node.unique_id,
            str(r.status),
            round(r.execution_time, 3),
            _told(r.message or "")[:300],
        )
        for r in getattr(outcome.result, "results", [])
    ]
    failed = [r for r in results if r.status in FAILED]
    if failed:
        message = "dbt: " + "; ".join(f"{r.node}: {r.status}: {r.message}" for r in failed)
        message += f". The database's own words are in {target / 'logs' / 'dbt.log'}"
        passing = all(r.status == "error" and PASSING_FAULT.search(r.message) for r in failed)
        raise (RetriableError if passing else FatalError)(message)
    return results


def _told(message: str) -> str:
    """Of a node only its first line, since values can follow; all of what a macro refuses."""
    lines = [line.strip() for line in message.splitlines()] or [""]
    return ": ".join(lines[:2]) if lines[0].startswith("Compilation Error") else lines[0]


def _progress() -> Callable[[object], None]:
    """A dbt callback that says which table was built."""

    def on_event(event: object) -> None:
        if event.info.name != "NodeFinished":
            return
        node = event.data.node_info
        if node.resource_type in ("model", "seed") or node.node_status in FAILED:
            say(f"transform: {node.node_name} {node.node_status}")

    return on_event
