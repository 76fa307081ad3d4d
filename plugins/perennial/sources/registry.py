"""Which connector reads which kind of source: every module of this package that says it is one."""

import importlib
import pkgutil
from functools import cache
from types import ModuleType

from perennial import sources
from perennial.sources.base import Connector, Settings


@cache
def kinds() -> dict[str, ModuleType]:
    """The modules by kind, in alphabetical order."""
    modules = {
        found.name: importlib.import_module(f"{sources.__name__}.{found.name}")
        for found in pkgutil.iter_modules(sources.__path__)
    }
    return {name: module for name, module in sorted(modules.items()) if _is_connector(module)}


def connector(settings: Settings) -> Connector:
    """What reads the source that these settings describe."""
    return kinds()[settings.kind]


def _is_connector(module: ModuleType) -> bool:
    found = getattr(module, "Settings", None)
    return found is not None and found is not Settings and found.__module__ == module.__name__
