"""Audience conditions become SQL over one customer; what they mean is tested on real rows."""

from datetime import date

import psycopg
import pytest

from perennial.activation.compile import compile_audiences, condition
from perennial.config import load
from perennial.config.audiences import Audience

pytestmark = pytest.mark.server

CUSTOMERS = """
    with customers (customer_key, as_of, abc_tier, count_orders, days_since_first_order, days_since_last_order, stage,
        next_stage, next_stage_on, stages, country, is_prospect, clv_365d, last_ordered_on) as (
        values ('ann', date '2017-09-30', 'A', 5, 100, 3, 'active', 'silent', date '2017-10-14',
                jsonb '{{"other": "rising"}}', 'FR', false, 10.5::float8, date '2017-09-27'),
            ('bo', '2017-09-30', 'B', 1, 20, 20, 'silent', 'dormant', '2017-10-15', '{{"other": "active"}}',
                'O''B', false, 10.4, '2017-10-01'),
            ('cem', '2017-09-30', 'N', 0, null::int, null::int, 'prospect', null, null, '{{}}', null, true, null, null)
    ),
    lifecycle (as_of, customer_key, lifecycle_model, stage, next_stage, next_stage_on) as (
        values (date '2017-09-30', 'bo', 'other', 'active', 'silent', date '2017-10-01')
    )
    select c.customer_key from customers as c where {condition} order by 1
"""
SAID = {"label": {"en": "x", "zh": "x"}, "objective": "retain", "purpose": "marketing", "destinations": ["email_files"]}

MEANINGS = [
    ({"tier": ["A"]}, ["ann"]),
    ({"tier": ["A", "N"]}, ["ann", "cem"]),
    ({"orders": {"exactly": 1}}, ["bo"]),
    ({"orders": {"at_most": 1}}, ["bo", "cem"]),
    ({"days_since_first_order": {"at_least": 20, "at_most": 99}}, ["bo"]),
    ({"days_since_last_order": {"at_most": 3}}, ["ann"]),
    ({"stage": {"model": "m", "is": ["active", "prospect"]}}, ["ann", "cem"]),
    ({"turning": {"model": "m", "into": ["silent"], "within_days": 14}}, ["ann"]),
    ({"turning": {"model": "m", "into": ["silent"], "within_days": 13}}, []),
    ({"turning": {"model": "m", "into": ["silent", "dormant"], "within_days": 15}}, ["ann", "bo"]),
    ({"tier": ["A", "B"], "stage": {"model": "m", "is": ["silent"]}}, ["bo"]),
    ({"stage": {"model": "other", "is": ["active", "silent"]}}, ["bo"]),
    ({"turning": {"model": "other", "into": ["silent"], "within_days": 1}}, ["bo"]),
    ({"turning": {"model": "other", "into": ["dormant"], "within_days": 99}}, []),
    ({"country": {"is": ["FR", "O'B"]}}, ["ann", "bo"]),
    ({"country": {"is_not": ["FR"]}}, ["bo"]),
    ({"country": {"known": False}}, ["cem"]),
    ({"country": {"known": True, "is_not": ["FR"]}}, ["bo"]),
    ({"is_prospect": {"is": True}}, ["cem"]),
    ({"is_prospect": {"is": False}}, ["ann", "bo"]),
    ({"clv_365d": {"at_least": 10.5}}, ["ann"]),
    ({"clv_365d": {"at_most": 10.4}}, ["bo"]),
    ({"count_orders": {"exactly": 0}}, ["cem"]),
    ({"last_ordered_on": {"within_past_days": 3}}, ["ann"]),
    ({"last_ordered_on": {"within_past_days": 2}}, []),
    ({"last_ordered_on": {"within_days": 1}}, ["bo"]),
    ({"last_ordered_on": {"at_least": date(2017, 9, 27), "at_most": date(2017, 9, 30)}}, ["ann"]),
    ({"tier": ["A"], "clv_365d": {"at_most": 10.4}}, []),
]


CELLS = [
    ({"stages": ["active", "silent"]}, {}, ["ann", "bo"]),
    ({"tiers": ["B", "N"]}, {}, ["bo", "cem"]),
    ({"stages": ["active", "silent"], "tiers": ["B"]}, {}, ["bo"]),
    ({"stages": ["active", "silent"]}, {"orders": {"at_least": 2}}, ["ann"]),
]


def selected(server, audience: dict) -> list[str]:
    query = CUSTOMERS.format(condition=condition(Audience.model_validate(SAID | audience), "m"))
    with psycopg.connect(host=server.host, user=server.login, dbname="postgres") as session:
        return [row[0] for row in session.execute(query)]


@pytest.mark.parametrize(("where", "who"), MEANINGS, ids=[str(m[0])[:70] for m in MEANINGS])
def test_a_condition_selects_the_customers_it_says(server, where, who):
    assert selected(server, {"where": where}) == who


@pytest.mark.parametrize(("cells", "where", "who"), CELLS)
def test_cells_of_the_playbook_and_conditions_must_both_hold(server, cells, where, who):
    assert selected(server, {"playbook": cells} | ({"where": where} if where else {})) == who


def test_every_shipped_audience_names_its_destinations_with_their_channels():
    audiences = {a["audience"]: a for a in compile_audiences(load())}
    assert {"best_falling_silent", "second_order_missing", "lost_customers"} < set(audiences)
    assert audiences["lost_customers"]["targets"] == [
        {"destination": "email_files", "channel": "email"},
        {"destination": "sms_files", "channel": "sms"},
    ]
    assert audiences["lost_customers"]["cool_down_days"] == 30
    assert audiences["fading"]["cool_down_days"] is None, "each cell has its own"
    assert audiences["click_collect_only"]["query"].startswith("select customer_key")
