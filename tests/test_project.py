"""What must be true of the repository itself."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from perennial.report import registry

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
    for target in ("demo", "nightly", "ui", "docs", "test", "lint", "format", "stop", "clean"):
        assert re.search(rf"^{target} ", said, re.MULTILINE), target


def test_dbt_knows_every_table_that_the_report_reads():
    names = {p.stem for p in (PROJECT / "dbt_project").rglob("*") if p.suffix in (".sql", ".csv")}
    made = "".join(path.read_text("utf-8") for path in (PROJECT / "sql").glob("*.sql"))
    read = {
        table
        for section in registry.load().values()
        for query in section.QUERIES.values()
        for table in re.findall(r"\b(?:marts|activation)\.(\w+)", query)
        if f".{table} (" not in made
    }
    assert len(read) > 10
    assert read - names == set()


def models() -> list[dict]:
    found = [yaml.safe_load(p.read_text("utf-8")) for p in (PROJECT / "dbt_project" / "models").rglob("*.yml")]
    return [model for file in found for model in file.get("models", [])]


def test_every_model_keeps_a_contract_but_the_one_whose_columns_are_configured():
    settings = yaml.safe_load((PROJECT / "dbt_project" / "dbt_project.yml").read_text("utf-8"))["models"]["perennial"]
    assert settings["+contract"] == {"enforced": True}
    free = [m["name"] for m in models() if "contract" in m.get("config", {})]
    assert free == ["int_touches"]


def test_every_column_is_described():
    """That every column is listed, with its type, is what the contract asks."""
    assert [
        (model["name"], column["name"])
        for model in models()
        for column in model["columns"]
        if not column.get("description")
    ] == []


def test_every_mart_tests_its_key():
    marts = {p.stem: p.read_text("utf-8") for p in (PROJECT / "dbt_project" / "models" / "marts").rglob("*.sql")}
    keyed = {name for name, text in marts.items() if "'unique': true" in text}  # an index does
    for model in models():
        tests = [*model.get("data_tests", []), *(t for c in model["columns"] for t in c.get("data_tests", []))]
        names = {test if isinstance(test, str) else next(iter(test)) for test in tests}
        if names & {"unique", "unique_combination", "intervals_tile"}:
            keyed.add(model["name"])
    assert marts.keys() - keyed == set()
