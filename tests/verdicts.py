"""A warehouse whose verdicts a test writes itself: what the export reads, and nothing else."""

from datetime import date

from perennial.warehouse.database import connect

NIGHT = date(2017, 9, 30)
TABLES = """
    create table activation.audience_members (as_of date, audience text, customer_key text, verdict text,
        channel text, purpose text, destination text, send_on date);
    create table activation.audience_problems (as_of date, audience text, problem text, example text);
    create table pii.customer_contacts (customer_key text, email text, phone text);
    create table marts.customer_360 (as_of date, customer_key text, stage text, abc_tier text, orders integer);
    create table intermediate.int_customer_keys (source text, source_customer_id text, customer_key text);
    create table intermediate.int_gone_records (source text, source_customer_id text, customer_key text);
    create table pii.int_given_addresses (source text, source_customer_id text, channel text, address text);
    create table intermediate.int_former_keys (former_key text, customer_key text);
    create table activation.consents (customer_key text, channel text, purpose text, status text);
    create table marts.holdout_power (as_of date, audience text, effect_days integer, holdout_share numeric,
        count_people bigint, count_held bigint, mean_value numeric, min_detectable_effect numeric,
        min_detectable_share numeric);
"""


def decide(
    people: dict[str, str],
    audience: str = "lost",
    destination: str = "shelf",
    as_of: date = NIGHT,
    stage: str = "lost",
    channel: str = "email",
    orders: int = 3,
) -> None:
    """Tonight's verdict: these people, by key, with these addresses."""
    with connect() as session:
        session.execute("delete from activation.audience_members where audience = %s", [audience])
        for key, address in people.items():
            session.execute(
                "insert into activation.audience_members values (%s, %s, %s, 'export', %s, 'marketing', %s, %s)",
                [as_of, audience, key, channel, destination, as_of],
            )
            session.execute("delete from pii.customer_contacts where customer_key = %s", [key])
            session.execute("insert into pii.customer_contacts values (%s, %s, %s)", [key, address, address])
            session.execute("delete from marts.customer_360 where customer_key = %s", [key])
            session.execute("insert into marts.customer_360 values (%s, %s, %s, 'A', %s)", [as_of, key, stage, orders])
