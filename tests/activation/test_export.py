"""Only verdicts of this channel and purpose leave, and every one of them has a person behind it."""

from datetime import date

import pytest

from perennial.activation import export
from perennial.config import load
from perennial.errors import GateError
from perennial.warehouse.database import connect

pytestmark = pytest.mark.server

NIGHT = date(2017, 9, 30)
TABLES = """
    create table activation.audience_members (as_of date, audience text, customer_key text, verdict text,
        channel text, purpose text, destination text);
    create table pii.customer_contacts (customer_key text, email text, phone text);
    create table marts.customer_abc (customer_key text, abc_tier text);
    create table marts.customer_lifecycle (customer_key text, lifecycle_model text, stage text);
    insert into pii.customer_contacts values ('ann', 'ann@example.com', '+14135550101'), ('bo', 'bo@example.com', null);
    insert into marts.customer_abc values ('ann', 'A'), ('bo', 'B');
    insert into marts.customer_lifecycle values ('ann', 'ecommerce', 'lost'), ('bo', 'ecommerce', 'lost');
    insert into activation.audience_members values
        ('2017-09-30', 'lost_customers', 'ann', 'export', 'email', 'marketing', 'email_files'),
        ('2017-09-30', 'lost_customers', 'bo', 'exclude', 'email', 'marketing', 'email_files');
"""


@pytest.fixture
def decided(warehouse):
    with connect() as session:
        session.execute(TABLES)


def test_who_is_excluded_stays_in_the_warehouse(decided, state, rows):
    assert export.run(NIGHT, load()) == 1
    text = (state / "audiences" / "email" / "2017-09-30" / "lost_customers.csv").read_text()
    assert text == "customer_key,email,stage,abc_tier\nann,ann@example.com,lost,A\n"
    assert rows("select sum(rows)::int as rows, count(*) as files from activation.export_runs") == [
        {"rows": 1, "files": 5}
    ]


@pytest.mark.parametrize(
    "change",
    [
        "update activation.audience_members set channel = 'sms'",
        "update activation.audience_members set purpose = 'service'",
        "update activation.audience_members set as_of = '2017-09-29'",
        "delete from pii.customer_contacts",
        "delete from marts.customer_lifecycle",
    ],
)
def test_a_verdict_for_something_else_or_for_nobody_stops_the_export(decided, state, change):
    with connect() as session:
        session.execute(change)
    with pytest.raises(GateError, match="1 people are to be exported, 0 have"):
        export.run(NIGHT, load())
    assert not (state / "audiences" / "email" / "2017-09-30" / "lost_customers.csv").exists()
