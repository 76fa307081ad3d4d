"""What local time is in UTC, by day, as PostgreSQL has it: its time zones, not those of this machine."""

import numpy as np

from perennial.warehouse.database import connect

SHIFTS = """
    with days as (select day, (date '1970-01-01' + day)::timestamp as midnight from unnest(%(days)s::int[]) as day)
    select day, extract(epoch from (midnight at time zone 'UTC') - (midnight at time zone %(zone)s))::bigint as shift,
        extract(epoch from (midnight + interval '1 day') at time zone 'UTC'
            - (midnight + interval '1 day') at time zone %(zone)s)::bigint as next_shift
    from days
"""


class LocalDays:
    """How far the days of a zone are from UTC. It asks in a session of its own: the loader's may be copying."""

    def __init__(self, zone: str) -> None:
        self._zone = zone
        self._shifts: dict[int, int | None] = {}

    def __call__(self, days: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Microseconds ahead of UTC of days since 1970, and whether that holds all day long."""
        if self._zone == "UTC":
            return np.zeros(len(days), np.int64), np.ones(len(days), bool)
        asked = [int(day) for day in days if int(day) not in self._shifts]
        if asked:
            with connect() as session:
                for row in session.execute(SHIFTS, {"days": asked, "zone": self._zone}).fetchall():
                    is_same = row["shift"] == row["next_shift"]  # else the clock is changed on that day
                    self._shifts[row["day"]] = row["shift"] * 1_000_000 if is_same else None
        found = [self._shifts[int(day)] for day in days]
        return np.array([shift or 0 for shift in found], np.int64), np.array([shift is not None for shift in found])
