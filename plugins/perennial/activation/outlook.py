"""What a customer is forecast to do, as the night wrote it down."""

from dataclasses import dataclass
from datetime import date

import psycopg

from perennial.lifecycle.phrases import Words

OUTLOOK = """
    select exp_orders_365d, clv_365d, clv_365d_p10, clv_365d_p90, p_no_order_90d,
        next_order_on_p25, next_order_on_p50, next_order_on_p75, model_used, fit_status, spend_status,
        coalesce(fitted.label_en, fit_status) as why_en, coalesce(fitted.label_zh, fit_status) as why_zh,
        coalesce(valued.label_en, spend_status) as spend_en, coalesce(valued.label_zh, spend_status) as spend_zh
    from marts.customer_clv
    left join marts.dim_reasons as fitted on fitted.kind = 'forecast' and fitted.reason = fit_status
    left join marts.dim_reasons as valued on valued.kind = 'forecast' and valued.reason = spend_status
    where customer_key = %s
"""


@dataclass(frozen=True)
class Outlook:
    """Expected orders and value (reporting currency), chance of no order, day of the next one; None is not known.

    A quantile of the next order that is None lies more than ten years ahead; p10 and p90 hold 8 of 10 cases.
    """

    exp_orders_365d: float | None
    clv_365d: float | None
    clv_365d_p10: float | None
    clv_365d_p90: float | None
    p_no_order_90d: float | None
    next_order_on_p25: date | None
    next_order_on_p50: date | None
    next_order_on_p75: date | None
    model_used: str
    fit_status: str
    spend_status: str
    why: Words  # fit_status and spend_status in words
    spend_why: Words


def outlook(session: psycopg.Connection, key: str) -> Outlook:
    """The forecast for a known customer."""
    row = session.execute(OUTLOOK, [key]).fetchone()
    why, spend_why = (Words(row.pop(f"{name}_en"), row.pop(f"{name}_zh")) for name in ("why", "spend"))
    return Outlook(**row, why=why, spend_why=spend_why)
