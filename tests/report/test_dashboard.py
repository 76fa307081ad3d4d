"""The dashboard in bi/superset: what its files name is there, and analysts may read it. Needs no Superset."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

BUNDLE = Path(__file__).parents[2] / "bi" / "superset"


def entries(folder: str) -> dict[str, dict[str, Any]]:
    """The entries of a folder by their uuid; two with the same one are an error."""
    found = [yaml.safe_load(path.read_text("utf-8")) for path in sorted((BUNDLE / folder).rglob("*.yaml"))]
    assert len({entry["uuid"] for entry in found}) == len(found)
    return {entry["uuid"]: entry for entry in found}


DATASETS, CHARTS = entries("datasets"), entries("charts")
(DASHBOARD,) = entries("dashboards").values()


def of(found: dict[str, dict[str, Any]], name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("entry", found.values(), ids=[entry[name] for entry in found.values()])


@pytest.fixture
def analyst(small: psycopg.Connection) -> Iterator[psycopg.Connection]:
    """The small night, as the role that a dashboard has."""
    small.execute("set role perennial_bi")
    yield small
    small.rollback()
    small.execute("reset role")
    small.commit()


@pytest.mark.server
@of(DATASETS, "table_name")
def test_analysts_may_read_every_column_and_figure_of_a_dataset(analyst, entry):
    table = f"({entry['sql']}) as told" if entry["sql"] else f"{entry['schema']}.{entry['table_name']}"
    columns = ", ".join(column["column_name"] for column in entry["columns"])
    figures = ", ".join(metric["expression"] for metric in entry["metrics"])
    read = analyst.execute(f"select {columns} from {table}").description
    assert [column.name for column in read] == [column["column_name"] for column in entry["columns"]]
    assert analyst.execute(f"select {figures} from {table}").fetchone() is not None


@pytest.mark.server
def test_a_dataset_of_contact_details_would_be_refused(analyst):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        analyst.execute("select * from pii.destination_members")


@of(CHARTS, "slice_name")
def test_a_chart_asks_its_dataset_for_what_that_has(entry):
    dataset, asked = DATASETS[entry["dataset_uuid"]], entry["params"]
    columns = {column["column_name"] for column in dataset["columns"]}
    grouped = asked.get("groupby", [])
    named = [*([grouped] if isinstance(grouped, str) else grouped), *asked.get("all_columns", [])]
    named += [asked["x_axis"]] if "x_axis" in asked else []
    named += [condition["subject"] for condition in asked["adhoc_filters"]]
    figures = [*asked.get("metrics", []), *([asked["metric"]] if "metric" in asked else [])]
    assert set(named) <= columns
    assert set(figures) <= {metric["metric_name"] for metric in dataset["metrics"]}
    assert named or figures
    assert entry["viz_type"] == asked["viz_type"]


def test_the_dashboard_shows_every_chart_once_and_filters_by_a_column_that_is_there():
    shown = [
        part["meta"] for part in DASHBOARD["position"].values() if isinstance(part, dict) and part["type"] == "CHART"
    ]
    assert sorted(chart["uuid"] for chart in shown) == sorted(CHARTS)
    assert {chart["uuid"]: chart["sliceName"] for chart in shown} == {u: c["slice_name"] for u, c in CHARTS.items()}
    for asked in DASHBOARD["metadata"]["native_filter_configuration"]:
        for target in asked["targets"]:
            columns = {column["column_name"] for column in DATASETS[target["datasetUuid"]]["columns"]}
            assert target["column"]["name"] in columns


def test_everything_reads_one_database_whose_password_is_not_written_down():
    (database,) = entries("databases").values()
    assert {dataset["database_uuid"] for dataset in DATASETS.values()} == {database["uuid"]}
    assert {dataset["schema"] for dataset in DATASETS.values()} == {"marts"}
    assert re.fullmatch(r"postgresql\+psycopg2://dashboard:X+@db:5432/warehouse", database["sqlalchemy_uri"])
    assert not any(database[right] for right in database if right.startswith("allow_"))
