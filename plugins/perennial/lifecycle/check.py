"""Whether every stage of a lifecycle model can occur, and for whom."""

from collections.abc import Iterator

from perennial import paths
from perennial.config import Config
from perennial.config.conditions import event_conditions
from perennial.config.files import place
from perennial.config.lifecycle import OWN_EVENTS, Lifecycle, LifecycleModel, Stage
from perennial.errors import ConfigError
from perennial.lifecycle.witness import Found, Search, Witness


def require_reachable(config: Config) -> None:
    """ConfigError with file and line if a stage of an enabled model can never be anybody's."""
    problems = [p for name in config.lifecycle.enabled for p in _Checked(config, name).problems()]
    if problems:
        raise ConfigError("\n".join(problems))


def report(config: Config, *, everything: bool) -> Iterator[str]:
    """The stages of the enabled models (or of all), each with its witness; then ConfigError as `require_reachable`."""
    problems: list[str] = []
    for name in config.lifecycle.models if everything else config.lifecycle.enabled:
        checked = _Checked(config, name)
        yield from checked.lines()
        problems += checked.problems()
    if problems:
        raise ConfigError("\n".join(problems))


class _Checked:
    """One model, searched once without the events that nobody delivers."""

    def __init__(self, config: Config, name: str):
        self.name, self.lifecycle, self.model = name, config.lifecycle, config.lifecycle.models[name]
        self.missing = frozenset(self.model.events) - {*OWN_EVENTS, *config.sources.event_types}
        self.search = Search(self.model, config.lifecycle, self.missing)
        self.found = self.search.stages()
        self.undelivered = {
            index: _undelivered(self.model, self.lifecycle, index, self.missing)
            for index, found in enumerate(self.found)
            if found.impossible and self.missing
        }

    def lines(self) -> Iterator[str]:
        yield f"{self.name}, version {self.model.version}: {self.model.name.en} {self.model.name.zh}"
        width = max(len(s.stage) for s in self.model.stages)
        for index, found in enumerate(self.found):
            yield f"  {found.stage.stage:<{width}}  {self._label(found.stage)}: {self._finding(index, found)}"

    def problems(self) -> Iterator[str]:
        path = paths.config() / "lifecycle" / f"{self.name}.yml"
        for index, found in enumerate(self.found):
            if found.impossible and not self.undelivered.get(index):
                yield f"{place(path, 'stages', index)}: nobody can ever be in '{found.stage.stage}': {self._why(index)}"

    def _label(self, stage: Stage) -> str:
        return f"{stage.label.en} {stage.label.zh}"

    def _finding(self, index: int, found: Found) -> str:
        if found.witness:
            return f"{found.witness}{self._in_time(found.witness)}"
        if not found.impossible:
            return "no example found, but it may occur"
        if self.undelivered.get(index):
            return f"cannot occur: no source delivers {', '.join(self.undelivered[index])}"
        return "cannot occur"

    def _in_time(self, witness: Witness) -> str:
        """When she would have to live, if not in the time of the newest population values."""
        later = self.lifecycle.population[self.lifecycle.population.index(witness.population) + 1 :]
        return f" (before {later[0].effective_from})" if later else ""

    def _why(self, index: int) -> str:
        if self.search.on_its_own(index).impossible:
            return "its own condition can never hold. Change it, or remove the stage"
        takers = ((s.stage, self.search.first_match(n, among=index).witness) for n, s in enumerate(self._before(index)))
        named = [f"'{stage}' takes {witness}" for stage, witness in takers if witness]
        return (
            f"earlier stages take everybody it describes, e.g. {'; '.join(named)}. "
            "The first match wins: move the stage up, change its condition, or remove it"
        )

    def _before(self, index: int) -> list[Stage]:
        return self.model.stages[:index]


def _undelivered(model: LifecycleModel, lifecycle: Lifecycle, index: int, missing: frozenset[str]) -> list[str]:
    """The events that would have to be delivered for the stage to occur; none if that would not help."""
    found = Search(model, lifecycle).first_match(index)
    if found.impossible:
        return []
    when = model.stages[index].when
    named = set(event_conditions(when)) & missing if when else set()
    happened = {name for name, _ in found.witness.events} & missing if found.witness else set()
    return sorted(named or happened or missing)
