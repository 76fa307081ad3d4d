"""Run the DAG for one night in a process of its own, and show its progress."""

import json
import re
import subprocess
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import click

from perennial import airflow_local, embedded, night, paths, progress, summary
from perennial.clock import wall_clock
from perennial.errors import PerennialError
from perennial.warehouse import database

DAG = "customer_lifecycle"


def run(as_of: date | None) -> None:
    """Run `airflow dags test` for the night and end with its summary; PerennialError if the night failed."""
    chosen = night.choose_as_of(str(as_of) if as_of else None, wall_clock())
    if database.is_embedded():
        embedded.ensure_database(database.NAME)
    started = time.monotonic()
    click.secho(f"night of {chosen}", bold=True)
    progress.listeners.append(lambda line: _show(line, started))
    env = airflow_local.environment()
    airflow_local.prepare(env)
    logs = paths.private_folder(paths.state() / "logs")
    follow, log = logs / f"nightly-{chosen}.progress", logs / f"nightly-{chosen}.log"
    follow.write_text("")
    report = paths.report() / f"{chosen}.html"
    earlier = _written(report)
    env["PERENNIAL_PROGRESS"] = str(follow)
    arguments = airflow_local.command("dags", "test", DAG, "--conf", json.dumps({"as_of": str(chosen)}))
    with log.open("w") as output:
        process = subprocess.Popen(arguments, env=env, stdout=output, stderr=subprocess.STDOUT)
        try:
            for line in _lines(follow, process):
                _show(line, started)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(30)
    if process.returncode:
        told = f"the night of {chosen} failed: {_reason(log)}\nIts whole log: {log}"
        raise PerennialError(f"{told}\nIts report: {report}" if _written(report) != earlier else told)
    if night.is_before_horizon(chosen):
        click.secho(
            f"Nothing was built for {chosen}: the marts show {night.horizon()}, they are never rebuilt backwards."
        )
    summary.show()
    click.echo(f"\n{time.monotonic() - started:.0f} seconds. Log: {log}")
    if _written(report) != earlier:
        click.secho(f"Report for people: {paths.report() / 'latest.html'}", bold=True)
    elif not night.is_before_horizon(chosen):
        click.secho("No report was written; the log says why, and `perennial report` tries again.", fg="yellow")


def _written(report: Path) -> int | None:
    """When a report was written, if it was; another answer later means that it was written anew."""
    return report.stat().st_mtime_ns if report.is_file() else None


def _lines(path: Path, process: subprocess.Popen) -> Iterator[str]:
    with path.open(encoding="utf-8") as stream:
        while True:
            ended = process.poll() is not None
            yield from (line.rstrip("\n") for line in stream.readlines())
            if ended:
                return
            time.sleep(0.2)


def _show(line: str, started: float) -> None:
    click.echo(f"{time.monotonic() - started:6.1f} s  {line}")


def _reason(log: Path) -> str:
    """The last error of ours in the log; what others say may quote rows and stays in the log."""
    found = re.findall(r"perennial\.errors\.\w+: (.+)", log.read_text(errors="replace"))
    return found[-1].strip()[:1000] if found else "for a reason that is in its log."
