"""The SQL of the early warnings, compiled by dbt, on tables of our own, night after night; nothing is kept."""

from datetime import date

import psycopg

from compiled_models import NIGHT, compiled
from perennial.config import Config
from perennial.connections import Connection

MODELS = {
    "int_order_histories": "intermediate",
    "customer_clv": "marts",
    "int_changed_days": "intermediate",
    "int_customer_days": "intermediate",
    "int_order_totals": "intermediate",
    "int_abc_shares": "intermediate",
    "int_tiers": "intermediate",
    "fct_tier_moves": "marts",
    "customer_abc": "marts",
    "int_warning_signs": "intermediate",
    "fct_early_warnings": "marts",
    "early_warning_recall": "marts",
    "early_warning_quality": "marts",
}

# What the models read. dbt compiles them without asking whether it is there, but for those that remember nights.
TABLES = """
create schema if not exists intermediate;
create schema if not exists marts;
create table if not exists marts.dim_customers (customer_key text, is_prospect boolean);
create table if not exists marts.fct_orders (
    customer_key text, ordered_on date, gross_amount numeric(18, 4), net_amount numeric(18, 4),
    is_valid boolean default true
);
create or replace view intermediate.int_cohorts as
select customer_key, cast(null as date) as cohort_month, 'unknown' as acquisition_source from marts.dim_customers;
create or replace view intermediate.int_customer_facts as
select customer_key, date '2010-01-01' as known_on, 'facts' as facts_hash from marts.dim_customers;
create table if not exists intermediate.int_ledger (
    customer_key text, event_on date, event_type text, source text, order_id text, ordered_on date, event_id text,
    amount numeric(18, 4)
);
create or replace view intermediate.int_given_back as
select * from intermediate.int_ledger where event_type <> 'order';
create table if not exists intermediate.int_revised_days (
    customer_key text, ordered_on date, net_before numeric, net_start numeric
);
create table if not exists intermediate.int_episodes (
    customer_key text, episode_to date, last_order_on date, cycle_days double precision
);
create table if not exists marts.customer_abc (as_of date, customer_key text, abc_tier text, value_12m numeric(18, 4));
create table if not exists marts.customer_clv (
    customer_key text, exp_orders_90d double precision, order_value double precision, p_no_order_90d double precision,
    clv_365d double precision
);
create table if not exists marts.fct_lifecycle_timeline (
    customer_key text, lifecycle_model text, stage text, valid_from date, valid_to date
);
create table if not exists intermediate.int_former_keys (former_key text, customer_key text);
create table if not exists marts.dim_customer_redirects (former_key text, customer_key text);
create table if not exists marts.fct_segment_totals (as_of date);
create table if not exists marts.fct_tier_moves (as_of date, customer_key text, from_tier text, to_tier text);
create table if not exists intermediate.int_warning_signs (
    customer_key text, abc_tier text, loss_days integer, spent numeric(18, 4), reasons text, risk numeric,
    value_at_risk numeric(18, 4)
)
"""
REMEMBERED = """
create table if not exists marts.fct_early_warnings (
    customer_key text, opened_on date, tier text, lifecycle_model text, stage text, reasons text, risk numeric,
    value_at_risk numeric(18, 4), due_by date, outcome text, closed_on date, is_mature boolean, spent_before numeric,
    spent_since numeric, ordered_again_on date, lead_days integer, loss_days integer, loss_share numeric
);
create table if not exists marts.early_warning_recall (
    as_of date, month date, month_end date, reason text, count_losses bigint, count_warned bigint
)
"""


class Compiled:
    """The models compiled once for one configuration and database."""

    def __init__(self, config: Config, warehouse: Connection):
        self.sql = compiled(MODELS, config, warehouse)

    def build(self, session: psycopg.Connection, as_of: date, *models: str) -> None:
        """Build these models for a night, one after the other."""
        for model in models:
            table = f"{MODELS[model]}.{model}"
            session.execute(f"create temp table built as {self.sql[model].replace(str(NIGHT), str(as_of))}")
            session.execute(f"drop table if exists {table}")
            session.execute(f"create table {table} as table built")
            session.execute("drop table built")

    def warn(self, session: psycopg.Connection, as_of: date) -> list[dict]:
        """The warnings of a night on the signs that are there, as dbt would give them, in order of customer and day."""
        session.execute(
            "delete from marts.fct_early_warnings where opened_on > coalesce("
            "(select max(as_of) from ops.nights where built_at is not null and as_of < %s), '-infinity')",
            [as_of],
        )
        self.build(session, as_of, "fct_early_warnings")
        return rows(session, "select * from marts.fct_early_warnings order by customer_key, opened_on")


def connect(to: Connection) -> psycopg.Connection:
    """A session in which what the models read is there, and empty; roll it back."""
    where = {"host": to.host, "port": to.port, "user": to.login, "dbname": to.database}
    session = psycopg.connect(**where, options="-c timezone=UTC -c jit=off", row_factory=psycopg.rows.dict_row)
    session.execute("set client_min_messages = warning")
    session.execute(TABLES)
    return session


def rows(session: psycopg.Connection, query: str) -> list[dict]:
    """All rows of a query."""
    return session.execute(query).fetchall()
