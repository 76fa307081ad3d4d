"""What must be true of the repository itself."""

import re
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
LOCKS = ("requirements.lock", "requirements-dev.lock")


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_every_package_with_hashes_and_names_no_address(lock):
    text = (PROJECT / lock).read_text()
    entries = [line for line in text.replace("\\\n", " ").splitlines() if line.strip()]
    assert len(entries) > 100
    for entry in entries:
        assert re.match(r"^[a-z0-9][a-z0-9._-]*(\[[a-z0-9,_-]+\])?==\S+ .*--hash=sha256:[0-9a-f]{64}", entry), entry[
            :80
        ]
    assert "://" not in text


def test_the_development_lock_holds_the_same_versions_as_the_other():
    pins = [set(re.findall(r"^(\S+==\S+)", (PROJECT / lock).read_text(), re.MULTILINE)) for lock in LOCKS]
    assert pins[0] <= pins[1]


def test_no_model_and_no_business_code_asks_the_clock():
    asks = re.compile(
        r"\b(now\(\)|current_date|current_timestamp|date\.today\(|datetime\.now\(|utcnow\()", re.IGNORECASE
    )
    places = [
        *(PROJECT / "dbt_project" / "models").rglob("*.sql"),
        *(PROJECT / "dbt_project" / "macros").rglob("*.sql"),
    ]
    places += (PROJECT / "plugins").rglob("*.py")
    assert len(places) > 60
    assert [str(p) for p in places if asks.search(p.read_text())] == []


def test_every_model_has_its_description_beside_it():
    models = list((PROJECT / "dbt_project" / "models").rglob("*.sql"))
    assert len(models) > 25
    assert [p.name for p in models if "One row per" not in p.with_suffix(".yml").read_text()] == []


def test_make_help_lists_what_the_readme_promises():
    said = subprocess.run(["make", "-C", str(PROJECT), "help"], capture_output=True, text=True, check=True).stdout
    for target in ("demo", "nightly", "ui", "test", "lint", "format", "stop", "clean"):
        assert re.search(rf"^{target} ", said, re.MULTILINE), target
