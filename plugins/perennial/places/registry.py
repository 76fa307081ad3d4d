"""Which module leads to which place: every module of this package that names the connections it is for."""

from functools import cache
from types import ModuleType

from perennial import places
from perennial.connections import Connection
from perennial.errors import ConfigError
from perennial.kinds import modules
from perennial.places.base import Place


@cache
def kinds() -> dict[str, ModuleType]:
    """The modules by name, in alphabetical order."""
    return {name: module for name, module in modules(places).items() if hasattr(module, "CONN_TYPES")}


def at(folder: str, connection: Connection | None, name: str | None) -> Place:
    """The folder as a place; `name` is what the connection is called. ConfigError if no place is of its type."""
    conn_type = connection.conn_type if connection else None
    for module in kinds().values():
        if conn_type in module.CONN_TYPES:
            return module.Place(folder, connection, name)
    accepted = sorted(t for module in kinds().values() for t in module.CONN_TYPES if t)
    raise ConfigError(f"connection '{name}' is of type '{conn_type}'; files go to types {', '.join(accepted)}")
