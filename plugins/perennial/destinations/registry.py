"""Which module delivers to which kind of destination: every module of this package that says it is one."""

from functools import cache
from types import ModuleType

from perennial import destinations
from perennial.connections import Connection, Lookup
from perennial.destinations.base import Destination, Settings
from perennial.errors import ConfigError
from perennial.kinds import with_settings


@cache
def kinds() -> dict[str, ModuleType]:
    """The modules by kind, in alphabetical order."""
    return with_settings(destinations, Settings)


def make(settings: Settings, connection: Connection | None) -> Destination:
    """The destination that these settings describe."""
    return kinds()[settings.kind].Destination(settings, connection)


def connected(name: str, settings: Settings, lookup: Lookup) -> Connection | None:
    """The connection that the settings of the destination `name` ask for; ConfigError if there is none."""
    if settings.connection is None:
        return None
    found = lookup(settings.connection)
    if found is None:
        raise ConfigError(
            f"destination {name}: there is no connection '{settings.connection}'; add it in Airflow, "
            f"or set AIRFLOW_CONN_{settings.connection.upper()}"
        )
    return found
