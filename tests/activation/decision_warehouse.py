"""The models that decide who is written to, compiled by dbt, on tables of our own."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path

import psycopg
import pytest
import yaml

from perennial import config, paths, transform
from perennial.config import Config
from perennial.config.audiences import Audiences
from perennial.config.columns import TABLE
from perennial.connections import Connection

# in the order in which they are built
MODELS = {
    "int_audience_targets": "intermediate.int_audience_targets",
    "int_latest_consents": "intermediate.int_latest_consents",
    "int_shared_denials": "intermediate.int_shared_denials",
    "consents": "activation.consents",
    "customer_contacts": "pii.customer_contacts",
    "int_wishes": "intermediate.int_wishes",
    "int_opt_outs": "intermediate.int_opt_outs",
    "int_former_keys": "intermediate.int_former_keys",
    "int_contacts": "intermediate.int_contacts",
    "int_audience_queries": "intermediate.int_audience_queries",
    "audience_problems": "activation.audience_problems",
    "int_audience_candidates": "intermediate.int_audience_candidates",
    "int_reach": "intermediate.int_reach",
    "int_audience_gates": "intermediate.int_audience_gates",
    "int_audience_decisions": "intermediate.int_audience_decisions",
    "audience_verdicts": "activation.audience_verdicts",
    "audience_waterfall": "activation.audience_waterfall",
    "audience_members": "activation.audience_members",
}
VIEWS = ("int_wishes", "int_audience_decisions", "audience_members")

GIVEN = """
create table pii.stg_customers (source text, customer_id text, email text, phone text);
create table pii.input_customers (
    source text, source_customer_id text, email text, phone text, changed_at timestamptz,
    is_email_verified boolean default true
);
create view pii.int_given_addresses as
    select source, source_customer_id, channel, address, date '2017-01-01' as given_on
    from pii.input_customers cross join lateral (values ('email', email), ('sms', phone)) as given (channel, address)
    where address is not null;
create table input.input_consents (
    source text, source_customer_id text, channel text, purpose text, status text, changed_at timestamptz,
    changed_on date
);
create table intermediate.int_customer_keys (source text, source_customer_id text, known_on date, customer_key text);
create table marts.customer_lifecycle (
    as_of date, customer_key text, lifecycle_model text, stage text, next_stage text, next_stage_on date
);
create table intermediate.int_gone_records (source text, source_customer_id text, customer_key text);
create table intermediate.int_inherited_denials (
    customer_key text, channel text, purpose text, source text, changed_on date, changed_at timestamptz
);
create table marts.dim_reasons (kind text, reason text, label_en text, label_zh text);
"""


def given() -> str:
    """What the models read, as empty tables."""
    columns = yaml.safe_load((paths.home() / TABLE).read_text("utf-8"))["models"][0]["columns"]
    listed = ", ".join(f"{c['name']} {c['data_type']}" for c in columns)
    return f"{GIVEN} create table marts.customer_360 ({listed});"


def settings(audiences: dict, queries: dict[str, str] | None = None, **more: dict) -> Config:
    """The shipped configuration with other audiences."""
    chosen = Audiences.model_validate({"audiences": audiences, "queries": queries or {}, **more})
    return replace(config.load(), audiences=chosen)


@contextmanager
def pointed_at(warehouse: Connection, state: Path) -> Iterator[None]:
    """For dbt, this is the warehouse; afterwards nothing of it is left in the environment."""
    before = set(os.environ)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PERENNIAL_STATE", str(state))
        patch.setenv("AIRFLOW_CONN_WAREHOUSE", warehouse.to_json())
        yield
    for name in set(os.environ) - before:
        if name.startswith(("PG", "DBT_")):  # what dbt was told
            del os.environ[name]


def compiled(settings: Config, warehouse: Connection, night: date) -> dict[str, str]:
    """The SQL of every model for a night that is the first."""
    transform.run(["compile", "--select", *MODELS], settings, night, warehouse)
    written = transform.target_folder(night) / "compiled"
    return {model: next(written.rglob(f"{model}.sql")).read_text("utf-8") for model in MODELS}


def build(session: psycopg.Connection, sql: dict[str, str]) -> None:
    """Build them one after the other, as dbt does."""
    for model, table in MODELS.items():
        session.execute(f"create {'view' if model in VIEWS else 'table'} {table} as {sql[model]}")
        if model not in VIEWS:
            session.execute(f"analyze {table}")


def connect(to: Connection) -> psycopg.Connection:
    """A session as the nightly run has one."""
    return psycopg.connect(
        host=to.host, port=to.port, user=to.login, dbname=to.database, options="-c timezone=UTC -c jit=off"
    )


def fill(session: psycopg.Connection, table: str, columns: str, rows: Iterable[tuple]) -> None:
    """Add rows to a table."""
    with session.cursor() as cursor, cursor.copy(f"copy {table} ({columns}) from stdin") as copy:
        for row in rows:
            copy.write_row(row)


def rows(session: psycopg.Connection, query: str) -> list[dict]:
    """All rows of a query."""
    with session.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        return cursor.execute(query).fetchall()
