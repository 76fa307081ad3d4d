"""How far an incremental source has been read: the newest change time seen, never lagged, never in the future."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from perennial.clock import wall_clock
from perennial.errors import ContractError

CLOCK_DRIFT = timedelta(minutes=15)


class Cursor:
    """The newest change time of an entity, from the stored one on, as rows pass."""

    def __init__(self, name: str, column: int | None, zone: str, stored: dict[str, Any] | None) -> None:
        self.name, self.column, self.zone = name, column, ZoneInfo(zone)
        # a change dated in the future must not hide all changes until then
        self.limit = wall_clock() + CLOCK_DRIFT
        text = (stored or {}).get("newest")
        self.newest = datetime.fromisoformat(text) if text else None

    def since(self, overlap_days: float) -> datetime | None:
        """Read changes from here: the stored time less the overlap, so late commits are not lost."""
        return self.newest - timedelta(days=overlap_days) if self.newest else None

    def see(self, rows: list[Any]) -> None:
        """Take note of rows that passed."""
        if self.column is None:
            return
        values = [self._moment(r[self.column]) for r in rows if r[self.column] is not None]
        values = [v for v in values if self._aware(v) <= self.limit]
        if values:
            self.note(max(values, key=self._aware))

    def note(self, value: datetime) -> None:
        """A change that passed, not later than the limit."""
        if self.newest is None or self._aware(value) > self._aware(self.newest):
            self.newest = value

    def position(self) -> dict[str, Any]:
        """What to store after the last row."""
        return {"newest": self.newest.isoformat() if self.newest else None}

    def _moment(self, value: Any) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            return datetime.fromisoformat(str(value))
        except ValueError:
            raise ContractError(
                f"{self.name}: its cursor holds {type(value).__name__} values that are no date and time. "
                "Name a column that tells when a row changed, or leave `cursor` out to read everything every night."
            ) from None

    def _aware(self, value: datetime) -> datetime:
        return value if value.tzinfo else value.replace(tzinfo=self.zone)
