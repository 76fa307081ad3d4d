"""The gate of a night: the same totals measured in every layer must agree, to the cent, or nothing leaves.

dbt's own tests have already passed when this runs; a failed one fails the build before it.
"""

from datetime import date

import psycopg

from perennial import config, gate_checks, swept
from perennial.errors import GateError
from perennial.progress import say
from perennial.warehouse.contract import ENTITIES
from perennial.warehouse.database import connect

# every way in which fct_segment_totals divides all customers, besides the stages of every lifecycle model
SEGMENTED_BY = (
    "abc_tier",
    "rfm_group",
    "rfm_cell",
    "quadrant",
    "order_value_quintile",
    "country",
    "acquisition_source",
    "favourite_source",
    "favourite_weekday",
    "first_touch",
    "quadrant_path",
)
# over all of them; one that is missing as a whole counts as 0
SEGMENTATIONS = """
    select {which}(coalesce(told.total, 0))
    from (
        select unnest(array['{columns}']) as segmentation
        union all
        select distinct 'stage of ' || lifecycle_model from marts.dim_stages
    ) as expected
    left join (
        select segmentation, sum({column}) as total from marts.fct_segment_totals
        where as_of = (select max(as_of) from ops.nights where build_started_at is not null)
        group by segmentation
    ) as told using (segmentation)
"""


def _segmentations(column: str) -> dict[str, str]:
    return {
        f"segmentations, {name}": SEGMENTATIONS.format(which=which, column=column, columns="', '".join(SEGMENTED_BY))
        for name, which in (("lowest", "min"), ("highest", "max"))
    }


# total -> layer -> query; every layer of a total must give the same number
TOTALS: dict[str, dict[str, str]] = {
    "rows": {
        "landed": "select sum(rows_landed) from ops.batches",
        "loaded + quarantined": """
            select sum(rows_loaded) + (select count(*) from quarantine.rejected_rows) from ops.batches
        """,
    },
    "row versions": {
        "batches": "select sum(rows_new) from ops.batches",
        "raw": "select " + " + ".join(f"(select count(*) from raw.{entity})" for entity in ENTITIES),
    },
    "orders": {
        "input": "select count(*) from input.input_orders",
        "fct_orders": "select count(*) from marts.fct_orders",
    },
    "net revenue": {
        "input": """
            select coalesce(sum(least(
                o.gross_amount - coalesce(r.amount, 0), case when o.cancelled_on is not null then 0 end
            )), 0)
            from input.input_orders as o
            left join (
                select r.source, r.order_id, sum(r.amount) as amount
                from input.input_refunds as r join input.input_orders as o using (source, order_id)
                where o.cancelled_on is null or r.refunded_on <= o.cancelled_on
                group by r.source, r.order_id
            ) as r using (source, order_id)
        """,
        "fct_orders": "select coalesce(sum(net_amount), 0) from marts.fct_orders",
        "customer_clv": "select coalesce(sum(historic_revenue), 0) from marts.customer_clv",
        "customer_360": "select coalesce(sum(historic_revenue), 0) from marts.customer_360",
        **_segmentations("net_revenue"),
    },
    "customers": {
        "keys": "select count(distinct customer_key) from intermediate.int_customer_keys",
        "dim_customers": "select count(*) from marts.dim_customers",
        "customer_360": "select count(*) from marts.customer_360",
        # who is missing in one of these would be in segment (none)
        **{
            mart: f"select count(*) from marts.{mart}" for mart in ("customer_abc", "customer_rfm", "customer_quadrant")
        },
        **_segmentations("count_customers"),
    },
    "orders that count": {
        "fct_orders": "select count(*) from marts.fct_orders where is_valid",
        **_segmentations("count_orders"),
    },
}


def run(as_of: date) -> None:
    """Record ops.reconciliation and ops.gate_results of the night; GateError if a total does not agree."""
    with connect() as session:
        failed = [message for total in TOTALS if (message := _reconcile(session, as_of, total))]
        failed += swept.told(session, as_of, config.load().sources)
        failed += gate_checks.rates(session, as_of)
        for look in (gate_checks.fitted, gate_checks.audiences, gate_checks.files, gate_checks.silent):
            look(session, as_of)
    if failed:
        raise GateError(
            f"night {as_of} is blocked, nothing is exported: {'; '.join(failed)}. "
            "See ops.reconciliation; run the night again once the cause is mended."
        )
    say(f"gate: {len(TOTALS)} totals agree in every layer")


def close(as_of: date) -> None:
    """Forget earlier verdicts: what they spoke of is about to change."""
    with connect() as session:
        session.execute("delete from ops.gate_results where as_of = %s", [as_of])


def require_open(as_of: date) -> None:
    """GateError unless the night was checked and every blocking check passed."""
    with connect() as session:
        results = session.execute(
            "select passed, message from ops.gate_results where as_of = %s and severity = 'block'", [as_of]
        ).fetchall()
    failed = [r["message"] for r in results if not r["passed"]]
    if failed or not results:
        why = "; ".join(failed) or "it was not checked since it was built"
        raise GateError(f"the gate of night {as_of} is closed, nothing is exported: {why}. Run its task `check` again.")


def _reconcile(session: psycopg.Connection, as_of: date, total: str) -> str | None:
    values = {layer: session.execute(query).fetchone().popitem()[1] or 0 for layer, query in TOTALS[total].items()}
    for layer, value in values.items():
        session.execute(
            "insert into ops.reconciliation (as_of, total, layer, value) values (%s, %s, %s, %s) "
            "on conflict (as_of, total, layer) do update set value = excluded.value",
            [as_of, total, layer, value],
        )
    agree = len(set(values.values())) == 1
    message = f"{total}: " + ", ".join(f"{layer} {value:,}" for layer, value in values.items())
    gate_checks.note(session, as_of, f"reconcile {total}", agree, message, "block")
    return None if agree else message
