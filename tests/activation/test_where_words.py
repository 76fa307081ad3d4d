"""Every condition of an audience says in both languages why a customer meets it or not."""

from dataclasses import replace
from datetime import date

import pytest

from perennial import config
from perennial.activation.where_words import KINDS, Candidate, Course, audience_checks, checks
from perennial.config.audiences import Where

NIGHT = date(2017, 9, 30)
SHE = Candidate(
    as_of=NIGHT,
    tier="B",
    orders=7,
    days_since_first_order=120,
    days_since_last_order=44,
    courses={
        "ecommerce": Course("mature", "declining", date(2017, 10, 2)),
        "activity_fixed": Course("lost", None, None),
    },
    columns={"clv_365d": 12.5, "country": "US", "last_ordered_on": date(2017, 8, 17), "is_prospect": False},
)
PROSPECT = Candidate(NIGHT, "N", 0, None, None, {})

CASES = [
    ({"tier": ["A", "B"]}, SHE, True, ("tier B", "B类")),
    ({"tier": ["A", "C"]}, SHE, False, ("tier B, not A or C", "B类，不是A、C类")),
    ({"orders": {"exactly": 7}}, SHE, True, ("7 orders", "7笔订单")),
    ({"orders": {"exactly": 1}}, SHE, False, ("7 orders, not 1", "7笔订单，不是1")),
    ({"orders": {"at_least": 1}}, PROSPECT, False, ("no order", "无订单")),
    (
        {"days_since_first_order": {"at_least": 14, "at_most": 90}},
        SHE,
        False,
        ("120 days since the first order, more than 90", "首单距今120天，多于90"),
    ),
    (
        {"days_since_last_order": {"at_most": 44}},
        SHE,
        True,
        ("44 days since the latest order, at most 44", "末单距今44天，至多44"),
    ),
    ({"days_since_last_order": {"at_most": 44}}, PROSPECT, False, ("no order", "无订单")),
    (
        {"stage": {"model": "ecommerce", "is": ["mature", "rising"]}},
        SHE,
        True,
        ("E-commerce, seven stages: Mature", "电商七阶段：成熟期"),
    ),
    (
        {"stage": {"model": "ecommerce", "is": ["lost", "silent"]}},
        SHE,
        False,
        ("E-commerce, seven stages: Mature, not Lost or Silent", "电商七阶段：成熟期，不是流失期或沉默期"),
    ),
    (
        {"turning": {"model": "ecommerce", "into": ["declining"], "within_days": 2}},
        SHE,
        True,
        (
            "E-commerce, seven stages: Declining in 2 days, at most 2",
            "电商七阶段：2天后转入衰退期，不超过2天",
        ),
    ),
    (
        {"turning": {"model": "ecommerce", "into": ["declining"], "within_days": 1}},
        SHE,
        False,
        (
            "E-commerce, seven stages: Declining in 2 days, more than 1",
            "电商七阶段：2天后转入衰退期，超过1天",
        ),
    ),
    (
        {"turning": {"model": "activity_fixed", "into": ["dormant"], "within_days": 9}},
        SHE,
        False,
        (
            "Active, silent, dormant, lost (fixed days): nothing ahead, not Dormant",
            "活跃沉默休眠流失（固定天数）：之后不再变化，不会转入休眠",
        ),
    ),
]

COLUMNS = [
    ({"clv_365d": {"at_least": 10}}, True, ("clv_365d 12.5, at least 10", "clv_365d：12.5，至少10")),
    ({"clv_365d": {"at_least": 10, "at_most": 12}}, False, ("clv_365d 12.5, at least 10, more than 12", None)),
    ({"country": {"is": ["FR", "CN"]}}, False, ("country US, not FR or CN", "country：US，不是FR、CN")),
    ({"country": {"is_not": ["FR"]}}, True, ("country US, not FR", None)),
    (
        {"last_ordered_on": {"within_past_days": 44}},
        True,
        ("last_ordered_on 2017-08-17, within the past 44 days", None),
    ),
    ({"last_ordered_on": {"within_days": 44}}, False, ("last_ordered_on 2017-08-17, not within 44 days", None)),
    (
        {"last_ordered_on": {"at_least": date(2017, 8, 17)}},
        True,
        ("last_ordered_on 2017-08-17, at least 2017-08-17", None),
    ),
    ({"is_prospect": {"is": True}}, False, ("is_prospect false, not true", "is_prospect：false，不是true")),
    ({"next_stage": {"is": ["lost"]}}, False, ("next_stage unknown", "next_stage未知")),
    ({"next_stage": {"known": False}}, True, ("next_stage unknown", None)),
    ({"country": {"is": ["FR"]}, "clv_365d": {"at_least": 10}}, False, ("country US, not FR", None)),
]


@pytest.mark.parametrize(("given", "holds", "said"), COLUMNS)
def test_a_column_says_why_she_meets_its_tests_or_not(given, holds, said):
    (check,) = checks(Where.model_validate(given), SHE, config.load().lifecycle.models)
    assert (check.condition, check.holds, check.words.en) == ("columns", holds, said[0])
    assert check.words.zh == (said[1] or check.words.zh)


def test_cells_and_queries_say_why_they_mean_her():
    settings = config.load()
    models, default = settings.lifecycle.models, settings.lifecycle.default
    (check,) = audience_checks("fading", settings.audiences.audiences["fading"], SHE, models, default)
    assert (check.holds, check.words.en) == (False, "E-commerce, seven stages: Mature, not Declining or Silent")
    asked = settings.audiences.audiences["click_collect_only"]
    for queried, holds in ((frozenset(), False), (frozenset({"click_collect_only"}), True)):
        (check,) = audience_checks("click_collect_only", asked, replace(SHE, queried=queried), models, default)
        assert check.holds is holds
        assert "audiences/click_collect_only.sql" in check.words.en


@pytest.mark.parametrize(("given", "she", "holds", "said"), CASES)
def test_a_condition_of_an_audience_says_why_she_meets_it_or_not(given, she, holds, said):
    (check,) = checks(Where.model_validate(given), she, config.load().lifecycle.models)
    assert (check.condition, check.holds, (check.words.en, check.words.zh)) == (next(iter(given)), holds, said)


def test_there_are_words_and_a_case_for_every_kind_of_condition_of_an_audience():
    assert set(KINDS) == set(Where.model_fields) == {kind for given, *_ in CASES for kind in given} | {"columns"}
