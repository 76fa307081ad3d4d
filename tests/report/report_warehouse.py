"""A warehouse with the tables the report reads: columns from the models' own yml files, a few rows of each."""

import csv
import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg
import yaml
from psycopg import sql
from psycopg.types.json import Jsonb

PROJECT = Path(__file__).parents[2]
MODELS = PROJECT / "dbt_project" / "models" / "marts"
NIGHT = date(2017, 9, 30)
EARLIER, WEEK_BEFORE = NIGHT - timedelta(days=1), NIGHT - timedelta(days=7)
MODEL = "ecommerce"
HOSTILE = '<script>alert("stage")</script>'
STAGES = (
    ("prospect", 1, "potential", None),
    ("lost", 2, "lost", 4),
    ("silent", 3, "declining", 3),
    ("rising", 4, "growing", None),
    ("mature", 5, "stable", 1),
)
PLACES = {"activation": "activation"}
PII = re.compile(r"\bschema='pii'")


def fill(session: psycopg.Connection) -> None:
    """Make every table and put its rows into it."""
    session.execute("create table marts.dim_reasons (kind text, reason text, label_en text, label_zh text)")
    with (PROJECT / "dbt_project" / "seeds" / "dim_reasons.csv").open(encoding="utf-8", newline="") as stream:
        _insert(session, "marts", "dim_reasons", list(csv.DictReader(stream)))
    for path in sorted(MODELS.rglob("*.yml")):
        for model in yaml.safe_load(path.read_text("utf-8")).get("models", []):
            elsewhere = PII.search(path.with_name(f"{model['name']}.sql").read_text("utf-8"))
            create(session, "pii" if elsewhere else PLACES.get(path.parent.name, "marts"), model)
    for name, rows in tables().items():
        _insert(session, *name.split("."), rows)


def create(session: psycopg.Connection, schema: str, model: dict[str, Any]) -> None:
    """An empty table with the columns of a model."""
    columns = ", ".join(f'"{column["name"]}" {column["data_type"]}' for column in model["columns"])
    session.execute(f"create table if not exists {schema}.{model['name']} ({columns})")


def _insert(session: psycopg.Connection, schema: str, table: str, rows: list[dict[str, Any]]) -> None:
    for row in rows:
        statement = sql.SQL("insert into {} ({}) values ({})").format(
            sql.Identifier(schema, table),
            sql.SQL(", ").join(map(sql.Identifier, row)),
            sql.SQL(", ").join([sql.Placeholder()] * len(row)),
        )
        session.execute(statement, [Jsonb(value) if isinstance(value, dict) else value for value in row.values()])


def tables() -> dict[str, list[dict[str, Any]]]:
    """Rows by table, as small as every section can be shown with."""
    return {
        "ops.nights": [
            {
                "as_of": night,
                "build_started_at": "2017-10-01 03:00+00",
                "built_at": "2017-10-01 03:01+00",
                "exported_at": "2017-10-01 03:02+00",
            }
            for night in (WEEK_BEFORE, EARLIER, NIGHT)
        ],
        "ops.runs": [
            {
                "as_of": night,
                "task": task,
                "started_at": f"2017-10-01 03:00:{at:02}+00",
                "finished_at": f"2017-10-01 03:00:{at + seconds:02}+00",
                "status": "success",
                "rows": 10,
                "details": {"slowest": [["model.perennial.dim_customers", 1.5]]} if task == "transform" else {},
            }
            for night in (EARLIER, NIGHT)
            for task, at, seconds in (("extract.shop", 0, 3), ("transform", 5, 40 if night == NIGHT else 30))
        ],
        "ops.gate_results": [
            {"as_of": NIGHT, "check_name": "reconcile orders", "passed": True, "severity": "block", "message": "9, 9"},
            {
                "as_of": NIGHT,
                "check_name": "audiences",
                "passed": False,
                "severity": "warn",
                "message": "stopped: vip (1 unknown_key, such as eve@example.com or +1 202-555-0123)",
            },
        ],
        "ops.reconciliation": [
            {"as_of": NIGHT, "total": "orders", "layer": layer, "value": 9} for layer in ("input", "fct_orders")
        ],
        "ops.batches": [
            {
                "batch_id": "shop.orders.2017-09-30",
                "source": "shop",
                "entity": "orders",
                "as_of": NIGHT,
                "extracted_at": "2017-10-01 03:00+00",
                "rows_landed": 10,
                "rows_loaded": 9,
                "rows_new": 9,
                "rows_quarantined": 1,
                "bytes": 1000,
                "manifest_sha256": "x",
            }
        ],
        "quarantine.rejected_rows": [
            {
                "batch_id": "shop.orders.2017-09-30",
                "row_no": 1,
                "source": "shop",
                "entity": "orders",
                "reason": "not_a_number",
                "column_name": "total",
                "value": "bob@example.com",
                "payload": {"email": "bob@example.com", "phone": "+12025550199"},
            }
        ],
        "marts.dim_stages": [
            {
                "lifecycle_model": MODEL,
                "stage": stage,
                "stage_order": order,
                "phase": phase,
                "decline_order": decline,
                "label_en": HOSTILE if stage == "silent" else stage.title(),
                "label_zh": f"阶段{order}",
                "description_en": stage,
                "description_zh": stage,
            }
            for stage, order, phase, decline in STAGES
        ],
        "marts.fct_stage_counts": [
            {
                "lifecycle_model": MODEL,
                "day": NIGHT - timedelta(days=ago),
                "stage": stage,
                "count_customers": 10 + order + ago,
                "count_entered": 1,
                "count_left": 1,
            }
            for ago in (0, 1, 7, 14)
            for stage, order, *_ in STAGES
        ],
        "marts.fct_stage_transitions": [
            {
                "lifecycle_model": MODEL,
                "month": date(2017, 8, 1),
                "from_stage": start,
                "to_stage": end,
                "count_customers": customers,
                "count_from": 20,
                "probability": customers / 20,
                "probability_low": 0.1,
                "probability_high": 0.9,
            }
            for start, end, customers in (("mature", "mature", 12), ("mature", "silent", 5), ("silent", "mature", 3))
        ],
        "marts.lifecycle_forecast": [
            {
                "as_of": NIGHT,
                "lifecycle_model": MODEL,
                "stage": "mature",
                "forecast_on": date(2017, 12, 29),
                "count_customers": 15,
                "expected_customers": 13.5,
                "count_origins": 3,
                "count_backtests": 2,
                "mean_error_share": 0.02,
                "naive_mean_error_share": 0.03,
            }
        ],
        "marts.fct_orders": [
            {
                "customer_key": "ann",
                "source": "shop",
                "order_id": str(ago),
                "ordered_on": NIGHT - timedelta(days=ago),
                "net_amount": 120.5,
                "is_valid": True,
            }
            for ago in range(15)
        ],
        "marts.fct_segment_totals": [
            {"as_of": night, "segmentation": "abc_tier", "segment": "A", "count_customers": 5, "clv_365d": 1000 + day}
            for day, night in enumerate((WEEK_BEFORE, EARLIER, NIGHT))
        ],
        "marts.customer_360": [
            {
                "as_of": NIGHT,
                "customer_key": f"{number:032}",
                "sources": "shop, web" if number == 0 else "shop",
                "count_source_customers": 2 if number == 0 else 1,
                "stage": stage,
                "abc_tier": tier,
                "value_12m": value,
                "clv_365d": value,
                "next_stage": "silent" if stage == "mature" else None,
                "next_stage_on": NIGHT + timedelta(days=number + 1) if stage == "mature" else None,
            }
            for number, (stage, tier, value) in enumerate(
                (("mature", "A", 800), ("mature", "B", 150), ("silent", "A", 700), ("prospect", "N", 0))
            )
        ],
        "pii.identity_memberships": [
            {
                "own_key": own_key,
                "customer_key": key,
                "joined_by": joined_by,
                "valid_from": EARLIER,
                "valid_to": "infinity",
            }
            for own_key, key, joined_by in (("a", f"{0:032}", None), ("b", f"{0:032}", "email"), ("c", "c", None))
        ],
        "pii.identity_events": [
            {"as_of": night, "event": "merge", "customer_key": f"{0:032}", "former_key": former}
            for night, former in ((NIGHT, "b"), (EARLIER, "d"), (WEEK_BEFORE, "e"))
        ],
        "pii.identity_blocks": [
            {
                "own_key": own_key,
                "block": "email:held_consent:m1",
                "level": "email",
                "reason": "held_consent",
                "valid_from": NIGHT,
                "valid_to": "infinity",
            }
            for own_key in ("a", "c")
        ],
        "marts.customer_abc": [
            {
                "as_of": NIGHT,
                "customer_key": str(number),
                "basis": "revenue",
                "value_12m": value,
                "revenue_share_cum": share,
                "abc_tier": tier,
            }
            for number, (value, share, tier) in enumerate(
                ((800, 0.8, "A"), (150, 0.95, "B"), (50, 1, "C"), (0, None, "N"))
            )
        ],
        "marts.value_concentration": [
            {"as_of": NIGHT, "basis": "revenue", "share_of_customers_for_80pct": 0.3333, "gini": 0.5, "count_a": 1}
        ],
        "marts.customer_clv": [
            {"as_of": NIGHT, "customer_key": str(n), "clv_365d": 20 * n, "fit_status": "ok"} for n in range(1, 9)
        ],
        "clv.parameters": [_parameters()],
        "marts.clv_backtest": [_trial()],
        "marts.clv_backtest_decile": [
            {
                "as_of": NIGHT,
                "origin": date(2017, 7, 1),
                "candidate": "mbg_blend",
                "decile": decile,
                "customers": 10,
                "predicted_orders": 20 - decile,
                "actual_orders": 19 - decile,
                "predicted_spend": 2000 - 100 * decile,
                "actual_spend": 1900 - 100 * decile,
            }
            for decile in range(1, 11)
        ],
        "marts.fct_cohort_retention": [
            {
                "cohort_month": date(2017, month, 1),
                "age_months": age,
                "count_customers": customers,
                "count_active": 5,
                "retention_share": 5 / customers,
                "net_revenue_per_customer": 42.5,
                "is_mature": True,
            }
            for month, customers in ((5, 50), (6, 9))
            for age in range(1, 9 - month)
        ],
        "marts.fct_early_warnings": [
            {
                "customer_key": "0123456789abcdef0123456789abcdef",
                "opened_on": NIGHT,
                "tier": "A",
                "stage": "mature",
                "reasons": "overdue, spend_falling",
                "risk": 0.4,
                "value_at_risk": 1234.5,
                "due_by": date(2017, 10, 2),
                "outcome": "open",
            }
        ],
        "marts.early_warning_quality": [
            {"month": date(2017, 9, 1), "reason": "any", "count_opened": 3, "count_judged": 0, "count_lost": 0}
        ],
        "activation.audience_waterfall": [
            {
                "as_of": NIGHT,
                "audience": audience,
                "destination": "email_files",
                "channel": "email",
                "gate": gate,
                "reason": reason,
                "count_before": before,
                "count_ended": ended,
                "count_after": before - ended,
            }
            for audience in ("best_falling_silent", "<b>gone</b>")
            for gate, reason, before, ended in ((1, "no_address", 10, 3), (2, "holdout", 7, 1), (3, "export", 6, 6))
        ],
        "activation.export_runs": [
            {
                "plan": "2017-09-30.best_falling_silent.email_files",
                "as_of": NIGHT,
                "audience": "best_falling_silent",
                "destination": "email_files",
                "channel": "email",
                "valid_until": NIGHT,
                "status": "waiting",
                "members_before": 0,
                "members": 6,
                "adds": 6,
                "updates": 0,
                "removes": 0,
                "bought_since": 0,
                "tripped": ["first"],
                "data_hash": "x",
                "error": "550 eve@example.com does not exist",
                "planned_at": "2017-10-01 03:00+00",
            }
        ],
        "marts.fct_campaign_uplift": [_uplift("works", 2.5, 0.5, 4.5), _uplift("too_early", None, None, None)],
        "marts.holdout_power": [
            {
                "audience": "works",
                "audience_en": "Works",
                "audience_zh": "有效",
                "effect_days": 28,
                "holdout_share": 0.1,
                "count_people": 400,
                "count_held": 40,
                "mean_value": 12,
                "min_detectable_effect": 3,
                "min_detectable_share": 0.25,
            }
        ],
    }


def _uplift(verdict: str, effect: float | None, low: float | None, high: float | None) -> dict[str, Any]:
    return {
        "audience": verdict,
        "audience_en": f"Audience that {verdict}",
        "audience_zh": f"受众 {verdict}",
        "segmentation": "all",
        "segment": "all",
        "effect_days": 28,
        "count_treated": 400,
        "count_held": 40,
        "count_running": 5,
        "adjusted_difference": effect,
        "low": low,
        "high": high,
        "low_any_night": low,
        "high_any_night": high,
        "total": effect,
        "total_low": low,
        "total_high": high,
        "verdict": verdict,
        "verdict_en": verdict,
        "verdict_zh": verdict,
    }


def _parameters() -> dict[str, Any]:
    zeros = dict.fromkeys(("memory_days", "iterations", "customers", "repeaters", "rejected", "excluded"), 0)
    return {
        "as_of": NIGHT,
        "champion": "mbg_blend",
        "model_used": "mbg_mle_blend",
        "fit_status": "ok",
        "fit_level": "mle",
        "model": "mbg",
        "recent_share": 0.5,
        "recent_days": 91,
        "converged": True,
        "notes": [],
        "spend_level": "gamma_gamma",
        "spend_status": "ok",
        "spend_dropped": 0,
        "margin": 1,
        "discount_rate": 0.1,
        **zeros,
    }


def _trial() -> dict[str, Any]:
    measures = ("memory_days", "actual_orders", "predicted_orders", "mae", "mae_latest", "mae_mean", "skill", "bias")
    more = ("actual_spend", "brier", "brier_constant", "coverage", "recent_share")
    return {
        "as_of": NIGHT,
        "origin": date(2017, 7, 1),
        "candidate": "mbg_blend",
        "is_chosen": True,
        "horizon_days": 91,
        "fit_level": "mle",
        "fit_status": "ok",
        "converged": True,
        "customers": 100,
        **dict.fromkeys((*measures, *more), 0.5),
    }
