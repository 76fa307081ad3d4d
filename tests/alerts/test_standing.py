"""What is told of a night is how it stands, once, and whatever fails on the way of one alert the others are told."""

from datetime import date

import pytest
from alert_sinks import web_server
from click.testing import CliRunner

from perennial import cli, night
from perennial.alerts import standing, tell
from perennial.alerts.webhook import Settings
from perennial.connections import Connection
from perennial.errors import FatalError, RetriableError
from perennial.runs import recorded
from perennial.warehouse.database import connect

pytestmark = pytest.mark.server

NIGHT = date(2026, 1, 4)


@pytest.fixture(autouse=True)
def opened(warehouse):
    with connect() as session:
        session.execute("insert into ops.nights (as_of, built_at, exported_at) values (%s, now(), now())", [NIGHT])


def change(statement: str) -> None:
    with connect() as session:
        session.execute(statement)


def found() -> dict[str, str]:
    with connect() as session:
        return {notice.event: notice.text for notice in standing.notices(session, NIGHT)}


def alerts(**on: list[str]) -> dict[str, Settings]:
    return {name: Settings(kind="webhook", connection=name, events=events) for name, events in on.items()}


def plan(status: str, error: str = "") -> None:
    with connect() as session:
        session.execute(
            "insert into activation.export_runs (plan, as_of, audience, destination, channel, valid_until, status, "
            "members_before, members, adds, updates, removes, bought_since, tripped, data_hash, planned_at, error) "
            "values ('p', %s, 'lost', 'tool', 'email', %s, %s, 0, 1, 1, 0, 0, 0, '{first}', 'x', now(), "
            "nullif(%s, ''))",
            [NIGHT, NIGHT, status, error],
        )


def test_a_night_that_ended_is_finished_and_says_what_its_checks_warn_of():
    assert found() == {"finished": ""}
    change(f"insert into ops.gate_results values ('{NIGHT}', 'clv coverage', false, 'warn', '3 without')")
    assert found() == {"finished": "warning: clv coverage: 3 without"}


def test_a_task_that_failed_is_named_with_its_error_until_it_succeeds():
    with pytest.raises(RetriableError), recorded(NIGHT, "extract.shop"):
        raise RetriableError("cannot reach database 'shop'")
    change("update ops.nights set built_at = null, exported_at = null")
    text = found()["failed"]
    assert "extract.shop: failed, begun " in text
    assert text.endswith("UTC: cannot reach database 'shop'\nThe night is not built.")
    with recorded(NIGHT, "extract.shop"):
        pass
    assert found() == {"failed": "The night is not built."}


def test_an_error_that_may_quote_a_row_is_named_by_its_kind_only():
    with pytest.raises(ValueError, match="ann"), recorded(NIGHT, "report"):
        raise ValueError("ann@example.com")
    assert "UTC: ValueError" in found()["failed"]
    assert "ann@" not in found()["failed"]


def test_a_task_that_was_killed_is_one_that_still_runs():
    change(f"insert into ops.runs (as_of, task, started_at, status) values ('{NIGHT}', 'score', now(), 'running')")
    assert "score: running since " in found()["failed"]


def test_a_closed_gate_says_what_does_not_agree():
    change(f"insert into ops.gate_results values ('{NIGHT}', 'reconcile orders', false, 'block', 'orders: 1, 2')")
    assert found() == {"blocked": "reconcile orders: orders: 1, 2"}


def test_a_plan_that_waits_is_told_beside_what_became_of_the_night():
    plan("waiting")
    assert found() == {
        "finished": "",
        "waiting": "p (first)\nLook at them: `perennial plan`, or the page Audiences.",
    }


@pytest.mark.parametrize("status", ["failed", "unevaluable"])
def test_an_export_that_failed_or_was_stopped_is_no_finished_night(status):
    plan(status, "the list was deleted")
    assert "p: the list was deleted" in found()["failed"]


def test_a_night_that_never_began_is_late_and_one_that_is_finished_is_not():
    with web_server() as (posts, address):
        there = lambda name: Connection("http", password=address)  # noqa: E731
        tell.if_late(NIGHT, alerts(one=["late"]), there)
        assert posts.bodies == []
        tell.if_late(date(2026, 1, 5), alerts(one=["late"]), there)
    assert [(body["event"], body["as_of"]) for _, body in posts.bodies] == [("late", "2026-01-05")]


def test_the_same_is_told_once_and_another_thing_again():
    with web_server() as (posts, address):
        there = lambda name: Connection("http", password=address)  # noqa: E731
        for _ in range(2):
            tell.of_night(NIGHT, alerts(one=["finished", "blocked"], two=["finished"], three=["late"]), there)
        assert [body["event"] for _, body in posts.bodies] == ["finished"] * 2
        change(f"insert into ops.gate_results values ('{NIGHT}', 'x', false, 'block', 'y')")
        tell.of_night(NIGHT, alerts(one=["finished", "blocked"]), there)
    assert posts.bodies[-1][1]["text"] == "x: y"


def test_one_that_cannot_be_told_leaves_the_others_alone_and_is_told_the_next_time():
    with web_server() as (posts, address):
        there = lambda name: None if name == "one" else Connection("http", password=address)  # noqa: E731
        posts.answers = [503]
        with pytest.raises(FatalError, match=r"alert 'one': Airflow has no connection 'one'.*503"):
            tell.of_night(NIGHT, alerts(one=["finished"], two=["finished"], three=["finished"]), there)
        assert len(posts.bodies) == 2
        tell.of_night(NIGHT, alerts(two=["finished"], three=["finished"]), there)
    assert len(posts.bodies) == 3


def test_a_run_without_a_night_and_one_without_a_warehouse_are_told_too(monkeypatch):
    def unreachable():
        raise RetriableError("cannot reach database 'warehouse'")

    with web_server() as (posts, address):
        there = lambda name: Connection("http", password=address)  # noqa: E731
        tell.of_night(None, alerts(one=["failed"]), there)
        monkeypatch.setattr(tell, "connect", unreachable)
        tell.of_night(NIGHT, alerts(one=["failed"]), there)
    assert [body["text"] for _, body in posts.bodies] == [
        "No night was chosen. See Airflow.",
        "cannot reach database 'warehouse'",
    ]


def test_watch_says_how_the_night_stands_and_cron_can_ask():
    change("update ops.nights set build_started_at = now()")
    run = lambda *words: CliRunner().invoke(cli.cli, ["watch", *words])  # noqa: E731
    done = run()
    assert (done.exit_code, done.output) == (0, "night 2026-01-04 is finished\n")
    change("update ops.nights set exported_at = null")
    failed = run()
    assert (failed.exit_code, failed.output) == (
        1,
        "night 2026-01-04 did not end\n  The night is built, and not exported.\n",
    )


def test_a_trial_is_sent_to_everybody_however_often(monkeypatch, config_folder):
    (config_folder / "alerts.yml").write_text(
        "alerts: {one: {kind: webhook, connection: one, events: [late]}}", encoding="utf-8"
    )
    with web_server() as (posts, address):
        monkeypatch.setenv("AIRFLOW_CONN_ONE", Connection("http", password=address).to_json())
        for _ in range(2):
            done = CliRunner().invoke(cli.cli, ["watch", "--try"])
            assert (done.exit_code, done.exception) == (0, None)
    assert [body["text"] for _, body in posts.bodies] == ["This is a trial."] * 2


def test_a_trial_for_nobody_says_where_to_name_somebody():
    done = CliRunner().invoke(cli.cli, ["watch", "--try"])
    assert "config/alerts.yml names nobody" in str(done.exception)


def test_nobody_is_told_of_a_night_before_the_horizon(monkeypatch):
    told = []
    monkeypatch.setattr(tell, "of_night", lambda as_of, *rest: told.append(as_of))
    change("update ops.nights set build_started_at = now()")
    night.alert(date(2026, 1, 3))
    night.alert(NIGHT)
    night.alert(None)
    assert told == [NIGHT, None]
