"""The stages of the default lifecycle model in the order of a life, for every section that shows them."""

from typing import Any

from perennial.lifecycle.phrases import Words
from perennial.report.text import labelled

PHASES = ("potential", "growing", "stable", "declining", "lost")
STAGES = f"""
    select stage, phase, label_en, label_zh, description_en, description_zh from marts.dim_stages
    where lifecycle_model = %(model)s
    order by array_position(array{list(PHASES)!r}, phase), coalesce(decline_order, 0), stage_order
"""


def names(rows: list[dict[str, Any]]) -> dict[str, Words]:
    """The label of every stage, in the order of a life."""
    return {row["stage"]: labelled(row) for row in rows}


def in_language(labels: dict[str, Words], language: str) -> dict[str, str]:
    """The labels in one language, each another one: two stages may be called the same, a chart must not add them up."""
    told: dict[str, str] = {}
    for stage, label in labels.items():
        text = getattr(label, language)
        told[stage] = f"{text} ({stage})" if text in told.values() else text
    return told
