"""Airflow on this machine: its settings as environment variables, its metadata beside the warehouse.

What differs from Airflow's defaults is set by environment variables, as it would be on a server. Only one Airflow at a
time works on a state folder: a scheduler would pick up the tasks of a night that runs without it.
"""

import fcntl
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from perennial import embedded, paths
from perennial.connections import Connection, configured
from perennial.errors import ConfigError, PerennialError
from perennial.progress import say
from perennial.warehouse import database

METADATA = "airflow_meta"


def environment(port: int = 8080) -> dict[str, str]:
    """The environment of every Airflow process we start; what the user set before wins."""
    home, state = paths.home(), paths.state()
    folder = paths.private_folder(state / "airflow")
    api = f"http://127.0.0.1:{port}"
    defaults = {
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(home / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{api}/execution/",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin,marketer:user",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(folder / "passwords.json"),
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": api,
        "AIRFLOW__API_AUTH__JWT_SECRET": _secret(folder / "jwt_secret"),
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "15",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": _sqlalchemy(embedded.connection(METADATA)),
        "DO_NOT_TRACK": "1",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "PERENNIAL_HOME": str(home),
        "PERENNIAL_STATE": str(state),
        "PYTHONWARNINGS": "ignore",
    }
    # the local server's databases; a connection the user configured is left alone
    for name in (database.NAME, "shop"):
        if configured(name) is None:
            defaults[f"AIRFLOW_CONN_{name.upper()}"] = embedded.connection(name).to_json()
    if (state / "sample").is_dir():
        # the sample shops live in the past: last night is not theirs, and a DAG without schedule needs no pause
        defaults["PERENNIAL_SCHEDULE"] = defaults["PERENNIAL_WATCH"] = ""
        defaults["AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION"] = "False"
    return defaults | dict(os.environ)


@contextmanager
def alone(who: str) -> Iterator[None]:
    """Keep other Airflows away from this state folder; ConfigError names the one that is there."""
    with (paths.private_folder(paths.state() / "airflow") / "in_use").open("a+") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stream.seek(0)
            raise ConfigError(
                f"{stream.read() or 'another run'} is using {paths.state()}. Wait until it has ended; while "
                "`perennial ui` runs, trigger nights in its pages."
            ) from None
        stream.truncate(0)
        stream.write(f"{who} (process {os.getpid()})")
        stream.flush()
        yield


def prepare(env: dict[str, str]) -> None:
    """Create or upgrade the metadata database, once per Airflow version, and the passwords of the local users."""
    embedded.ensure_database(METADATA)
    passwords = Path(env["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"])
    if not passwords.exists():
        passwords.touch(mode=0o600)
        passwords.write_text(json.dumps({"admin": secrets.token_urlsafe(9), "marketer": secrets.token_urlsafe(9)}))
    stamp = Path(env["AIRFLOW_HOME"]) / "migrated"
    version = _installed_version()
    if stamp.exists() and stamp.read_text() == version:
        return
    say("airflow: preparing its metadata database")
    done = subprocess.run(command("db", "migrate"), env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PerennialError(f"airflow db migrate failed:\n{(done.stderr or done.stdout)[-2000:]}")
    stamp.write_text(version)


def command(*arguments: str) -> list[str]:
    """An `airflow` command line of this virtual environment."""
    return [str(Path(sys.executable).with_name("airflow")), *arguments]


def _secret(path: Path) -> str:
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(48))
    return path.read_text()


def _sqlalchemy(connection: Connection) -> str:
    return connection.url().replace("postgresql+psycopg://", "postgresql+psycopg2://")


def _installed_version() -> str:
    from importlib.metadata import version

    return version("apache-airflow")
