"""perennial plan, approve, replay: what a person sees, and what she lets go."""

import re
from contextlib import nullcontext
from datetime import timedelta

import pytest
import shelf
from click.testing import CliRunner
from psycopg.errors import LockNotAvailable
from shelf import Destination, people, settings

from perennial import night
from perennial.activation import approval, commands, export, plan
from perennial.destinations import registry
from perennial.errors import ConfigError, GateError
from perennial.warehouse.database import connect
from verdicts import NIGHT, TABLES, decide

pytestmark = pytest.mark.server

WARY = {"guards": {"first": True}}
NAME = f"{NIGHT}.lost.shelf"


@pytest.fixture
def said(warehouse, monkeypatch):
    """Run a command; its output."""
    monkeypatch.setattr(registry, "kinds", lambda: {"shelf": shelf.MODULE})
    monkeypatch.setattr(night, "horizon", lambda: NIGHT)
    monkeypatch.setattr(night, "plan", lambda as_of: export.plans(as_of, settings(**WARY)))
    monkeypatch.setattr(night, "send", lambda as_of: export.run(as_of, settings(**WARY)))
    monkeypatch.setenv("COLUMNS", "200")
    shelf.clean()
    with connect() as session:
        session.execute(TABLES)
    decide(people(1200))
    known = {command.name: command for command in commands.commands(lambda: nullcontext())}

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(known[arguments[0]], arguments[1:], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.output

    return run


def test_a_plan_shows_what_would_change_and_why_it_waits(said):
    shown = said("plan")
    assert re.search(rf"{NAME} +0 -> 1,200 +1,200 +0 +0 +0 +waiting: first export of this audience to this", shown)
    assert "@" not in shown
    assert Destination.told == []


def test_a_plan_says_the_smallest_effect_that_each_holdout_can_show(said):
    with connect() as session:
        session.cursor().executemany(
            "insert into marts.holdout_power values (%s, %s, 28, %s, %s, %s, 9, %s, %s)",
            [
                (NIGHT, "lost", 0.1, 4000, 400, 12.5, 0.25),
                (NIGHT, "small", 0.1, 290, 29, None, None),
                (NIGHT, "young", 0.5, 290, 145, None, None),
                (NIGHT, "plain", 0, 290, 0, None, None),
                (NIGHT, "*", 0.05, 1200, 60, 1234.567, None),
                (NIGHT.replace(day=1), "earlier", 0.05, 1200, 60, 1, None),
            ],
        )
    shows = "smallest effect this holdout can show"
    assert said("plan").splitlines()[-5:] == [
        f"all marketing: {shows}: 1,234.57 per customer in 28 days; 60 of 1,200 people held out",
        f"lost: {shows}: 12.50 (25%) per customer in 28 days; 400 of 4,000 people held out",
        "plain: nobody is held out, so its effect is not measured",
        "small: 29 of 290 people held out; its effect cannot be judged before 30 are",
        "young: 145 of 290 people held out; how much their spending varies is not known yet",
    ]


@pytest.mark.parametrize("which", [(NAME,), ("--all",)])
def test_what_is_approved_leaves(said, rows, which):
    said("plan")
    assert "done" in said("approve", *which)
    assert len(Destination.shelf["lost"]) == 1200
    assert rows("select approved_by is not null as known from activation.export_runs") == [{"known": True}]


def test_a_plan_nobody_made_is_not_approved(said):
    said("plan")
    with pytest.raises(ConfigError, match=f"2017-09-29.lost.shelf: no plan of night {NIGHT} that waits"):
        said("approve", "2017-09-29.lost.shelf")


def test_what_was_rejected_is_told_and_sent_again_on_demand(said):
    Destination.reject = {"k0001", "k0002"}
    said("plan")
    shown = said("approve", "--all")
    assert f"{NAME}: 2 x add: not liked" in shown
    Destination.reject = set()
    Destination.told.clear()
    Destination.reject = {"k0002"}
    assert f"{NAME}: 1 of 2 refused rows were sent again and taken, 1 were not" in said("replay", NAME)
    assert sorted(Destination.told) == [("add", "k0001"), ("add", "k0002")]
    Destination.reject = set()
    decide({key: address for key, address in people(1200).items() if key != "k0002"})
    night.plan(NIGHT)
    assert f"{NAME}: nothing of it was refused, nothing is sent again" in said("replay", NAME)


@pytest.mark.parametrize(
    ("state", "remedy"),
    [
        ("waiting", "waits for approval, so nothing of it was sent: `perennial approve` it"),
        ("rejected", "was rejected, so nothing of it is sent"),
        ("unevaluable", "is stopped: who belongs to the audience is not known"),
        ("another night", f"is of night {NIGHT}, and only the newest, 2017-10-01, is ever sent.*2017-10-01.lost.shelf"),
        ("no plan", "there is no such plan; `perennial plan` lists those"),
    ],
)
def test_what_cannot_be_sent_again_is_refused_with_the_way_out(said, rows, monkeypatch, state, remedy):
    Destination.reject = {"k0001"}
    said("plan")
    said("approve", "--all")
    Destination.told.clear()
    if state == "another night":
        monkeypatch.setattr(night, "horizon", lambda: NIGHT + timedelta(days=1))
    elif state != "no plan":
        with connect() as session:
            session.execute("update activation.export_runs set status = %s", [state])
    asked = NAME if state != "no plan" else f"{NIGHT}.lost.nowhere"
    with pytest.raises(ConfigError, match=f"{asked}: {remedy}"):
        said("replay", asked)
    assert Destination.told == []
    assert rows("select count(*) as n from activation.export_rows where status = 'rejected'") == [{"n": 1}]


def test_what_is_rejected_stays_here_until_its_data_changes(said, rows):
    said("plan")
    assert "rejected" in said("reject", NAME)
    assert rows("select status, rejected_by is not null as by from activation.export_runs") == [
        {"status": "rejected", "by": True}
    ]
    assert night.send(NIGHT) == 0
    assert Destination.told == []
    assert "rejected" in said("plan")
    assert "approved" not in said("approve", "--all")
    decide(people(1199))
    assert "waiting" in said("plan")
    assert rows("select rejected_by from activation.export_runs") == [{"rejected_by": None}]


def test_what_a_rejected_plan_became_is_asked_for_though_no_guard_would(said, monkeypatch):
    said("plan")
    said("reject", NAME)
    for command in ("plans", "run"):
        calm = getattr(export, command)
        monkeypatch.setattr(export, command, lambda as_of, _, calm=calm: calm(as_of, settings()))
    for members in (1199, 1198):
        decide(people(members))
        assert "waiting: somebody rejected it, and its data is another now" in said("plan")
        assert night.send(NIGHT) == 0
    assert Destination.told == []
    assert "done" in said("approve", NAME)


def test_a_rejection_outlives_a_night_on_which_the_audience_could_not_be_decided(said, monkeypatch):
    said("plan")
    said("reject", NAME)
    calm = export.plans
    monkeypatch.setattr(export, "plans", lambda as_of, _: calm(as_of, settings()))
    with connect() as session:
        session.execute("insert into activation.audience_problems values (%s, 'lost', 'query_failed', 'typo')", [NIGHT])
    assert "unevaluable" in said("plan")
    with connect() as session:
        session.execute("delete from activation.audience_problems")
    decide(people(1199))
    assert "waiting: somebody rejected it, and its data is another now" in said("plan")


def test_an_approval_stands_until_the_plan_is_rejected_or_another(said):
    said("plan")
    with pytest.raises(GateError, match=f"nobody approved a plan of night {NIGHT}"):
        night.require_approval(NIGHT)
    assert night.approve([NAME], "ann") == [NAME]
    night.require_approval(NIGHT)
    decide(people(1199))
    assert "waiting" in said("plan")
    with pytest.raises(GateError, match="nobody approved"):
        night.require_approval(NIGHT)
    assert night.approve([NAME], "ann") == [NAME]
    decide(people(1198))
    said("plan")
    said("reject", NAME)
    with pytest.raises(GateError, match="nobody approved"):
        night.require_approval(NIGHT)


def test_what_airflow_asks_about_is_the_data_it_asked_about(said):
    asked = export.plans(NIGHT, settings(**WARY))
    decide(people(1199))
    said("plan")
    assert night.approve_as_asked(asked) == []
    assert night.approve_as_asked(export.plans(NIGHT, settings(**WARY))) == [NAME]


def test_who_decides_while_the_plan_is_made_anew_is_told_that_it_is_another(said):
    said("plan")
    decide(people(1199))
    with connect() as making, connect() as deciding:
        plan.make(making, NIGHT, "lost", "shelf", settings(**WARY))
        deciding.execute("set lock_timeout = '100ms'")
        with pytest.raises(LockNotAvailable):
            approval.reject(deciding, NAME, "ann")


def test_a_rejected_plan_goes_out_if_it_is_named(said):
    said("plan")
    said("reject", NAME)
    assert "done" in said("approve", NAME)
    assert len(Destination.shelf["lost"]) == 1200


def test_a_decision_is_about_the_data_that_was_seen(said):
    said("plan")
    with connect() as session:
        assert not approval.approve(session, NAME, "ann", seen="other data")
        assert not approval.reject(session, NAME, "ann", seen="other data")
        (seen,) = session.execute("select data_hash from activation.export_runs").fetchone().values()
        assert approval.approve(session, NAME, "ann", seen=seen)
        assert not approval.reject(session, NAME, "bob", seen=seen)
