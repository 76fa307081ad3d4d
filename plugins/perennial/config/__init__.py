"""All of config/, validated before anything runs."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from perennial import paths
from perennial.config import columns, overrides, playbook
from perennial.config.alerts import Alerts
from perennial.config.audiences import Audiences
from perennial.config.conditions import event_conditions
from perennial.config.destinations import Destinations
from perennial.config.files import place, read
from perennial.config.identity import Identity
from perennial.config.lifecycle import OWN_EVENTS, Lifecycle, LifecycleModel
from perennial.config.overrides import Override
from perennial.config.playbook import Cell
from perennial.config.queries import read_queries
from perennial.config.quiet_hours import QuietHours
from perennial.config.sources import Sources
from perennial.config.value import Value
from perennial.errors import ConfigError


@dataclass(frozen=True)
class Config:
    """Everything a company decides, read from config/."""

    sources: Sources
    lifecycle: Lifecycle
    audiences: Audiences
    destinations: Destinations
    value: Value
    playbook: list[Cell]
    quiet_hours: QuietHours
    identity: Identity
    overrides: list[Override]
    alerts: Alerts


def load(folder: Path | None = None) -> Config:
    """The configuration in force, or that of a folder; ConfigError if any file is wrong."""
    return _load(folder or paths.config())


@cache
def _load(folder: Path) -> Config:
    parts: dict[str, object] = {}
    problems: list[str] = []
    for name, reader in (
        ("sources", lambda: read(folder / "sources.yml", Sources)),
        ("lifecycle", lambda: _lifecycle(folder)),
        ("audiences", lambda: _audiences(folder)),
        ("destinations", lambda: read(folder / "destinations.yml", Destinations)),
        ("value", lambda: read(folder / "value.yml", Value)),
        ("playbook", lambda: playbook.read(folder / "playbook.csv")),
        ("quiet_hours", lambda: read(folder / "quiet_hours.yml", QuietHours)),
        ("identity", lambda: read(folder / "identity.yml", Identity)),
        ("overrides", lambda: overrides.read(folder / "identity_overrides.csv")),
        ("alerts", lambda: read(folder / "alerts.yml", Alerts)),
    ):
        try:
            parts[name] = reader()
        except ConfigError as error:
            problems.append(str(error))
    if not problems:
        checks = (_undelivered_events, _unknown_targets, _unknown_members, _unknown_attributes)
        checks += (_wrong_cells, _wrong_overrides)
        problems = [problem for check in checks for problem in check(folder, **parts)]
    if problems:
        raise ConfigError("\n".join(problems))
    without_lines = {name: [row for _, row in parts[name]] for name in ("playbook", "overrides")}
    return Config(**parts | without_lines)


def _audiences(folder: Path) -> Audiences:
    return read(folder / "audiences.yml", Audiences, queries=read_queries(folder / "audiences"))


def _lifecycle(folder: Path) -> Lifecycle:
    """lifecycle.yml with every model of lifecycle/, one file each, named as the model."""
    models, problems = {}, []
    for path in sorted((folder / "lifecycle").glob("[!.]*")):
        if path.suffix != ".yml":
            problems.append(f"{path}: is no lifecycle model; name it {path.stem}.yml, or move it elsewhere")
            continue
        try:
            models[path.stem] = read(path, LifecycleModel)
        except ConfigError as error:
            problems.append(str(error))
    if problems:
        raise ConfigError("\n".join(problems))
    return read(folder / "lifecycle.yml", Lifecycle, models=models)


def _undelivered_events(folder: Path, sources: Sources, lifecycle: Lifecycle, **_) -> Iterator[str]:
    """Events that an enabled model cannot do without and no source delivers."""
    delivered = {*OWN_EVENTS, *sources.event_types}
    for name in lifecycle.enabled:
        model = lifecycle.models[name]
        for index, stage in enumerate(model.stages):
            named = event_conditions(stage.when) if stage.when else ()
            for missing in sorted(set(named) - delivered - set(model.optional_events)):
                at = place(folder / "lifecycle" / f"{name}.yml", "stages", index, "when")
                yield (
                    f"{at}: no source delivers the event '{missing}'; delivered: {', '.join(sorted(delivered))}. "
                    "Map it under `events` of a source, or list it in optional_events if the model can do without"
                )


def _unknown_targets(folder: Path, lifecycle: Lifecycle, audiences: Audiences, destinations: Destinations, **_):
    """Destinations, lifecycle models and stages that audiences name and nobody knows."""
    file = folder / "audiences.yml"
    for name, audience in audiences.audiences.items():
        for index, target in enumerate(audience.destinations):
            if target not in destinations.destinations:
                accepted = ", ".join(destinations.destinations)
                at = place(file, "audiences", name, "destinations", index)
                yield f"{at}: unknown '{target}'; accepted: {accepted}"
        for key in ("stage", "turning"):
            condition = getattr(audience.where, key, None)
            if condition is None:
                continue
            at = ("audiences", name, "where", key)
            if condition.model not in lifecycle.enabled:
                accepted = ", ".join(lifecycle.enabled)
                yield (
                    f"{place(file, *at, 'model')}: '{condition.model}' is not enabled in lifecycle.yml; "
                    f"accepted: {accepted}"
                )
                continue
            stages = [s.stage for s in lifecycle.models[condition.model].stages]
            for stage in getattr(condition, "is_", None) or condition.into:
                if stage not in stages:
                    accepted = ", ".join(stages)
                    yield f"{place(file, *at)}: unknown stage '{stage}' of {condition.model}; accepted: {accepted}"


def _unknown_members(folder: Path, lifecycle: Lifecycle, audiences: Audiences, **_) -> Iterator[str]:
    """Columns, and stages of the playbook, that audiences ask for and nobody has."""
    file, stages = folder / "audiences.yml", [s.stage for s in lifecycle.models[lifecycle.default].stages]
    for name, audience in audiences.audiences.items():
        for column, test in (getattr(audience.where, "columns", None) or {}).items():
            at = place(file, "audiences", name, "where", column)
            yield from (f"{at}: {problem}" for problem in columns.problems(column, test))
        for stage in getattr(audience.playbook, "stages", None) or []:
            if stage not in stages:
                at = place(file, "audiences", name, "playbook", "stages")
                yield f"{at}: unknown stage '{stage}' of {lifecycle.default}; accepted: {', '.join(stages)}"


def _unknown_attributes(folder: Path, destinations: Destinations, **_) -> Iterator[str]:
    """What destinations want to be told of people, and customer_360 does not have."""
    for name, destination in destinations.destinations.items():
        for attribute in destination.attributes:
            if attribute not in columns.columns():
                at = place(folder / "destinations.yml", "destinations", name, "attributes")
                accepted = ", ".join(columns.columns())
                yield f"{at}: customer_360 has no column '{attribute}' that can be sent; accepted: {accepted}"


def _wrong_cells(folder: Path, lifecycle: Lifecycle, value: Value, **parts) -> Iterator[str]:
    yield from playbook.problems(folder / "playbook.csv", parts["playbook"], lifecycle, value.margin)


def _wrong_overrides(folder: Path, sources: Sources, **parts) -> Iterator[str]:
    yield from overrides.problems(folder / "identity_overrides.csv", parts["overrides"], list(sources.sources))
