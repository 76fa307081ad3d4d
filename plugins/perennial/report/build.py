"""From the warehouse to the file."""

import os
from datetime import date
from pathlib import Path

import psycopg

from perennial import config, paths
from perennial.report import facts, page, registry
from perennial.report.verdict import verdict
from perennial.warehouse.database import connect

LATEST = "latest.html"


def build(session: psycopg.Connection, settings: config.Config, as_of: date | None) -> str:
    """The report of a night as HTML; of none, where no night was ever begun, one that says what to do."""
    about = facts.night(session, settings, as_of)
    sections = [
        page.Section.of(name, module, module.parts(facts.rows(session, module.QUERIES, about), about))
        for name, module in registry.load().items()
    ]
    return page.render(about, verdict(about), sections)


def write(as_of: date | None, output: Path | None = None) -> Path:
    """Write the report of a night to its file and to `latest.html`, or to `output` only; returns the file."""
    with connect() as session:
        session.read_only = True
        session.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ  # one state of all tables
        text = build(session, config.load(), as_of)
    if output:
        return _replaced(output, text)
    paths.report().mkdir(parents=True, exist_ok=True)
    latest = _replaced(paths.report() / LATEST, text)
    return _replaced(paths.report() / f"{as_of}.html", text) if as_of else latest


def _replaced(path: Path, text: str) -> Path:
    """The file with new content; nobody ever sees half of it."""
    half = path.with_name(f".{path.name}.{os.getpid()}")
    half.write_text(text, encoding="utf-8")
    half.replace(path)
    return path
