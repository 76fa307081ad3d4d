"""Where the report goes, by the command and by the night."""

from datetime import date

import pytest
from click.testing import CliRunner
from report_warehouse import NIGHT

from perennial import night
from perennial.cli import cli
from perennial.errors import FatalError, RetriableError
from perennial.report import build
from perennial.warehouse.database import connect

pytestmark = pytest.mark.server


@pytest.fixture
def drawn(monkeypatch) -> list:
    """What was drawn, without drawing."""
    asked = []
    monkeypatch.setattr(build, "build", lambda _session, _settings, as_of: asked.append(as_of) or f"of {as_of}")
    return asked


def begin(as_of: date) -> None:
    with connect() as session:
        session.execute("insert into ops.nights (as_of, build_started_at) values (%s, 'epoch')", [as_of])


def test_an_empty_warehouse_has_a_report_that_says_what_to_do(warehouse, state):
    done = CliRunner().invoke(cli, ["report"])
    assert done.exit_code == 0, done.output
    assert "No night has been built yet" in (state / "report" / "latest.html").read_text("utf-8")
    assert [path.name for path in (state / "report").iterdir()] == ["latest.html"]


def test_the_night_writes_its_own_file_and_the_latest_one_and_nothing_half(warehouse, state, drawn, rows):
    begin(NIGHT)
    assert night.report(NIGHT) == state / "report" / "2017-09-30.html"
    files = {path.name: path.read_text() for path in (state / "report").iterdir()}
    assert files == {"2017-09-30.html": "of 2017-09-30", "latest.html": "of 2017-09-30"}
    assert rows("select task, status from ops.runs") == [{"task": "report", "status": "success"}]


def test_the_report_of_a_past_night_is_left_as_it_was_written_then(warehouse, state, drawn):
    begin(NIGHT)
    assert night.report(date(2017, 9, 29)) is None
    assert drawn == []
    done = CliRunner().invoke(cli, ["report", "--as-of", "2017-09-29"])
    assert done.exit_code == 1
    assert "the marts show 2017-09-30, not 2017-09-29" in done.output


def test_a_report_that_cannot_be_drawn_leaves_the_last_one(warehouse, state, drawn, monkeypatch):
    begin(NIGHT)
    night.report(NIGHT)

    def fails(*_):
        raise RetriableError("no connection")

    monkeypatch.setattr(build, "build", fails)
    with pytest.raises(RetriableError):
        night.report(NIGHT)
    assert (state / "report" / "latest.html").read_text() == "of 2017-09-30"


def test_what_no_second_try_can_mend_is_not_tried_again(warehouse, state, drawn, rows):
    begin(NIGHT)
    (state / "report" / "latest.html").mkdir(parents=True)
    with pytest.raises(FatalError, match="the report of 2017-09-30 could not be written: IsADirectoryError"):
        night.report(NIGHT)
    assert rows("select status from ops.runs") == [{"status": "failed"}]


def test_it_can_be_written_elsewhere(warehouse, state, tmp_path, drawn):
    begin(NIGHT)
    done = CliRunner().invoke(cli, ["report", "--output", str(tmp_path / "own.html")])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "own.html").read_text() == "of 2017-09-30"
    assert not (state / "report").exists()
