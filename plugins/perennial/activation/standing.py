"""What a customer is worth tonight, what she consented to, and which audiences she is in or out of, and why."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import psycopg

from perennial.activation.outlook import Outlook, outlook
from perennial.activation.where_words import Candidate, Check, Course, audience_checks
from perennial.config import Config
from perennial.lifecycle.phrases import Words

TONIGHT = """
    select c.count_orders, c.first_ordered_on, c.last_ordered_on, v.historic_value, a.value_12m, a.abc_tier,
        a.revenue_share_cum
    from marts.dim_customers as c
    inner join marts.customer_clv as v using (customer_key)
    inner join marts.customer_abc as a using (customer_key)
    where c.customer_key = %s
"""
COURSES = (
    "select lifecycle_model, stage, next_stage, next_stage_on from marts.customer_lifecycle where customer_key = %s"
)
CONSENTS = """
    select channel, purpose, status, since, source from activation.consents
    where customer_key = %s order by channel, purpose
"""
VERDICTS = """
    select m.audience, m.destination, m.channel, m.verdict, m.reason,
        coalesce(r.label_en, m.reason) as label_en, coalesce(r.label_zh, m.reason) as label_zh,
        m.is_holdout, m.since, m.earliest_send_at
    from activation.audience_members as m
    left join marts.dim_reasons as r on r.kind = 'audience' and r.reason = m.reason
    where m.customer_key = %s and m.as_of = %s
    order by m.destination
"""
QUERIED = "select distinct audience from intermediate.int_audience_queries where customer_key = %s"


@dataclass(frozen=True)
class Consent:
    """Her last word on a channel and purpose; the most restrictive of all her records."""

    channel: str
    purpose: str
    status: str
    since: date
    source: str


@dataclass(frozen=True)
class Verdict:
    """What the night decided for one destination: export or exclude, the reason, and since which night.

    `earliest_send_at` is the first moment at which her country's quiet hours allow a message.
    """

    destination: str
    channel: str
    verdict: str
    reason: str
    label: Words
    is_holdout: bool
    since: date
    earliest_send_at: datetime


@dataclass(frozen=True)
class Audience:
    """An audience and every condition it asks for. Without verdicts she does not meet its conditions."""

    audience: str
    label: Words
    objective: str
    verdicts: list[Verdict]
    checks: list[Check]


@dataclass(frozen=True)
class Standing:
    """Tonight's value in the reporting currency, tier, forecast, consents and audiences.

    `revenue_share_cum` is the share of twelve months' revenue made by all customers up to her, best first.
    """

    historic_value: float
    value_12m: float
    tier: str
    revenue_share_cum: float | None
    outlook: Outlook
    consents: list[Consent]
    audiences: list[Audience]


def standing(session: psycopg.Connection, key: str, config: Config, as_of: date) -> Standing:
    """Everything about a known customer that is decided anew each night; `as_of` is the night the marts show."""
    tonight = session.execute(TONIGHT, [key]).fetchone()
    candidate = _candidate(session, key, as_of, tonight)
    verdicts: dict[str, list[Verdict]] = {}
    for row in session.execute(VERDICTS, [key, as_of]):
        audience, label = row.pop("audience"), Words(row.pop("label_en"), row.pop("label_zh"))
        verdicts.setdefault(audience, []).append(Verdict(**row, label=label))
    share = tonight["revenue_share_cum"]
    return Standing(
        historic_value=float(tonight["historic_value"]),
        value_12m=float(tonight["value_12m"]),
        tier=tonight["abc_tier"],
        revenue_share_cum=None if share is None else float(share),
        outlook=outlook(session, key),
        consents=[Consent(**row) for row in session.execute(CONSENTS, [key])],
        audiences=[
            Audience(
                audience=name,
                label=Words(audience.label.en, audience.label.zh),
                objective=audience.objective,
                verdicts=verdicts.get(name, []),
                checks=audience_checks(name, audience, candidate, config.lifecycle.models, config.lifecycle.default),
            )
            for name, audience in config.audiences.audiences.items()
        ],
    )


def _candidate(session: psycopg.Connection, key: str, as_of: date, tonight: dict[str, Any]) -> Candidate:
    def ago(day: date | None) -> int | None:
        return None if day is None else (as_of - day).days

    return Candidate(
        as_of=as_of,
        tier=tonight["abc_tier"],
        orders=tonight["count_orders"],
        days_since_first_order=ago(tonight["first_ordered_on"]),
        days_since_last_order=ago(tonight["last_ordered_on"]),
        courses={
            row["lifecycle_model"]: Course(row["stage"], row["next_stage"], row["next_stage_on"])
            for row in session.execute(COURSES, [key])
        },
        columns=session.execute("select * from marts.customer_360 where customer_key = %s", [key]).fetchone() or {},
        queried=frozenset(row["audience"] for row in session.execute(QUERIED, [key])),
    )
