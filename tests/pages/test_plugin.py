"""The plugin as every component of Airflow loads it: found, and cheap until somebody asks for its pages."""

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

pytestmark = pytest.mark.airflow

PROJECT = Path(__file__).parents[2]
PROBE = """
import json, sys
from airflow import plugins_manager
before = set(sys.modules)
plugins, errors = plugins_manager._get_plugins()
loaded = sorted(name for name in set(sys.modules) - before if not name.startswith("airflow"))
views, _ = plugins_manager._get_ui_plugins()
apps, _ = plugins_manager.get_fastapi_plugins()
print(json.dumps({
    "plugins": [plugin.name for plugin in plugins if plugin.name == "perennial"],
    "errors": {str(k): str(v) for k, v in errors.items()},
    "loaded": loaded, "views": [[view["href"], view["destination"]] for view in views],
    "apps": [[app["url_prefix"], type(app["app"]).__name__] for app in apps],
}))
"""


@pytest.fixture(scope="module", params=["http://127.0.0.1:8080", "https://example.com/airflow/"])
def found(request, tmp_path_factory) -> dict:
    home = tmp_path_factory.mktemp("airflow")
    environment = os.environ | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/meta.db",
        "AIRFLOW__API__BASE_URL": request.param,
        "PYTHONPATH": str(PROJECT / "plugins"),
    }
    done = subprocess.run(
        [sys.executable, "-c", PROBE], env=environment, cwd=home, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1]) | {"below": "/airflow" if "airflow" in request.param else ""}


def test_airflow_finds_one_plugin_with_its_pages(found):
    assert (found["plugins"], found["errors"]) == (["perennial"], {})
    below = found["below"]
    assert found["views"] == [
        [f"{below}/perennial/audiences", "nav"],
        [f"{below}/perennial/lifecycle", "nav"],
        [f"{below}/perennial/customers", "nav"],
        [f"{below}/perennial/lifecycle", "dag"],
    ]
    assert found["apps"] == [["/perennial", "FastAPI"]]


def test_the_pages_are_imported_only_where_they_are_asked_for(found):
    """Scheduler, DAG processor and every task load plugins, too."""
    assert "perennial_plugin" in found["loaded"]
    heavy = ("perennial.", "fastapi", "psycopg", "jinja2", "vl_convert")
    assert [name for name in found["loaded"] if name.startswith(heavy)] == []


def test_an_approval_stands_though_airflow_makes_no_run_of_it(monkeypatch):
    from perennial.pages import host

    def broken(*_, **__):
        raise RuntimeError("the metadata database is away")

    monkeypatch.setattr("airflow.api.common.trigger_dag.trigger_dag", broken)
    assert host.send(date(2017, 9, 30), "ann") is False
