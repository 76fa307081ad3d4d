"""Which connector reads which kind of source: every module of this package that says it is one."""

from functools import cache
from types import ModuleType

from perennial import sources
from perennial.kinds import with_settings
from perennial.sources.base import Connector, Settings


@cache
def kinds() -> dict[str, ModuleType]:
    """The modules by kind, in alphabetical order."""
    return with_settings(sources, Settings)


def connector(settings: Settings) -> Connector:
    """What reads the source that these settings describe."""
    return kinds()[settings.kind]
