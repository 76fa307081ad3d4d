"""Verdicts are kept by night: run again nothing changes, and every past night can be read."""

from datetime import date, timedelta

import pytest
from decision_warehouse import MODELS, given, pointed_at, settings

from perennial import transform
from perennial.warehouse.database import connect

pytestmark = pytest.mark.server

FIRST = date(2017, 9, 29)
SECOND, THIRD = FIRST + timedelta(days=1), FIRST + timedelta(days=2)
ALL = {
    "all": {
        "label": {"en": "x", "zh": "x"},
        "objective": "retain",
        "purpose": "marketing",
        "destinations": ["email_files"],
        "where": {"orders": {"at_least": 1}},
    }
}
PEOPLE = """
    insert into intermediate.int_customer_keys
        select 'shop', k, '2017-01-01', k from unnest(array['ann', 'bob', 'cem']) k;
    insert into pii.input_customers select 'shop', k, k || '@example.com' from unnest(array['ann', 'bob', 'cem']) k;
    insert into input.input_consents select 'shop', k, 'email', 'marketing', 'granted', '2017-01-01', '2017-01-01'
        from unnest(array['ann', 'bob', 'cem']) k;
    insert into marts.customer_360 (customer_key, count_orders, stage_since)
        select k, 1, '2017-01-01' from unnest(array['ann', 'bob', 'cem']) k
"""


def held(rows, night: date) -> dict[str, str]:
    """Everybody's reason on a night."""
    told = rows(
        "select customer_key, reason from activation.audience_verdicts where valid_from <= %s and valid_to > %s",
        night,
        night,
    )
    return {row["customer_key"]: row["reason"] for row in told}


def everything(rows) -> list[str]:
    told = rows("select v::text as told from activation.audience_verdicts as v order by v::text")
    told += rows("select m::text as told from activation.audience_members as m order by m::text")
    return [row["told"] for row in told]


def test_a_night_run_again_changes_nothing_and_past_nights_stay(warehouse, state, rows):
    wanted = settings(ALL, holdout={"universal": 0})

    def run(night: date, *statements: str, finished: bool = True) -> None:
        with connect() as session:
            for statement in statements:
                session.execute(statement)
            session.execute("update marts.customer_360 set as_of = %s", [night])
        with pointed_at(warehouse, state):
            chosen = ["run", "--select", *MODELS, "audience_members"]
            transform.run(chosen, wanted, night, warehouse)
        if finished:
            with connect() as session:
                session.execute(
                    "insert into ops.nights (as_of, build_started_at, built_at) values (%s, now(), now()) "
                    "on conflict (as_of) do nothing",
                    [night],
                )

    out = "insert into pii.opt_outs values ('tool', 'email', %s, 'unsubscribed', '2017-09-01')"
    run(FIRST, given(), PEOPLE)
    first = everything(rows)
    run(FIRST)
    assert everything(rows) == first
    assert held(rows, FIRST) == {"ann": "export", "bob": "export", "cem": "export"}

    # a night that never ended said something else
    run(SECOND, out.replace("%s", "'ann@example.com'"), finished=False)
    assert held(rows, SECOND)["ann"] == "unsubscribed"
    run(SECOND, "delete from pii.opt_outs", out.replace("%s", "'bob@example.com'"))
    second = everything(rows)
    run(SECOND)
    assert everything(rows) == second
    assert held(rows, SECOND) == {"ann": "export", "bob": "unsubscribed", "cem": "export"}

    run(THIRD, "update marts.customer_360 set count_orders = 0 where customer_key = 'cem'")
    assert held(rows, THIRD) == {"ann": "export", "bob": "unsubscribed"}
    assert held(rows, FIRST) == {"ann": "export", "bob": "export", "cem": "export"}
    assert held(rows, SECOND) == {"ann": "export", "bob": "unsubscribed", "cem": "export"}
    members = rows("select customer_key, as_of, since from activation.audience_members order by 1")
    assert [tuple(row.values()) for row in members] == [("ann", THIRD, FIRST), ("bob", THIRD, SECOND)]
