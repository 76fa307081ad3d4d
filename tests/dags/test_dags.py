"""The DAGs load, and are wired as their timetable says."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.airflow

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> dict:
    home = tmp_path_factory.mktemp("airflow")
    environment = os.environ | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/meta.db",
        "PYTHONPATH": str(PROJECT / "plugins"),
    }
    probe = [sys.executable, str(Path(__file__).with_name("probe.py")), str(PROJECT / "dags")]
    done = subprocess.run(probe, env=environment, cwd=home, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_exactly_these_dags_load_without_errors(found):
    assert found["errors"] == {}
    assert set(found["dags"]) == {"customer_lifecycle", "night_watch", "send_approved"}


def test_the_night_runs_in_its_order(found):
    tasks = found["dags"]["customer_lifecycle"]["tasks"]
    assert tasks == {
        "choose_night": [],
        "open_night": ["choose_night"],
        "extract": ["choose_night", "open_night"],
        "load": ["choose_night", "extract"],
        "pull_opt_outs": ["choose_night", "open_night"],
        "opt_outs_asked": ["pull_opt_outs"],
        "transform": ["choose_night", "load", "opt_outs_asked"],
        "fit_value": ["choose_night", "transform"],
        "score": ["choose_night", "fit_value"],
        "check": ["choose_night", "score"],
        "plan": ["check", "choose_night"],
        "export": ["choose_night", "plan"],
        "ask": ["choose_night", "plan"],
        "approve": ["ask"],
        "export_approved": ["approve", "choose_night", "plan"],
        "withdraw": ["choose_night", "export"],
        "report": ["choose_night", "withdraw"],
        "alert": ["choose_night", "report"],
    }


def test_however_the_night_ended_who_said_no_leaves_the_report_is_written_and_people_are_told(found):
    dag = found["dags"]["customer_lifecycle"]
    assert dag["teardowns"] == {"withdraw": False, "report": False, "alert": False}
    assert {dag["rules"][name] for name in dag["teardowns"]} == {"all_done_setup_success"}


def test_a_tool_that_does_not_tell_who_opted_out_holds_up_no_warehouse(found):
    rules = found["dags"]["customer_lifecycle"]["rules"]
    assert rules["opt_outs_asked"] == "all_done"
    assert rules["transform"] == "all_success", "what was not loaded does"


def test_the_watch_asks_every_morning_in_the_business_zone(found):
    dag = found["dags"]["night_watch"]
    assert (dag["schedule"], dag["zone"], dag["catchup"]) == ("0 7 * * *", "America/New_York", False)


def test_every_source_is_a_task_of_its_own(found):
    assert found["dags"]["customer_lifecycle"]["mapped"] == ["extract", "load"]


def test_nights_never_overlap_nor_catch_up_and_follow_the_business_zone(found):
    dag = found["dags"]["customer_lifecycle"]
    assert (dag["max_active_runs"], dag["catchup"]) == (1, False)
    assert (dag["schedule"], dag["zone"]) == ("30 2 * * *", "America/New_York")


def test_every_task_is_retried_and_the_dag_explains_itself(found):
    dag = found["dags"]["customer_lifecycle"]
    assert set(dag["retries"].values()) == {2}
    assert dag["doc"]


def test_a_backfill_never_exports(found):
    assert found["dags"]["customer_lifecycle"]["skips"] == {"backfill": True, "scheduled": False, "manual": False}


def test_what_was_approved_on_a_page_is_sent_and_reported_once_at_a_time_and_never_by_itself(found):
    dag = found["dags"]["send_approved"]
    assert dag["tasks"] == {"export": [], "report": ["export"]}
    assert (dag["schedule"], dag["max_active_runs"], dag["catchup"]) == (None, 1, False)
    assert set(dag["retries"].values()) == {2}


def test_parsing_a_dag_stays_light(found):
    assert "pandas" not in found["modules"]
    assert "dbt" not in found["modules"]


def test_the_package_is_never_executed_as_plugins(found):
    """Airflow runs every file below plugins/ as a top-level module, unless told not to."""
    assert (PROJECT / "plugins" / ".airflowignore").read_text().split() == ["perennial/"]
    assert found["csv_is_the_standard_library"]


def test_dbt_finds_no_module_of_ours_to_run_as_its_plugin():
    """dbt imports every top-level module named dbt_* on the path, and Airflow puts these folders there."""
    for folder in (PROJECT, PROJECT / "dags", PROJECT / "plugins"):
        assert not list(folder.glob("dbt_*.py"))
        assert not list(folder.glob("dbt_*/__init__.py"))
