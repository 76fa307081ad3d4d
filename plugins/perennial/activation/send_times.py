"""From when on people of a country may be written to after a night."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dateutil.easter import easter

from perennial.config.quiet_hours import Hours, QuietHours
from perennial.config.sources import Business
from perennial.errors import ConfigError

STEP = timedelta(minutes=15)  # zones differ by multiples of it
LONGEST = timedelta(days=21)


def send_times(quiet: QuietHours, business: Business, as_of: date) -> list[dict[str, str | None]]:
    """Per country (None: all others) the earliest moment, and the day it is on her clocks.

    ConfigError if three weeks allow nothing.
    """
    ready, zone = ready_at(business, as_of), ZoneInfo(business.timezone)
    rules = {None: (quiet.default, [zone])} | {name: (c, c.zones) for name, c in quiet.countries.items()}
    rows = []
    for country, (hours, zones) in rules.items():
        moment = earliest(hours, zones, ready)
        if moment is None:
            raise ConfigError(f"quiet_hours.yml: {country or 'default'} allows no message for three weeks from {ready}")
        day = moment.astimezone(zones[0]).date()
        rows.append(
            {"country": country, "send_at": moment.astimezone(ZoneInfo("UTC")).isoformat(), "send_on": str(day)}
        )
    return rows


def ready_at(business: Business, as_of: date) -> datetime:
    """When a night's messages can be sent at all: its business day is over."""
    return datetime.combine(as_of + timedelta(days=1), time(business.day_starts_at_hour), ZoneInfo(business.timezone))


def earliest(hours: Hours, zones: list[ZoneInfo], ready: datetime) -> datetime | None:
    """The first allowed moment from `ready` on, in quarters of an hour; None within three weeks."""
    moment = ready.astimezone(ZoneInfo("UTC"))  # an hour that a clock repeats is two moments
    while moment < ready + LONGEST:
        if all(_allowed(hours, moment.astimezone(zone)) for zone in zones):
            return moment
        moment += STEP
    return None


def _allowed(hours: Hours, local: datetime) -> bool:
    day = local.date()
    holiday = (
        f"{day:%m-%d}" in hours.holidays or str(day) in hours.holidays or (day - easter(day.year)).days in hours.easter
    )
    sunday = day.isoweekday() == 7 and not hours.sundays
    return hours.from_ <= local.time() < hours.until and not holiday and not sunday
