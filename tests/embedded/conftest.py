"""State folders that every OS user may enter, and one server that all tests share."""

import shutil
import subprocess
import sys

import pytest
from servers_here import CHILD, folder_open_to_all, servers_of

from perennial import embedded


@pytest.fixture
def state(monkeypatch):
    """A state folder without a server."""
    folder = folder_open_to_all()
    monkeypatch.setenv("PERENNIAL_STATE", str(folder))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def cluster():
    """A state folder whose data folder two processes made at once, and what they answered."""
    folder = folder_open_to_all()
    half = folder / "pgdata.new"  # as a crash in the midst of the first start leaves it
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PERENNIAL_STATE", str(folder))
        patch.setenv("PGPORT", "6543")
        run = [sys.executable, "-c", CHILD]
        children = [subprocess.Popen(run, stdout=subprocess.PIPE, text=True) for _ in range(2)]
        answers = [child.communicate()[0].strip() for child in children]
        yield {"answers": answers, "servers": servers_of(folder)}
        embedded.stop(force=True)
        left = servers_of(folder)
    shutil.rmtree(folder)
    assert left == [], "the tests leave a server behind"


@pytest.fixture
def server(cluster):
    """The shared server, running."""
    embedded.start()
