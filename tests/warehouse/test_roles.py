"""What the roles for analysts and marketers may read, also after a table was built anew."""

from datetime import date

import psycopg
import pytest

from perennial import config, paths, transform
from perennial.warehouse import database

pytestmark = pytest.mark.server

ROLES = ("perennial_bi", "perennial_marketer")
CLOSED = ("raw.customers", "quarantine.rejected_rows", "pii.destination_members", "pii.opt_outs")


def may_read(rows, role: str, table: str) -> bool:
    """By the server's own word: what happens when she asks."""
    with database.connect() as session:
        session.execute(f"set role {role}")
        try:
            session.execute(f"select * from {table} limit 1")
        except psycopg.errors.InsufficientPrivilege:
            return False
    return True


@pytest.mark.parametrize("role", ROLES)
def test_nobody_but_the_owner_reads_where_contact_details_are(rows, role):
    for table in CLOSED:
        assert not may_read(rows, role, table), table
    closed = rows(
        "select nspname from pg_namespace where nspname in ('raw', 'quarantine', 'pii') "
        f"and has_schema_privilege('{role}', oid, 'usage, create')"
    )
    assert closed == []


def test_analysts_read_marts_and_marketers_what_became_of_audiences_too(rows):
    assert [may_read(rows, role, "marts.lifecycle_backtest") for role in ROLES] == [True, True]
    assert [may_read(rows, role, "activation.export_runs") for role in ROLES] == [False, True]
    assert [may_read(rows, role, "ops.page_audit") for role in ROLES] == [False, False]


@pytest.mark.parametrize("role", ROLES)
def test_nobody_writes_nor_signs_in_as_a_role(rows, role):
    found = rows(
        f"select privilege_type from information_schema.role_table_grants where grantee = '{role}' "
        "and privilege_type <> 'SELECT'"
    )
    assert found == []
    assert rows(f"select rolcanlogin as may from pg_roles where rolname = '{role}'") == [{"may": False}]


def test_a_table_that_dbt_builds_anew_keeps_its_grants(rows):
    built = []
    for _ in range(2):
        transform.run(["run", "-s", "dim_stages"], config.load(), date(2017, 9, 30), database.warehouse())
        assert [may_read(rows, role, "marts.dim_stages") for role in ROLES] == [True, True]
        built.append(rows("select 'marts.dim_stages'::regclass::oid as oid")[0]["oid"])
    assert built[0] != built[1]  # another table under the same name


def test_a_table_that_was_there_before_the_roles_is_granted_by_the_next_night(rows):
    with database.connect() as session:
        session.execute("create table activation.old ()")
        session.execute("revoke all on activation.old from perennial_marketer")
    assert not may_read(rows, "perennial_marketer", "activation.old")
    database.migrate()
    assert may_read(rows, "perennial_marketer", "activation.old")


def test_an_owner_who_may_not_create_roles_goes_without_them(server):
    """As the role `perennial` of docker-compose.yml, on a server where nobody made the others."""
    text = (paths.home() / "sql" / "150_roles.sql").read_text("utf-8")
    with psycopg.connect(host=server.host, user=server.login, dbname="template") as session:
        session.execute("create role plain")
        for schema in ("raw", "quarantine", "pii"):
            session.execute(f"alter schema {schema} owner to plain")
        session.execute("set role plain")
        session.execute(text.replace("perennial_bi", "absent_bi").replace("perennial_marketer", "absent_marketer"))
        assert session.execute("select count(*) from pg_roles where rolname like 'absent%'").fetchone() == (0,)
        session.rollback()
