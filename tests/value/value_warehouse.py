"""The SQL of the value marts, compiled by dbt, on tables of our own; nothing is kept."""

from datetime import date

import psycopg

from compiled_models import NIGHT, compiled
from perennial.config import Config
from perennial.config.value import RfmCuts
from perennial.connections import Connection

MODELS = {
    "int_given_back": "intermediate",
    "int_changed_days": "intermediate",
    "int_customer_days": "intermediate",
    "int_revised_days": "intermediate",
    "int_order_totals": "intermediate",
    "int_abc_shares": "intermediate",
    "int_tiers": "intermediate",
    "fct_tier_moves": "marts",
    "customer_abc": "marts",
    "value_concentration": "marts",
    "customer_rfm": "marts",
    "rfm_cuts": "marts",
    "quadrant_thresholds": "marts",
    "customer_quadrant": "marts",
}
TIMELESS = (
    "int_given_back",
    "int_changed_days",
    "int_customer_days",
    "int_abc_shares",
    "quadrant_thresholds",
    "int_tiers",
)
TOTALS = ("int_given_back", "int_changed_days", "int_customer_days", "int_revised_days", "int_order_totals")

# What the models read. dbt compiles them without asking whether it is there. Everybody's facts are new every time.
TABLES = """
create schema if not exists intermediate;
create schema if not exists marts;
create table if not exists marts.dim_customers (
    customer_key text, is_prospect boolean, known_on date, last_ordered_on date, count_order_days bigint
);
create table if not exists marts.fct_orders (
    customer_key text, source text, order_id text, ordered_on date, gross_amount numeric(18, 4),
    net_amount numeric(18, 4), cancelled_on date, is_valid boolean
);
create table if not exists intermediate.int_ledger (
    customer_key text, source text, order_id text, event_type text, event_on date, ordered_on date,
    amount numeric(18, 4), event_id text
);
create table if not exists intermediate.int_touched_customers (customer_key text);
create or replace view intermediate.int_cohorts as
select customer_key, cast(null as date) as cohort_month, 'unknown' as acquisition_source from marts.dim_customers;
create or replace view intermediate.int_customer_facts as
select customer_key, known_on, md5(cast(random() as text)) as facts_hash from marts.dim_customers;
truncate marts.dim_customers, marts.fct_orders, intermediate.int_ledger, ops.nights
"""
MOVES = "create table marts.fct_tier_moves (as_of date, customer_key text, from_tier text, to_tier text)"
CUTS = RfmCuts(recency=[10, 30, 60, 180], frequency=[2, 3, 5, 8], monetary=[10, 20, 50, 99.5])


class Compiled:
    """The models compiled once for one configuration and database."""

    def __init__(self, config: Config, warehouse: Connection):
        self.sql = compiled(MODELS, config, warehouse)

    def build(self, session: psycopg.Connection, as_of: date, *models: str) -> None:
        """Build these models for a night, one after the other."""
        for model in models:
            table = f"{MODELS[model]}.{model}"
            session.execute(f"drop table if exists {table}")
            session.execute(f"create table {table} as {self.at(model, as_of)}")

    def at(self, model: str, as_of: date) -> str:
        """The SQL of a model for a night."""
        assert f"'{NIGHT}'" in self.sql[model] or model in TIMELESS
        return self.sql[model].replace(str(NIGHT), str(as_of))


def connect(to: Connection) -> psycopg.Connection:
    """A session in which what the models read is there, and empty; roll it back."""
    session = psycopg.connect(
        host=to.host, port=to.port, user=to.login, dbname=to.database, options="-c timezone=UTC -c jit=off"
    )
    session.execute("set client_min_messages = warning")
    session.execute(TABLES)
    return session


def rows(session: psycopg.Connection, query: str) -> list[dict]:
    """All rows of a query."""
    with session.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        return cursor.execute(query).fetchall()
