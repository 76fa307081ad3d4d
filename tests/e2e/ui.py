"""`perennial ui` as a person starts it, and signing in to it."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from browser import Browser

PATIENCE = 180  # seconds
PROJECT = Path(__file__).parents[2]
USERS = "admin:admin,marketer:user,reader:viewer"


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def running(state: Path) -> Iterator[str]:
    """The address of Airflow's pages, until the end of the block."""
    port = free_port()
    environment = os.environ | {
        "PYTHONPATH": str(PROJECT / "plugins"),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": USERS,
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(free_port()),
    }
    code = "from perennial.cli import main; main()"
    with (state / "ui.log").open("w") as log:
        command = [sys.executable, "-c", code, "ui", "--port", str(port)]
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
        try:
            _wait(process, f"http://127.0.0.1:{port}/api/v2/monitor/health", state / "ui.log")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(90)


def _wait(process: subprocess.Popen, url: str, log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                health = json.load(answer)
            if all(health[part]["status"] == "healthy" for part in ("metadatabase", "scheduler", "dag_processor")):
                return
        except (urllib.error.URLError, OSError, ValueError):
            pass
        time.sleep(1)
    raise AssertionError(f"Airflow did not start: {log.read_text()[-2000:]}")


def sign_in(browser: Browser, url: str, state: Path, who: str) -> None:
    """By the form, as a person; whoever was signed in before is not any more."""
    password = json.loads((state / "airflow" / "passwords.json").read_text())[who]
    browser.ask("Network.clearBrowserCookies")
    browser.go(url)
    browser.wait("document.querySelector('input[type=password]')")
    browser.type("input:not([type=password])", who)
    browser.type("input[type=password]", password)
    browser.run("document.querySelector('button[type=submit]').click()")
    browser.wait("location.pathname === '/'")
