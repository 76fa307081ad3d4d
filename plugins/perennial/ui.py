"""Airflow's components as processes of their own, started and stopped together.

`airflow standalone` leaves its children behind when it is terminated; these are stopped one by one.
"""

import json
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

import click

from perennial import airflow_local, config, embedded, paths
from perennial.errors import ConfigError, PerennialError
from perennial.warehouse import database

COMPONENTS = ("api-server", "scheduler", "dag-processor", "triggerer")
PATIENCE = 180  # seconds until the pages answer


def run(port: int) -> None:
    """Serve until interrupted; PerennialError if a component ends by itself."""
    config.load()
    _require_free(port)
    if database.is_embedded():
        embedded.ensure_database(database.NAME)
    env = airflow_local.environment(port)
    airflow_local.prepare(env)
    logs = paths.private_folder(paths.state() / "logs")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    processes: dict[str, subprocess.Popen] = {}
    try:
        for component in COMPONENTS:
            with (logs / f"{component}.log").open("w") as output:
                processes[component] = subprocess.Popen(
                    airflow_local.command(component),
                    env=env,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,  # Ctrl-C reaches us alone; we stop them in order
                )
        _wait_until_healthy(port, processes, logs)
        _welcome(port, env)
        while True:
            _all_alive(processes, logs)
            time.sleep(1)
    except KeyboardInterrupt:
        click.echo("\nstopping")
    finally:
        for process in processes.values():
            process.terminate()
        for process in processes.values():
            _wait(process)


def _require_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise ConfigError(f"port {port} is taken; choose another: make ui PORT={port + 1}") from None


def _wait_until_healthy(port: int, processes: dict[str, subprocess.Popen], logs: Path) -> None:
    click.echo("starting Airflow ", nl=False)
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        _all_alive(processes, logs)
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v2/monitor/health", timeout=5) as answer:
                health = json.load(answer)
            if all(health[part]["status"] == "healthy" for part in ("metadatabase", "scheduler", "dag_processor")):
                click.echo()
                return
        except (urllib.error.URLError, OSError, ValueError, KeyError):
            pass
        click.echo(".", nl=False)
        time.sleep(2)
    raise PerennialError(f"Airflow does not answer on port {port} after {PATIENCE} s; see {logs}")


def _all_alive(processes: dict[str, subprocess.Popen], logs: Path) -> None:
    for name, process in processes.items():
        if process.poll() is not None:
            tail = (logs / f"{name}.log").read_text(errors="replace").splitlines()[-3:]
            raise PerennialError(f"airflow {name} ended by itself; {logs / name}.log ends:\n" + "\n".join(tail))


def _welcome(port: int, env: dict[str, str]) -> None:
    passwords = Path(env["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"])
    click.echo(f"Airflow: http://127.0.0.1:{port}/dags/customer_lifecycle    user admin, password in {passwords}")
    click.echo(f"Pages:   http://127.0.0.1:{port}/plugin/perennial-audiences    user marketer or admin")
    click.echo("Trigger customer_lifecycle with as_of, e.g. 2017-10-01. Ctrl-C stops everything.")


def _wait(process: subprocess.Popen) -> None:
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
