"""config/quiet_hours.yml: when people of a country may be written to."""

from datetime import time
from typing import Annotated, Any, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field, field_validator, model_validator

from perennial.entry import Entry

Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
Day = Annotated[str, Field(pattern=r"^(\d{4}-)?(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$")]


class Hours(Entry):
    """Hours and days that are allowed."""

    from_: time = Field(alias="from")
    until: time
    sundays: bool = True
    holidays: list[Day] = Field(default_factory=list, max_length=200)
    easter: list[Annotated[int, Field(ge=-60, le=80)]] = Field(default_factory=list)

    @field_validator("from_", "until", mode="before")
    @classmethod
    def _quoted(cls, value: Any) -> Any:
        if not isinstance(value, str):
            raise ValueError(f'is {value!r}, not a time of day; put it in quotes, such as "08:00"')
        return value

    @field_validator("holidays", mode="before")
    @classmethod
    def _as_text(cls, days: Any) -> Any:
        """YAML reads 2018-05-01 without quotes as a date."""
        return [day if isinstance(day, str) else str(day) for day in days] if isinstance(days, list) else days

    @model_validator(mode="after")
    def _open(self) -> Self:
        """`from` is before `until`."""
        if self.from_ >= self.until:
            raise ValueError(
                f"from {self.from_:%H:%M} is not before until {self.until:%H:%M}: nobody could be written to"
            )
        return self


class CountryHours(Hours):
    """The same in the zones of a country."""

    timezones: list[str] = Field(min_length=1)

    @field_validator("timezones")
    @classmethod
    def _known(cls, names: list[str]) -> list[str]:
        """Time zones have IANA names such as Europe/Paris."""
        for name in names:
            if name not in available_timezones():
                raise ValueError(f"unknown time zone '{name}'; accepted: names such as Europe/Paris")
        return names

    @property
    def zones(self) -> list[ZoneInfo]:
        return [ZoneInfo(name) for name in self.timezones]


class QuietHours(Entry):
    """The whole file."""

    default: Hours
    countries: dict[Country, CountryHours] = Field(default_factory=dict)
