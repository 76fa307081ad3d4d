"""What kinds of something there are: the modules of a package, so that adding a kind is adding a file."""

import importlib
import pkgutil
from types import ModuleType


def modules(package: ModuleType) -> dict[str, ModuleType]:
    """Every module of the package by name, in alphabetical order."""
    names = sorted(found.name for found in pkgutil.iter_modules(package.__path__))
    return {name: importlib.import_module(f"{package.__name__}.{name}") for name in names}


def with_settings(package: ModuleType, base: type) -> dict[str, ModuleType]:
    """Those of them with a class `Settings` of their own, other than the one it is made from."""
    found = ((name, module, getattr(module, "Settings", base)) for name, module in modules(package).items())
    return {name: module for name, module, own in found if own is not base and own.__module__ == module.__name__}
