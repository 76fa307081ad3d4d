"""Preparing both sample systems: where they live, what is reported, what is refused."""

from datetime import date
from pathlib import Path

import pytest

from perennial import sample
from perennial.errors import ConfigError


@pytest.fixture
def progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder of our own; returns the file the progress lines go to."""
    monkeypatch.setenv("PERENNIAL_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("PERENNIAL_PROGRESS", str(tmp_path / "progress"))
    return tmp_path / "progress"


@pytest.fixture
def shop(new_database, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection `shop` leads to an empty database."""
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", new_database("prepared").to_json())


@pytest.mark.server
@pytest.mark.usefixtures("shop")
def test_both_systems_reach_the_day_and_say_so(progress: Path, tmp_path: Path) -> None:
    sample.prepare(date(2017, 2, 1), households=40)
    shop_line, files_line = progress.read_text().splitlines()
    assert shop_line.startswith("sample: shop has 3")
    assert shop_line.endswith("orders until 2017-02-01")
    assert files_line.startswith("sample: click & collect delivered 32 files with ")
    assert "@" not in progress.read_text()
    folder = tmp_path / "state" / "drop" / "click_collect"
    assert len(list(folder.glob("click_collect_*.csv"))) == 32


@pytest.mark.server
@pytest.mark.usefixtures("shop")
def test_another_slice_is_refused_later_and_the_same_is_welcome(progress: Path) -> None:
    sample.prepare(date(2017, 1, 2), households=40)
    said = progress.read_text()
    with pytest.raises(ConfigError, match=r"asked for 41 households.* made with 40 households"):
        sample.prepare(date(2017, 1, 3), households=41)
    with pytest.raises(ConfigError, match="asked for all households"):
        sample.prepare(date(2017, 1, 3))
    assert progress.read_text() == said
    sample.prepare(date(2017, 1, 3), households=40)
    assert "until 2017-01-03" in progress.read_text()


@pytest.mark.parametrize("day", [date(2016, 12, 31), date(2018, 2, 1)])
def test_a_day_outside_the_data_is_refused(progress: Path, day: date) -> None:
    with pytest.raises(ConfigError, match="2017-01-01 to 2018-01-31"):
        sample.prepare(day, households=40)
    assert not progress.exists()
