"""State folders whose server lives for a module of tests."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from perennial import embedded


@pytest.fixture(scope="module")
def living_state() -> Iterator[Path]:
    """A state folder with a running embedded server, as `make demo` uses it."""
    folder = Path(tempfile.mkdtemp(prefix="perennial-e2e-"))
    folder.chmod(0o755)  # the server's own user must reach its data
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PERENNIAL_STATE", str(folder))
        for name in ("AIRFLOW_CONN_WAREHOUSE", "AIRFLOW_CONN_SHOP", "AIRFLOW_HOME"):
            patch.delenv(name, raising=False)
        embedded.start()
        embedded.ensure_database("warehouse")
        yield folder
        embedded.stop(force=True)
    shutil.rmtree(folder)
