"""Which day a night is for, and what it leaves alone."""

from datetime import UTC, date, datetime, timedelta

import pytest
from click.testing import CliRunner

from perennial import night, transform
from perennial.cli import cli
from perennial.errors import ConfigError, FatalError, GateError, RetriableError
from perennial.warehouse.database import connect

NIGHT = date(2017, 9, 30)
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
def test_without_a_request_it_is_the_last_complete_day_of_the_business(state, now, expected):
    assert night.choose_as_of(None, now) == expected


def test_the_sample_shops_live_in_the_past_so_their_day_must_be_said(state):
    (state / "sample").mkdir()
    with pytest.raises(ConfigError, match="the sample shops live in 2017"):
        night.choose_as_of(None, NOON)
    assert night.choose_as_of("2017-03-01", NOON) == date(2017, 3, 1)


def test_a_requested_day_is_taken():
    assert night.choose_as_of("2017-03-01", NOON) == date(2017, 3, 1)


@pytest.mark.parametrize("requested", ["2017-10-01", "2030-01-01"])
def test_a_day_that_is_not_over_is_refused(requested):
    with pytest.raises(ConfigError, match="not over; the last complete business day is 2017-09-30"):
        night.choose_as_of(requested, NOON)


def test_a_day_that_is_no_date_is_refused():
    with pytest.raises(ConfigError, match=r"'30\.9\.2017'; accepted: a date such as 2017-09-30"):
        night.choose_as_of("30.9.2017", NOON)


@pytest.fixture
def built(warehouse, monkeypatch):
    """The night of 30 September, built by a dbt that does nothing, and checked."""
    monkeypatch.setattr(transform, "run", lambda *_: [])
    monkeypatch.setattr(night.export, "run", lambda *_: 7)
    night.open_night(NIGHT)
    night.build(NIGHT)
    night.score(NIGHT)
    with connect() as session:
        session.execute("insert into ops.gate_results values (%s, 'a', true, 'block', '')", [NIGHT])


@pytest.mark.server
def test_a_built_and_checked_night_is_exported(built, rows):
    assert night.send(NIGHT) == 7
    assert rows("select exported_at is not null as done from ops.nights") == [{"done": True}]


@pytest.mark.server
@pytest.mark.parametrize(("command", "built_still"), [("run", False), ("build", False), ("show", True)])
def test_dbt_by_hand_that_changes_tables_takes_back_that_the_night_was_built(built, rows, command, built_still):
    assert CliRunner().invoke(cli, ["dbt", command, "-s", "customer_360"]).exit_code == 0
    assert rows("select built_at is not null as built from ops.nights") == [{"built": built_still}]
    assert bool(rows("select 1 from ops.gate_results")) == built_still


@pytest.mark.server
def test_before_the_first_night_there_is_no_horizon(warehouse):
    with connect() as session:
        session.execute("drop table ops.nights")
    assert night.horizon() is None


@pytest.mark.server
def test_a_night_before_the_horizon_builds_nothing(built, monkeypatch):
    monkeypatch.setattr(transform, "run", lambda *_: pytest.fail("marts were rebuilt backwards"))
    assert night.build(NIGHT - timedelta(days=1)) is False


@pytest.mark.server
def test_a_night_before_the_horizon_exports_nothing(built):
    with pytest.raises(GateError, match="the marts are those of night 2017-09-30, not of 2017-09-29"):
        night.send(NIGHT - timedelta(days=1))


@pytest.mark.server
def test_after_a_failed_build_neither_night_is_exported(built, monkeypatch):
    """The marts are no longer those of the night before, and not yet those of the new one."""
    tomorrow = NIGHT + timedelta(days=1)

    def fails(*_):
        raise FatalError("dbt: no")

    monkeypatch.setattr(transform, "run", fails)
    night.open_night(tomorrow)
    with pytest.raises(FatalError):
        night.build(tomorrow)
    with pytest.raises(GateError, match="the marts are those of night 2017-10-01"):
        night.send(NIGHT)
    with pytest.raises(GateError, match="the build of night 2017-10-01 did not end"):
        night.send(tomorrow)


@pytest.mark.server
def test_a_configuration_changed_after_the_build_exports_nothing(built, config_folder):
    path = config_folder / "destinations.yml"
    path.write_text(path.read_text().replace("channel: email", "channel: sms"))
    with pytest.raises(GateError, match="config/ changed since night 2017-09-30 was built"):
        night.send(NIGHT)


@pytest.mark.server
@pytest.mark.parametrize("failed", [False, True], ids=["never checked", "a check failed"])
def test_nothing_leaves_through_a_gate_that_is_not_open(built, failed):
    with connect() as session:
        session.execute("delete from ops.gate_results")
        if failed:
            session.execute("insert into ops.gate_results values (%s, 'a', false, 'block', 'a cent')", [NIGHT])
    with pytest.raises(GateError, match="a cent" if failed else "not checked since it was built"):
        night.send(NIGHT)


@pytest.mark.server
def test_a_new_build_closes_the_gate_until_it_is_checked_again(built, rows):
    night.build(NIGHT)
    assert rows("select 1 from ops.gate_results") == []


@pytest.mark.server
@pytest.mark.parametrize("step", [night.build, night.fit_value, night.score, night.check, night.send])
def test_a_second_run_at_the_same_time_is_sent_away(built, step):
    with night.exclusively("marts"), pytest.raises(RetriableError, match="another run is busy with marts"):
        step(NIGHT)
    night.build(NIGHT)


@pytest.mark.server
def test_a_night_that_was_not_scored_is_not_exported(built):
    night.build(NIGHT)
    with pytest.raises(GateError, match="the build of night 2017-09-30 did not end"):
        night.send(NIGHT)


@pytest.mark.server
@pytest.mark.parametrize("step", [night.fit_value, night.score])
def test_nothing_is_added_to_marts_of_another_night(built, rows, step):
    tomorrow = NIGHT + timedelta(days=1)
    night.open_night(tomorrow)
    night.build(tomorrow)
    with pytest.raises(GateError, match="the marts are those of night 2017-10-01, not of 2017-09-30"):
        step(NIGHT)


@pytest.mark.server
@pytest.mark.parametrize("step", [night.fit_value, night.score])
def test_nothing_is_added_to_marts_whose_transform_failed(built, monkeypatch, step):
    def fails(*_):
        raise FatalError("dbt: no")

    with monkeypatch.context() as spoilt:
        spoilt.setattr(transform, "run", fails)
        with pytest.raises(FatalError):
            night.build(NIGHT)
    with pytest.raises(GateError, match="the task `transform` of night 2017-09-30 did not end"):
        step(NIGHT)
    with pytest.raises(GateError, match="did not end"):
        night.send(NIGHT)


@pytest.mark.server
@pytest.mark.parametrize("step", [night.fit_value, night.score])
def test_a_configuration_changed_between_the_steps_stops_the_night(built, config_folder, step):
    path = config_folder / "destinations.yml"
    path.write_text(path.read_text().replace("channel: email", "channel: sms"))
    with pytest.raises(GateError, match="config/ changed since `transform` of night 2017-09-30"):
        step(NIGHT)


@pytest.mark.server
def test_scoring_again_asks_for_a_new_check(built, monkeypatch):
    night.score(NIGHT)
    with pytest.raises(GateError, match="not checked since it was built"):
        night.send(NIGHT)


@pytest.mark.server
def test_loading_what_was_never_landed_is_a_clear_error(warehouse):
    with pytest.raises(FatalError, match=r"nothing landed\. Run the task `extract` of shop again"):
        night.load_source("shop", NIGHT)


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
