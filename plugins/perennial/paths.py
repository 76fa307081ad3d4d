"""Where things lie. Everything Perennial writes is below one folder, the state folder."""

import os
from pathlib import Path


def home() -> Path:
    """The project folder: the one with config/, dags/ and dbt_project/ (`PERENNIAL_HOME`)."""
    return Path(os.environ.get("PERENNIAL_HOME") or Path(__file__).parents[2]).resolve()


def state() -> Path:
    """The folder of everything written: warehouse, landing zone, audiences, logs (`PERENNIAL_STATE`)."""
    return Path(os.environ.get("PERENNIAL_STATE") or home() / ".perennial").resolve()


def config() -> Path:
    """The folder of the configuration files (`PERENNIAL_CONFIG`)."""
    return Path(os.environ.get("PERENNIAL_CONFIG") or home() / "config").resolve()


def report() -> Path:
    """The folder of the nightly reports."""
    return state() / "report"


def private_folder(path: Path) -> Path:
    """Create `path` so that only its owner can look inside; contact details lie in such folders."""
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o700)
    return path
