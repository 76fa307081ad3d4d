"""The real DAG under Airflow: its question is asked, answered through Airflow's API, and obeyed; and how it fails."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from perennial.warehouse.database import connect
from verdicts import NIGHT, TABLES, decide

pytestmark = [pytest.mark.airflow, pytest.mark.server]

TESTS = Path(__file__).parents[1]
PROJECT = TESTS.parent
PEOPLE = {"ann": "ann@example.com", "bob": "bob@example.com"}


def nights(home: Path, *asked: tuple[str | None, str | None]) -> list[dict]:
    """Runs of the same night, one after the other: what somebody answers, and which step fails."""
    environment = os.environ | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/meta.db",
        "AIRFLOW__API_AUTH__JWT_SECRET": "of-a-test-and-long-enough-for-sha512-" * 2,
        "PYTHONPATH": os.pathsep.join(map(str, (PROJECT / "plugins", TESTS, TESTS / "activation"))),
    }
    environment.pop("PERENNIAL_PROGRESS", None)  # without a person who waits nobody is asked
    probe = [sys.executable, str(Path(__file__).with_name("approval_probe.py")), str(PROJECT / "dags")]
    done = subprocess.run(
        [*probe, json.dumps(asked)], env=environment, cwd=home, capture_output=True, text=True, check=False, timeout=500
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_a_plan_waits_for_the_answer_to_airflows_question_and_no_step_that_fails_keeps_who_said_no(
    warehouse, rows, tmp_path
):
    with connect() as session:
        session.execute(TABLES)
        power = "insert into marts.holdout_power values (%s, 'lost', 28, 0.1, 4000, 400, 50, 12.5, 0.25)"
        session.execute(power, [NIGHT])
    decide(PEOPLE)
    blocked, rejected, approved = nights(tmp_path, (None, "check"), ("Reject", None), ("Approve", "pull_opt_outs"))

    # the gate is closed: nothing is planned, and still who said no is taken out, people are told, and the run failed
    assert {blocked["states"][name] for name in ("plan", "export", "ask", "approve")} == {"upstream_failed"}
    assert blocked["told"][-3:] == ["withdraw", "report", "alert"]
    assert blocked["run"] == "failed"

    assert (rejected["answered"], rejected["run"]) == (200, "success")
    assert rejected["states"]["export_approved"] == "skipped"
    assert rejected["shelf"] == []

    # a tool did not tell who opted out: its task is red, the warehouse was built all the same
    states = approved["states"]
    assert (states["pull_opt_outs"], states["transform"], states["check"]) == ("failed", "success", "success")
    assert (approved["answered"], approved["run"]) == (200, "success")
    assert approved["sent_before"] == []
    assert approved["shelf"] == sorted(PEOPLE.values())
    assert rows("select status, approved_by from activation.export_runs") == [
        {"status": "done", "approved_by": "Airflow"}
    ]

    asked = approved["question"]["body"]
    for said in (
        f"| {NIGHT}.lost.shelf | 0 → 2 | 2 | 0 | 0 | first export of this audience to this destination; no other",
        "首次导出",
        "smallest effect this holdout can show: 12.50 (25%) per customer in 28 days; 400 of 4,000 people held out",
    ):
        assert said in asked
    assert "@" not in asked
