"""Quiet hours are those of the people written to, on their clocks."""

from datetime import date

import pytest

from perennial import config
from perennial.activation.send_times import send_times
from perennial.config.quiet_hours import QuietHours
from perennial.config.sources import Business
from perennial.errors import ConfigError

QUIET = config.load().quiet_hours
NEW_YORK = Business(timezone="America/New_York", currency="USD")
SHANGHAI = Business(timezone="Asia/Shanghai", currency="CNY")
PARIS = Business(timezone="Europe/Paris", currency="EUR")

CASES = [
    # business, night, country, moment in UTC, day on her clocks
    (NEW_YORK, date(2017, 9, 29), None, "2017-09-30T12:00", "2017-09-30"),  # others: eight in the business's zone
    (NEW_YORK, date(2017, 9, 29), "US", "2017-09-30T15:00", "2017-09-30"),  # eight in Los Angeles
    (NEW_YORK, date(2017, 9, 29), "CN", "2017-09-30T04:00", "2017-09-30"),  # noon there when the night is over
    (SHANGHAI, date(2017, 9, 29), "CN", "2017-09-30T00:00", "2017-09-30"),  # eight in the morning
    (NEW_YORK, date(2017, 9, 29), "FR", "2017-09-30T06:00", "2017-09-30"),  # Saturday
    (NEW_YORK, date(2017, 9, 30), "FR", "2017-10-02T06:00", "2017-10-02"),  # not on Sunday
    (PARIS, date(2018, 3, 24), "FR", "2018-03-26T06:00", "2018-03-26"),  # the clock went forward on Sunday
    (PARIS, date(2018, 3, 31), "FR", "2018-04-03T06:00", "2018-04-03"),  # Easter Sunday and Monday
    (PARIS, date(2018, 4, 30), "FR", "2018-05-02T06:00", "2018-05-02"),  # the first of May
    (PARIS, date(2018, 5, 9), "FR", "2018-05-11T06:00", "2018-05-11"),  # Ascension Day
    (PARIS, date(2017, 12, 31), "FR", "2018-01-02T07:00", "2018-01-02"),  # New Year of the next year
    (SHANGHAI, date(2017, 9, 29), "US", "2017-09-29T16:00", "2017-09-29"),  # midday in New York, nine in Los Angeles
]


@pytest.mark.parametrize(("business", "night", "country", "moment", "day"), CASES)
def test_a_message_waits_for_the_first_hour_her_country_allows(business, night, country, moment, day):
    rows = {row["country"]: row for row in send_times(QUIET, business, night)}
    assert (rows[country]["send_at"], rows[country]["send_on"]) == (f"{moment}:00+00:00", day)


def test_hours_end_before_until_and_begin_at_from():
    quiet = QuietHours.model_validate({"default": {"from": "00:00", "until": "00:15"}})
    assert send_times(quiet, NEW_YORK, date(2017, 9, 29))[0]["send_at"] == "2017-09-30T04:00:00+00:00"
    quiet = QuietHours.model_validate({"default": {"from": "00:01", "until": "00:30"}})
    assert send_times(quiet, NEW_YORK, date(2017, 9, 29))[0]["send_at"] == "2017-09-30T04:15:00+00:00"


def test_hours_that_never_come_are_refused():
    quiet = QuietHours.model_validate({"default": {"from": "08:01", "until": "08:14"}})
    with pytest.raises(ConfigError, match="default allows no message for three weeks"):
        send_times(quiet, NEW_YORK, date(2017, 9, 29))
