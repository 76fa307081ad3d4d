"""Audience conditions become SQL over one customer; what they mean is tested on real rows."""

import psycopg
import pytest

from perennial.activation.compile import compile_audiences, condition
from perennial.config import load
from perennial.config.audiences import Where

pytestmark = pytest.mark.server

CUSTOMERS = """
    with customers (customer_key, abc_tier, count_orders, days_since_first_order, days_since_last_order) as (
        values ('ann', 'A', 5, 100, 3), ('bo', 'B', 1, 20, 20), ('cem', 'N', 0, null::int, null::int)
    ),
    lifecycle (as_of, customer_key, lifecycle_model, stage, next_stage, next_stage_on) as (
        values (date '2017-09-30', 'ann', 'm', 'active', 'silent', date '2017-10-14'),
            ('2017-09-30', 'bo', 'm', 'silent', 'dormant', '2017-10-15'),
            ('2017-09-30', 'bo', 'other', 'active', 'silent', '2017-10-01'),
            ('2017-09-30', 'cem', 'm', 'prospect', null, null)
    )
    select c.customer_key from customers as c where {condition} order by 1
"""

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
]


@pytest.mark.parametrize(("where", "who"), MEANINGS, ids=[str(m[0])[:70] for m in MEANINGS])
def test_a_condition_selects_the_customers_it_says(server, where, who):
    query = CUSTOMERS.format(condition=condition(Where.model_validate(where)))
    with psycopg.connect(host=server.host, user=server.login, dbname="postgres") as session:
        assert [row[0] for row in session.execute(query)] == who


def test_every_shipped_audience_names_its_destinations_with_their_channels():
    audiences = {a["name"]: a for a in compile_audiences(load())}
    assert list(audiences) == ["best_falling_silent", "second_order_missing", "lost_customers"]
    assert audiences["lost_customers"]["targets"] == [
        {"destination": "email_files", "channel": "email"},
        {"destination": "sms_files", "channel": "sms"},
    ]
