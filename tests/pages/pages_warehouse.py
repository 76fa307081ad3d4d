"""A warehouse as the pages read it: the tables of the report's tests, a plan that waits, one that is done."""

import hashlib
import sys
from datetime import date
from pathlib import Path

import psycopg
from psycopg.types.json import Jsonb

sys.path.insert(0, str(Path(__file__).parents[1] / "report"))
import report_warehouse

from perennial import paths

NIGHT = report_warehouse.NIGHT
WAITS, DONE = f"{NIGHT}.fading.email_files", f"{NIGHT}.fading.sms_files"
PEOPLE = [hashlib.md5(str(number).encode()).hexdigest() for number in range(120)]
CONTENT = "customer_key,phone\n" + "\n".join(f"{key},+12025550{number:03}" for number, key in enumerate(PEOPLE[:3]))
RETIRED = "f" * 32  # the key of somebody who is one with another now
HASH = "data-of-tonight"
RUN = """
    insert into activation.export_runs (plan, as_of, audience, destination, channel, valid_until, status,
        members_before, members, adds, updates, removes, bought_since, tripped, data_hash, error, receipt, planned_at)
    values (%s, %s, 'fading', %s, %s, %s, %s, 100, 120, 118, 1, 1, 0, %s, %s, %s, %s, '2017-10-01 03:00+00')
"""


def fill(session: psycopg.Connection) -> None:
    """Tables of a small night."""
    report_warehouse.fill(session)
    session.execute("delete from marts.customer_360")
    session.execute(
        "create table intermediate.int_customer_keys (source text, source_customer_id text, customer_key text)"
    )
    with session.cursor() as cursor:
        cursor.executemany(
            "insert into marts.customer_360 (customer_key, stage, stage_en, stage_zh, abc_tier) "
            "values (%s, 'silent', 'Silent', '沉默期', 'A')",
            [(key,) for key in PEOPLE],
        )
        # whoever wrote it there; hers is the first row of the page
        cursor.execute(
            "update marts.customer_360 set stage_en = 'eve@example.com' where customer_key = %s", [min(PEOPLE)]
        )
        cursor.executemany(
            "insert into intermediate.int_customer_keys values ('shop', %s, %s)", list(enumerate(PEOPLE))
        )
        cursor.execute("insert into marts.dim_customer_redirects values (%s, %s, %s)", [RETIRED, PEOPLE[7], NIGHT])


def renew(session: psycopg.Connection) -> None:
    """The plans before anybody decided."""
    session.execute("truncate activation.export_runs, activation.export_rows, ops.page_audit")
    session.execute(
        RUN, [WAITS, NIGHT, "email_files", "email", date(2017, 10, 3), "waiting", ["first"], HASH, None, Jsonb({})]
    )
    file = paths.state() / "audiences" / "sms" / str(NIGHT) / "fading.csv"
    receipt = {"path": str(file), "rows": 3, "sha256": hashlib.sha256(CONTENT.encode()).hexdigest()}
    said = "refused eve@example.com"
    session.execute(
        RUN, [DONE, NIGHT, "sms_files", "sms", date(2017, 10, 3), "done", [], "other", said, Jsonb(receipt)]
    )
    with session.cursor() as cursor:
        cursor.executemany(
            "insert into activation.export_rows (plan, customer_key, op, status, error) "
            "values (%s, %s, %s, 'planned', %s)",
            [
                (WAITS, key, "update" if number == 1 else "remove" if number == 2 else "add", None)
                for number, key in enumerate(PEOPLE)
            ]
            + [(WAITS, PEOPLE[2], "add", "bob@example.com is not liked")],
        )


def write_file(content: str = CONTENT) -> Path:
    """The file that the plan which is done names."""
    path = paths.state() / "audiences" / "sms" / str(NIGHT) / "fading.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path
