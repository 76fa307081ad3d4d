"""The rules a back-test compares: the model's own stages, multiples of the personal cycle, fixed days."""

import re
from dataclasses import dataclass

from perennial.config.conditions import leaves
from perennial.config.lifecycle import LifecycleModel
from perennial.errors import ConfigError

DAYS = (14, 30, 45, 60, 90, 120, 180)
CYCLES = range(1, 13)
THRESHOLD = re.compile(r"(?:(?P<cycles>\d{1,3}(?:\.\d{1,3})?)x)?(?P<days>\d{0,4})")


@dataclass(frozen=True)
class Rule:
    """In `stage` or a worse one, or silent for more than max(cycles x personal cycle, floor_days) days."""

    kind: str  # stage, cycles or days
    name: str
    cycles: float | None = None
    floor_days: int | None = None


@dataclass(frozen=True)
class Threshold:
    """Silence that a sweep tries; without `floor_days` the model's own."""

    cycles: float
    floor_days: int | None

    def rule(self, floor: int) -> Rule:
        """The rule it is for a model with this floor."""
        days = floor if self.floor_days is None else self.floor_days
        if self.cycles:
            return Rule("cycles", f"{self.cycles:g}x{days}", self.cycles, days)
        return Rule("days", str(days), 0, days)


# of equal rules the earlier one is suggested: a stage that exists, then the simpler threshold
DEFAULT = [*(Threshold(0, days) for days in DAYS), *(Threshold(k, None) for k in CYCLES)]


def parse(text: str) -> list[Threshold]:
    """Thresholds from `60,4x,4x75`: days, cycles with the model's floor, cycles with a floor; else ConfigError."""
    found = []
    for part in text.replace(" ", "").split(","):
        match = THRESHOLD.fullmatch(part)
        cycles, days = (float(match["cycles"] or 0), match["days"]) if match else (0, "")
        if not cycles and not days:
            raise ConfigError(
                f"--thresholds: '{part}' is none; accepted, separated by commas: 60 (days of silence), 4x (personal "
                "cycles, with the model's floor) or 4x75 (cycles, and at least so many days)"
            )
        found.append(Threshold(cycles, int(days) if days else None))
    return list(dict.fromkeys(found))


def floor_of(model: LifecycleModel) -> int:
    """The fewest days of silence that any of the model's declining or lost stages asks for; 0 if none does."""
    fading = [s.when for s in model.stages if s.when and s.phase in ("declining", "lost")]
    return min((c.late.floor_days for when in fading for c in leaves(when) if c.late), default=0)


def rules_of(model: LifecycleModel, thresholds: list[Threshold]) -> list[Rule]:
    """Every rule to try: stages of the decline path from the mildest, then the thresholds."""
    stages = sorted((order, name) for name, order in model.decline_path.items() if order > 1)
    swept = [threshold.rule(floor_of(model)) for threshold in thresholds]
    return [*(Rule("stage", name) for _, name in stages), *dict.fromkeys(swept)]
