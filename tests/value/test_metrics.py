"""What the semantic layer says and what plain SQL says bear the same names."""

from pathlib import Path

import yaml

FOLDER = Path(__file__).parents[2] / "dbt_project" / "models" / "marts" / "metrics"
KEYS = {"day", "month", "as_of"}


def columns(view: str) -> list[str]:
    (model,) = yaml.safe_load((FOLDER / f"{view}.yml").read_text("utf-8"))["models"]
    return [column["name"] for column in model["columns"] if column["name"] not in KEYS]


def test_every_metric_is_a_column_of_a_view_and_every_column_a_metric():
    metrics = [metric["name"] for metric in yaml.safe_load((FOLDER / "metrics.yml").read_text("utf-8"))["metrics"]]
    assert columns("metrics_daily") == columns("metrics_monthly")
    assert metrics == columns("metrics_daily") + columns("metrics_customers")


def test_every_metric_is_labelled_in_english_and_chinese_and_described():
    for metric in yaml.safe_load((FOLDER / "metrics.yml").read_text("utf-8"))["metrics"]:
        english, chinese = metric["label"].rsplit(" ", 1)
        assert english.isascii(), metric["name"]
        assert not chinese.isascii(), metric["name"]
        assert metric["description"].endswith("."), metric["name"]
