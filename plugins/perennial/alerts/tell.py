"""Tell everybody who wants to know, each of them once: a task that runs again must not alarm again."""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import date, datetime

from perennial.alerts import registry, standing
from perennial.alerts.base import Notice, Settings
from perennial.clock import wall_clock
from perennial.connections import Lookup
from perennial.errors import ConfigError, PerennialError, RetriableError, raise_all
from perennial.progress import say
from perennial.warehouse.database import connect

TOLD = "select from ops.alerts where as_of = %s and alert = %s and event = %s and said_hash = %s"
TELL = """
    insert into ops.alerts (as_of, alert, event, said_hash, told_at) values (%s, %s, %s, %s, %s) on conflict do nothing
"""


def of_night(as_of: date | None, alerts: Mapping[str, Settings], lookup: Lookup) -> list[Notice]:
    """Tell how a run of the night ended; returns what was told of. Errors as of `everybody`."""
    found = _found(as_of) if as_of else [Notice("failed", None, ("No night was chosen. See Airflow.",))]
    everybody(found, alerts, lookup)
    return found


def if_late(as_of: date, alerts: Mapping[str, Settings], lookup: Lookup) -> list[Notice]:
    """Tell that the night is not finished by now, if it is not; returns what was told of. Errors as of `everybody`."""
    ended = _found(as_of)[0]
    found = [] if ended.event == "finished" else [Notice("late", as_of, ended.lines)]
    everybody(found, alerts, lookup)
    return found


def everybody(
    notices: Iterable[Notice], alerts: Mapping[str, Settings], lookup: Lookup, *, again: bool = False
) -> None:
    """Tell each alert what it asks for, once or `again`. One that fails leaves the others alone; then it is raised."""
    errors: list[PerennialError] = []
    for notice in notices:
        for name, settings in alerts.items():
            if notice.event not in settings.events or (not again and _was_told(name, notice)):
                continue
            try:
                connection = lookup(settings.connection)
                if connection is None:
                    raise ConfigError(
                        f"alert '{name}': Airflow has no connection '{settings.connection}'. "
                        f"Set AIRFLOW_CONN_{settings.connection.upper()}, or take the alert out of config/alerts.yml"
                    )
                registry.kinds()[settings.kind].tell(settings, settings.connection, connection, notice)
            except PerennialError as error:
                say(f"alert {name}: {error}")
                errors.append(error)
            else:
                say(f"alert {name}: {notice.event}")
                if not again:
                    _note(name, notice, wall_clock())
    raise_all(errors)


def _found(as_of: date) -> list[Notice]:
    try:
        with connect() as session:
            return standing.notices(session, as_of)
    except RetriableError as error:
        return [Notice("failed", as_of, (str(error),))]


def _was_told(name: str, notice: Notice) -> bool:
    try:
        with connect() as session:
            return session.execute(TOLD, _of(name, notice)).rowcount > 0
    except RetriableError:
        return False  # better twice than never


def _note(name: str, notice: Notice, at: datetime) -> None:
    try:
        with connect() as session:
            session.execute(TELL, [*_of(name, notice), at])
    except RetriableError:
        say(f"alert {name}: that it was told could not be noted")


def _of(name: str, notice: Notice) -> list[object]:
    said = hashlib.sha256(notice.text.encode()).hexdigest()
    return [notice.as_of or date.min, name, notice.event, said]
