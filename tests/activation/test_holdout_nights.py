"""A small world whose effect is known, night by night: people are held out for good, also when they merge."""

import hashlib
from datetime import date, timedelta

import pytest
from decision_oracle import held_out
from decision_warehouse import MODELS, given, settings

from compiled_models import fill, pointed_at
from perennial import transform
from perennial.warehouse.database import connect

pytestmark = pytest.mark.server

FIRST = date(2017, 9, 2)
SECOND, LAST = FIRST + timedelta(days=1), FIRST + timedelta(days=28)
PEOPLE, EFFECT = 600, 5
EFFECTS = ["int_holdout_draws", "holdout_entries", "int_holdout_outcomes", "int_holdout_sums", "fct_campaign_uplift"]
ALL = {
    "all": {
        "label": {"en": "All", "zh": "全部"},
        "objective": "retain",
        "purpose": "marketing",
        "destinations": ["email_files"],
        "holdout": 0.3,
        "where": {"orders": {"at_least": 1}},
    }
}
TABLES = """
    create table marts.dim_customers (customer_key text);
    create table intermediate.int_customer_days (customer_key text, day date, count_orders int, net_revenue numeric);
    insert into marts.dim_reasons values ('effect', 'works', 'It works', '有效'), ('effect', 'too_early', 'x', 'x');
"""
BORN = """
    insert into intermediate.int_customer_keys values ('shop', %(id)s, '2017-01-01', %(key)s);
    insert into pii.input_customers values ('shop', %(id)s, %(id)s || '@example.com');
    insert into input.input_consents
        values ('shop', %(id)s, 'email', 'marketing', 'granted', '2017-01-01', '2017-01-01');
    insert into marts.dim_customers values (%(key)s);
    insert into marts.customer_360 (customer_key, count_orders, stage, abc_tier, stage_since)
        values (%(key)s, 1, 'new', 'A', '2017-01-01')
"""
MERGED = """
    update intermediate.int_customer_keys set customer_key = %(into)s where customer_key = %(key)s;
    delete from marts.dim_customers where customer_key = %(key)s;
    delete from marts.customer_360 where customer_key = %(key)s
"""
PARTED = """
    update intermediate.int_customer_keys set customer_key = %(key)s where source_customer_id = %(id)s;
    insert into marts.dim_customers values (%(key)s)
"""
KEYS = [hashlib.md5(f"shop:{n}".encode()).hexdigest() for n in range(PEOPLE)]


def happened(what: str, *named: dict[str, str]) -> None:
    with connect() as session:
        for names in named:
            for statement in what.split(";"):
                session.execute(statement, names)


def ordered(session, treated: set[str]) -> None:
    """Everybody buys before and after; who may be written to buys for more, give or take what chance does."""
    chance = {key: int(key[:4], 16) % 3 - 1 for key in KEYS}
    spent = {key: 20 + int(key[4:8], 16) % 30 for key in KEYS}
    days = [(key, FIRST - timedelta(days=5), 1, spent[key]) for key in KEYS]
    days += [(k, FIRST + timedelta(days=9), 1, spent[k] + chance[k] + EFFECT * (k in treated)) for k in KEYS]
    days += [(k, FIRST + timedelta(days=29), 1, 1000 * (k in treated)) for k in KEYS]  # after her days
    fill(session, "intermediate.int_customer_days", "customer_key, day, count_orders, net_revenue", days)


@pytest.fixture
def night(warehouse, state):
    """Run a night's models; one that is not finished is taken back by the next."""
    wanted = settings(ALL, holdout={"universal": 0.1, "salt": "perennial"})

    def run(as_of: date, finished: bool = True) -> None:
        with connect() as session:
            session.execute("update marts.customer_360 set as_of = %s", [as_of])
        with pointed_at(warehouse, state):
            transform.run(["run", "--select", *MODELS, *EFFECTS], wanted, as_of, warehouse)
        if finished:
            with connect() as session:
                session.execute(
                    "insert into ops.nights (as_of, build_started_at, built_at) values (%s, now(), now())", [as_of]
                )

    return run


def test_the_planted_effect_is_found_and_nobody_held_out_is_ever_let_go(night, rows):
    def entries() -> dict:
        told = rows("select audience, customer_key, entered_on, is_held_out from activation.holdout_entries")
        return {(r["audience"], r["customer_key"]): (r["entered_on"], r["is_held_out"]) for r in told}

    def reason(key: str) -> str:
        return rows(
            "select reason from activation.audience_verdicts where customer_key = %s and valid_to = 'infinity'", key
        )[0]["reason"]

    everywhere = {key for key in KEYS if held_out([key], "everywhere", 0.1)}
    here = {key for key in KEYS if held_out([key], "all", 0.3)} - everywhere
    treated = set(KEYS) - everywhere - here
    with connect() as session:
        session.execute(given())
        session.execute(TABLES)
        ordered(session, treated)
    happened(BORN, *({"id": str(number), "key": key} for number, key in enumerate(KEYS)))
    night(FIRST)
    drawn = entries()
    assert {key for (audience, key), (_, held) in drawn.items() if audience == "*" and held} == everywhere
    assert {key for (audience, key), (_, held) in drawn.items() if audience == "all" and held} == here
    assert len(drawn) == PEOPLE + PEOPLE - len(everywhere)

    # somebody held out merges into two who are not, one after the other; another two merge and part again
    free, held, newcomer = sorted(treated), sorted(here), hashlib.md5(b"shop:new").hexdigest()
    happened(MERGED, {"key": held[0], "into": free[0]})
    happened(MERGED, {"key": held[1], "into": free[2]})
    happened(BORN, {"id": "new", "key": newcomer})
    night(SECOND, finished=False)
    night(SECOND)
    assert {(key, entered_on) for (_, key), (entered_on, _) in entries().items() - drawn.items()} == {
        (newcomer, SECOND)
    }
    assert drawn.items() <= entries().items()
    assert reason(free[0]) == reason(free[2]) == "holdout"

    happened(MERGED, {"key": free[0], "into": free[1]})
    happened(PARTED, {"key": held[1], "id": str(KEYS.index(held[1]))})
    happened("delete from marts.dim_customers where customer_key = %(key)s", {"key": free[3]})  # erased
    night(LAST)
    assert reason(free[1]) == "holdout"
    assert reason(free[2]) != "holdout"
    found = rows("select * from marts.fct_campaign_uplift where segmentation = 'all' order by audience")
    effect = found[1]
    assert (effect["count_treated"], effect["count_held"]) == (len(treated) - 3, len(here) - 1)
    assert (effect["count_left_out"], effect["count_running"]) == (4, ("all", newcomer) in entries())
    assert float(effect["adjusted_difference"]) == pytest.approx(EFFECT, abs=0.25)
    assert float(effect["low"]) < EFFECT < float(effect["high"])
    assert effect["verdict_zh"] == "有效"
    assert (effect["ordered_treated"], effect["ordered_held"]) == (1, 1)
    assert [found[0]["audience"], found[0]["verdict"]] == ["*", "too_early"]
