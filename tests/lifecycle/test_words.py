"""Every condition says in both languages what it asks for, what it found, and which part of a combination decided."""

from datetime import date

import pytest

from perennial.config.conditions import Condition
from perennial.config.lifecycle import Trend
from perennial.lifecycle.moment import LEAVES, Moment, holds, kind_of
from perennial.lifecycle.words import LEAF_WORDS, Units, reason, rule

UNITS = Units("USD", Trend())
TODAY = date(2017, 9, 30)
# seven order-days from 2 June to 31 July, 61 days ago
SHE = Moment(
    day=TODAY,
    orders=7,
    first_order_on=date(2017, 6, 2),
    last_order_on=date(2017, 7, 31),
    cycle_days=6.6,
    spend=210,
    recent_spend=1234.5,
    window_days=60,
    trend="down",
    spend_change=-0.529,
    frequency_change=-2.4,
    events={"visit": date(2017, 9, 28), "review": date(2017, 7, 1), "unsubscribe": date(2017, 9, 30)},
    scheduled={"contract": date(2017, 10, 14), "notice": date(2017, 9, 30)},
)
PROSPECT = Moment(day=TODAY, cycle_days=30.0)

SCORES = "(score -2.4, limit -2)"
FELL = (
    f"spending in 60 days at least 52% below that of the 60 before (limit 40%), clearly fewer orders {SCORES}",
    "60天内消费比前60天至少减少52%（界限40%），下单显著减少（得分-2.4，界限-2）",
)
SHORT = "0.5 × her cycle of 6.6 days is only 3"
OLD_REVIEW = (
    f"review on 2017-07-01, 91 days ago, before the latest order, more than the minimum of 14 ({SHORT})",
    "2017-07-01有评价，91天前，早于最近的订单，超过下限14天（0.5×个人周期6.6天仅3天）",
)

# condition, customer, whether it holds, what it found in English and Chinese, what it asks for in English and Chinese
CASES = [
    (
        {"orders": {"exactly": 0}},
        PROSPECT,
        True,
        ("no order yet", "尚未下单"),
        ("no order", "无订单"),
    ),
    (
        {"orders": {"at_least": 5}},
        SHE,
        True,
        ("7 order-days, at least 5", "7个下单日，至少5个"),
        ("at least 5 order-days", "至少5个下单日"),
    ),
    (
        {"orders": {"exactly": 1}},
        SHE,
        False,
        ("7 order-days, not 1", "7个下单日，不是1个"),
        ("exactly one order-day", "恰为一个下单日"),
    ),
    (
        {"orders": {"at_least": 2, "at_most": 3}},
        SHE,
        False,
        ("7 order-days, more than 3", "7个下单日，多于3个"),
        ("2 to 3 order-days", "2至3个下单日"),
    ),
    (
        {"tenure_days": {"at_most": 120}},
        SHE,
        True,
        ("a customer for 120 days, at most 120", "成为客户120天，至多120天"),
        ("a customer for at most 120 days", "成为客户至多120天"),
    ),
    (
        {"tenure_days": {"at_least": 121}},
        SHE,
        False,
        ("a customer for 120 days, fewer than 121", "成为客户120天，少于121天"),
        ("a customer for at least 121 days", "成为客户至少121天"),
    ),
    (
        {"tenure_cycles": {"at_least": 18}},
        SHE,
        True,
        (
            "a customer for 120 days, at least 119 (18 × her cycle of 6.6 days)",
            "成为客户120天，至少119天（18×个人周期6.6天）",
        ),
        ("a customer for at least 18 personal cycles", "成为客户至少18个个人周期"),
    ),
    (
        {"late": {"cycles": 4, "floor_days": 60}},
        SHE,
        True,
        (
            "61 days without an order, more than the minimum of 60 (4 × her cycle of 6.6 days is only 26)",
            "61天未下单，超过下限60天（4×个人周期6.6天仅26天）",
        ),
        (
            "more than 60 days without an order and more than 4 personal cycles",
            "超过60天未下单且超过4个个人周期",
        ),
    ),
    (
        {"late": {"cycles": 10, "floor_days": 60}},
        SHE,
        False,
        (
            "61 days without an order, not more than 66 (10 × her cycle of 6.6 days)",
            "61天未下单，未超过66天（10×个人周期6.6天）",
        ),
        (
            "more than 60 days without an order and more than 10 personal cycles",
            "超过60天未下单且超过10个个人周期",
        ),
    ),
    (
        {"late": {"floor_days": 45}},
        PROSPECT,
        False,
        ("no order yet", "尚未下单"),
        ("more than 45 days without an order", "超过45天未下单"),
    ),
    (
        {"trend": "down"},
        SHE,
        True,
        FELL,
        ("a significant fall in spending and orders", "消费与下单显著下降"),
    ),
    (
        {"trend": "up"},
        SHE,
        False,
        ("no significant rise in spending and orders", "消费与下单无显著上升"),
        ("a significant rise in spending and orders", "消费与下单显著上升"),
    ),
    (
        {"value": {"at_least": 200}},
        SHE,
        True,
        ("210.00 USD spent in all, at least 200.00 USD", "累计消费210.00 USD，至少200.00 USD"),
        ("at least 200.00 USD spent in all", "累计消费至少200.00 USD"),
    ),
    (
        {"value": {"of": "average", "at_least": 31}},
        SHE,
        False,
        ("30.00 USD spent per order-day, less than 31.00 USD", "每个下单日平均消费30.00 USD，少于31.00 USD"),
        ("at least 31.00 USD spent per order-day", "每个下单日平均消费至少31.00 USD"),
    ),
    (
        {"value": {"of": "last_365_days", "at_least": 1000}},
        SHE,
        True,
        ("1,234.50 USD spent in 365 days, at least 1,000.00 USD", "365天内消费1,234.50 USD，至少1,000.00 USD"),
        ("at least 1,000.00 USD spent in 365 days", "365天内消费至少1,000.00 USD"),
    ),
    (
        {"event": {"types": ["visit", "cart"], "within_days": 30, "since": ["order"]}},
        SHE,
        True,
        (
            "visit on 2017-09-28, 2 days ago, not more than 30, not before the latest order",
            "2017-09-28有浏览，2天前，未超过30天，不早于最近的订单",
        ),
        ("visit or cart within 30 days, not before the latest order", "30天内不早于最近的订单有浏览、加购"),
    ),
    (
        {"event": {"types": ["review"], "within_days": 14, "cycles": 0.5, "since": ["order"]}},
        SHE,
        False,
        OLD_REVIEW,
        (
            "review within 14 days or 0.5 personal cycles, not before the latest order",
            "14天内或0.5个个人周期内不早于最近的订单有评价",
        ),
    ),
    (
        {"event": {"types": ["termination"]}},
        SHE,
        False,
        ("no termination so far", "从未有销户"),
        ("termination", "有销户"),
    ),
    (
        {"event": {"types": ["visit"], "since": ["cart"]}},
        SHE,
        False,
        ("visit on 2017-09-28, 2 days ago, no cart so far", "2017-09-28有浏览，2天前，从未有加购"),
        ("visit, not before the latest cart", "不早于最近的加购有浏览"),
    ),
    (
        {"scheduled": {"type": "contract", "is": "ahead"}},
        SHE,
        True,
        ("contract date 2017-10-14, in 14 days", "合约日期为2017-10-14，14天后"),
        ("a contract date ahead", "合约日期未到"),
    ),
    (
        {"scheduled": {"type": "notice", "is": "passed"}},
        SHE,
        True,
        ("notice date 2017-09-30, the same day", "解约通知日期为2017-09-30，当天"),
        ("a notice date that has come", "解约通知日期已到"),
    ),
    (
        {"scheduled": {"type": "notice", "is": "passed"}},
        PROSPECT,
        False,
        ("no notice date", "没有解约通知日期"),
        ("a notice date that has come", "解约通知日期已到"),
    ),
    (
        {"any": [{"late": {"floor_days": 90}}, {"trend": "down"}, {"orders": {"at_least": 2}}]},
        SHE,
        True,
        FELL,
        (
            "more than 90 days without an order or a significant fall in spending and orders or at least 2 order-days",
            "超过90天未下单或消费与下单显著下降或至少2个下单日",
        ),
    ),
    (
        {"any": [{"late": {"floor_days": 90}}, {"trend": "up"}]},
        SHE,
        False,
        (
            "61 days without an order, not more than 90; no significant rise in spending and orders",
            "61天未下单，未超过90天；消费与下单无显著上升",
        ),
        (
            "more than 90 days without an order or a significant rise in spending and orders",
            "超过90天未下单或消费与下单显著上升",
        ),
    ),
    (
        {"all": [{"orders": {"at_least": 5}}, {"not": {"late": {"floor_days": 90}}}]},
        SHE,
        True,
        (
            "7 order-days, at least 5; 61 days without an order, not more than 90",
            "7个下单日，至少5个；61天未下单，未超过90天",
        ),
        (
            "at least 5 order-days and not more than 90 days without an order",
            "至少5个下单日且非（超过90天未下单）",
        ),
    ),
    (
        {"all": [{"orders": {"at_least": 8}}, {"trend": "down"}]},
        SHE,
        False,
        ("7 order-days, fewer than 8", "7个下单日，少于8个"),
        (
            "at least 8 order-days and a significant fall in spending and orders",
            "至少8个下单日且消费与下单显著下降",
        ),
    ),
    (
        {"not": {"any": [{"orders": {"at_most": 3}}, {"trend": "up"}]}},
        SHE,
        True,
        (
            "7 order-days, more than 3; no significant rise in spending and orders",
            "7个下单日，多于3个；消费与下单无显著上升",
        ),
        (
            "not at most 3 order-days and no significant rise in spending and orders",
            "非（至多3个下单日）且消费与下单无显著上升",
        ),
    ),
]


@pytest.mark.parametrize(("given", "moment", "true", "found", "asked"), CASES)
def test_a_condition_says_what_it_asks_for_and_what_it_found(given, moment, true, found, asked):
    condition = Condition.model_validate(given)
    assert holds(condition, moment) is true
    said, wanted = reason(condition, moment, UNITS), rule(condition, UNITS)
    assert (said.en, said.zh) == found
    assert (wanted.en, wanted.zh) == asked


def test_there_are_words_and_a_case_for_every_kind_of_condition():
    kinds = set(Condition.model_fields)
    assert set(LEAF_WORDS) == set(LEAVES) == kinds - {"all", "any", "not_"}
    assert {kind_of(Condition.model_validate(given)) for given, *_ in CASES} == kinds


@pytest.mark.parametrize(
    ("change", "en", "zh"),
    [
        (-0.4, "at least 40% below", "比前60天至少减少40%"),
        (0.999, "at least 99% above", "比前60天至少增加99%"),
        (1.0, "over twice", "超过前60天的2倍"),
        (11.7, "over 12 times", "超过前60天的12倍"),
    ],
)
def test_a_change_is_never_exaggerated(change, en, zh):
    moment = Moment(
        TODAY, trend="up" if change > 0 else "down", spend_change=change, frequency_change=2, window_days=60
    )
    said = reason(Condition(trend=moment.trend), moment, UNITS)
    assert said.en.startswith(f"spending in 60 days {en} that of the 60 before")
    assert said.zh.startswith(f"60天内消费{zh}（界限")


def test_numbers_are_compared_unrounded():
    """19.96 days are shown as 20.0, but eight of them are 159, not 160."""
    condition = Condition.model_validate({"late": {"cycles": 8, "floor_days": 150}})
    moment = Moment(TODAY, orders=9, last_order_on=date(2017, 4, 23), cycle_days=19.96)
    assert moment.silence_days == 160
    assert (
        reason(condition, moment, UNITS).en == "160 days without an order, more than 159 (8 × her cycle of 20.0 days)"
    )


def test_an_episode_without_the_newer_columns_still_tells():
    moment = Moment.of_episode({"orders": 1, "first_order_on": "2017-09-01", "facts_hash": "x"}, TODAY)
    assert (moment.tenure_days, moment.events, moment.scheduled, moment.trend) == (29, {}, {}, "none")
