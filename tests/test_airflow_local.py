"""Airflow on this machine: settings as environment variables, one Airflow at a time."""

import pytest

from perennial import airflow_local
from perennial.connections import Connection
from perennial.errors import ConfigError


@pytest.fixture
def no_server(state, monkeypatch):
    where = Connection("postgres", str(state), 5432, "postgres")
    monkeypatch.setattr(airflow_local.embedded, "connection", lambda name: where)
    for name in ("AIRFLOW_HOME", "AIRFLOW_CONN_WAREHOUSE", "AIRFLOW_CONN_SHOP", "PERENNIAL_SCHEDULE"):
        monkeypatch.delenv(name, raising=False)
    return state


def test_two_airflows_never_work_on_one_state_folder(state):
    with (
        airflow_local.alone("perennial ui"),
        pytest.raises(ConfigError, match=r"perennial ui \(process .* trigger nights in its pages"),
        airflow_local.alone("perennial nightly"),
    ):
        pass
    with airflow_local.alone("perennial nightly"):
        pass


def test_what_the_user_set_wins(no_server, monkeypatch):
    monkeypatch.setenv("AIRFLOW__CORE__PARALLELISM", "16")
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", "postgres://me@db/dwh")
    env = airflow_local.environment()
    assert env["AIRFLOW__CORE__PARALLELISM"] == "16"
    assert env["AIRFLOW_CONN_WAREHOUSE"] == "postgres://me@db/dwh"


def test_the_sample_shops_are_not_scheduled_and_real_ones_are(no_server):
    assert "PERENNIAL_SCHEDULE" not in airflow_local.environment()
    (no_server / "sample").mkdir()
    env = airflow_local.environment()
    assert env["PERENNIAL_SCHEDULE"] == ""
    assert env["AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION"] == "False"


def test_secrets_are_made_once_and_private(no_server):
    first = airflow_local.environment()["AIRFLOW__API_AUTH__JWT_SECRET"]
    assert airflow_local.environment()["AIRFLOW__API_AUTH__JWT_SECRET"] == first
    assert len(first) >= 32
    assert (no_server / "airflow" / "jwt_secret").stat().st_mode & 0o077 == 0
