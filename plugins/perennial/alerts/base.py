"""What is told of a night, and what every way of telling it has in common."""

from dataclasses import dataclass
from datetime import date
from typing import Literal, Protocol

from pydantic import Field, field_validator

from perennial.connections import Connection
from perennial.entry import Entry, Identifier

Event = Literal["failed", "blocked", "late", "waiting", "finished"]
EVENTS: dict[str, tuple[str, str]] = {
    "failed": ("did not end", "运行失败"),
    "blocked": ("is blocked, nothing is exported", "已拦截，未导出任何受众"),
    "late": ("is not finished yet", "尚未完成"),
    "waiting": ("has audiences that wait for approval", "有受众等待审批"),
    "finished": ("is finished", "已完成"),
}


@dataclass(frozen=True)
class Notice:
    """One thing to tell; `lines` never hold contact details. `as_of` is None where no night was chosen."""

    event: Event
    as_of: date | None
    lines: tuple[str, ...]

    @property
    def subject(self) -> str:
        """One line, in English and Chinese."""
        english, chinese = EVENTS[self.event]
        night = f"night {self.as_of}" if self.as_of else "a night"
        return f"Perennial: {night} {english} {chinese}"

    @property
    def text(self) -> str:
        """What is to be read below it."""
        return "\n".join(self.lines)


class Settings(Entry):
    """What every alert has in config/alerts.yml."""

    kind: str
    connection: Identifier
    events: list[Event] = Field(default=["failed", "blocked", "late"], min_length=1)

    @field_validator("events")
    @classmethod
    def _once(cls, events: list[str]) -> list[str]:
        """Every event once."""
        if len(set(events)) < len(events):
            raise ValueError(f"{', '.join(events)}: name every event once")
        return events


class Module(Protocol):
    """A module of this package that is a kind of alert."""

    Settings: type[Settings]

    def tell(self, settings: Settings, name: str, connection: Connection, notice: Notice) -> None:
        """Tell it, or raise RetriableError or ConfigError that name the connection, and no secret of it."""
