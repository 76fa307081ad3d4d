"""All of config/, validated before anything runs."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from perennial import paths
from perennial.config.audiences import Audiences
from perennial.config.destinations import Destinations
from perennial.config.files import read
from perennial.config.lifecycle import Lifecycle
from perennial.config.sources import Sources
from perennial.errors import ConfigError


@dataclass(frozen=True)
class Config:
    """Everything a company decides, read from config/."""

    sources: Sources
    lifecycle: Lifecycle
    audiences: Audiences
    destinations: Destinations


def load() -> Config:
    """The configuration in force; ConfigError if any file is wrong."""
    return _load(paths.config())


@cache
def _load(folder: Path) -> Config:
    parts: dict[str, object] = {}
    problems: list[str] = []
    for name, model in (
        ("sources", Sources),
        ("lifecycle", Lifecycle),
        ("audiences", Audiences),
        ("destinations", Destinations),
    ):
        try:
            parts[name] = read(folder / f"{name}.yml", model)
        except ConfigError as error:
            problems.append(str(error))
    if not problems:
        problems = list(_across_files(folder, **parts))
    if problems:
        raise ConfigError("\n".join(problems))
    return Config(**parts)


def _across_files(folder: Path, sources, lifecycle: Lifecycle, audiences: Audiences, destinations: Destinations):
    file = folder / "audiences.yml"
    for name, audience in audiences.audiences.items():
        for target in audience.destinations:
            if target not in destinations.destinations:
                accepted = ", ".join(destinations.destinations)
                yield f"{file}: audiences.{name}.destinations: unknown '{target}'; accepted: {accepted}"
        for key in ("stage", "turning"):
            condition = getattr(audience.where, key)
            if condition is None:
                continue
            at = f"{file}: audiences.{name}.where.{key}"
            if condition.model not in lifecycle.enabled:
                accepted = ", ".join(lifecycle.enabled)
                yield f"{at}.model: '{condition.model}' is not enabled in lifecycle.yml; accepted: {accepted}"
                continue
            stages = [s.stage for s in lifecycle.models[condition.model].stages]
            for stage in getattr(condition, "is_", None) or condition.into:
                if stage not in stages:
                    yield f"{at}: unknown stage '{stage}' of {condition.model}; accepted: {', '.join(stages)}"
