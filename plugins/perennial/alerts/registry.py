"""Which module tells which kind of alert: every module of this package that says it is one."""

from functools import cache
from types import ModuleType

from perennial import alerts
from perennial.alerts.base import Settings
from perennial.kinds import with_settings


@cache
def kinds() -> dict[str, ModuleType]:
    """The modules by kind, in alphabetical order."""
    return with_settings(alerts, Settings)
