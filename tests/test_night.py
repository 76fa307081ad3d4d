"""Which day a night is for, and what it leaves alone."""

from datetime import UTC, date, datetime

import pytest

from perennial import night, transform
from perennial.errors import ConfigError, GateError
from perennial.warehouse.database import connect

NOON = datetime(2017, 10, 1, 16, tzinfo=UTC)  # noon in New York


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (datetime(2017, 10, 1, 16, tzinfo=UTC), date(2017, 9, 30)),
        (datetime(2017, 10, 1, 3, 59, tzinfo=UTC), date(2017, 9, 29)),  # still 30 September in New York
        (datetime(2017, 10, 1, 4, 0, tzinfo=UTC), date(2017, 9, 30)),
        (datetime(2017, 11, 6, 4, 59, tzinfo=UTC), date(2017, 11, 4)),  # after the clocks went back
    ],
)
def test_without_a_request_it_is_the_last_complete_day_of_the_business(now, expected):
    assert night.choose_as_of(None, now) == expected


def test_a_requested_day_is_taken():
    assert night.choose_as_of("2017-03-01", NOON) == date(2017, 3, 1)


@pytest.mark.parametrize("requested", ["2017-10-01", "2030-01-01"])
def test_a_day_that_is_not_over_is_refused(requested):
    with pytest.raises(ConfigError, match="not over; the last complete business day is 2017-09-30"):
        night.choose_as_of(requested, NOON)


def test_a_day_that_is_no_date_is_refused():
    with pytest.raises(ConfigError, match=r"'30\.9\.2017'; accepted: a date such as 2017-09-30"):
        night.choose_as_of("30.9.2017", NOON)


@pytest.mark.server
def test_a_night_before_the_horizon_builds_nothing(warehouse, monkeypatch):
    night.open_night(date(2017, 9, 30))
    with connect() as session:
        session.execute("update ops.nights set built_at = now()")
    monkeypatch.setattr(transform, "run", lambda *_, **__: pytest.fail("marts were rebuilt backwards"))
    assert night.horizon() == date(2017, 9, 30)
    assert night.build(date(2017, 9, 29)) is False


@pytest.mark.server
def test_a_night_before_the_horizon_exports_nothing(warehouse):
    with connect() as session:
        session.execute("insert into ops.nights (as_of, built_at) values ('2017-09-30', now())")
        session.execute("insert into ops.gate_results values ('2017-09-29', 'a', true, 'block', '')")
    with pytest.raises(GateError, match="the marts show 2017-09-30"):
        night.send(date(2017, 9, 29))


@pytest.mark.server
@pytest.mark.parametrize("results", [[], [("a", True), ("b", False)]], ids=["never checked", "a check failed"])
def test_nothing_leaves_through_a_gate_that_is_not_open(warehouse, monkeypatch, results):
    monkeypatch.setattr(night.export, "run", lambda *_: pytest.fail("exported"))
    with connect() as session:
        session.execute("insert into ops.nights (as_of, built_at) values ('2017-09-30', now())")
        for name, passed in results:
            row = [name, passed]
            session.execute("insert into ops.gate_results values ('2017-09-30', %s, %s, 'block', '')", row)
    with pytest.raises(GateError, match="nothing is exported"):
        night.send(date(2017, 9, 30))


@pytest.mark.server
def test_a_new_build_closes_the_gate_until_it_is_checked_again(warehouse, rows, monkeypatch):
    night.open_night(date(2017, 9, 30))
    with connect() as session:
        session.execute("insert into ops.gate_results values ('2017-09-30', 'a', true, 'block', '')")
    monkeypatch.setattr(transform, "run", lambda *_, **__: [])
    night.build(date(2017, 9, 30))
    assert rows("select 1 from ops.gate_results") == []


@pytest.mark.server
def test_every_attempt_of_a_task_leaves_a_row(warehouse, rows):
    with night.recorded(date(2017, 9, 30), "load.shop") as step:
        step.rows = 7
    with pytest.raises(GateError), night.recorded(date(2017, 9, 30), "gate"):
        raise GateError("no")
    found = rows("select task, status, rows, finished_at is not null as ended from ops.runs order by started_at")
    assert [tuple(r.values()) for r in found] == [("load.shop", "success", 7, True), ("gate", "failed", None, True)]


@pytest.mark.server
def test_migrating_again_changes_nothing(warehouse, rows):
    tables = "select table_schema, table_name, column_name from information_schema.columns order by 1, 2, 3"
    before = rows(tables)
    night.open_night(date(2017, 9, 30))
    assert rows(tables) == before
