"""Why a column of customer_360 meets the tests of an audience or not, in English and Chinese."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from perennial.config.columns import ColumnTest
from perennial.lifecycle.phrases import Words

# test -> whether a value meets it, the bound in words if it does, and if it does not
Holds = Callable[[Any, Any, date], bool]
TESTS: dict[str, tuple[Holds, Words, Words]] = {
    "is": (lambda v, b, _: v is b if isinstance(b, bool) else v in b, Words("", ""), Words("not {b}", "不是{b}")),
    "is_not": (lambda v, b, _: v not in b, Words("not {b}", "不是{b}"), Words("one of {b}", "属于{b}")),
    "at_least": (lambda v, b, _: v >= b, Words("at least {b}", "至少{b}"), Words("less than {b}", "小于{b}")),
    "at_most": (lambda v, b, _: v <= b, Words("at most {b}", "至多{b}"), Words("more than {b}", "大于{b}")),
    "exactly": (lambda v, b, _: v == b, Words("", ""), Words("not {b}", "不是{b}")),
    "within_days": (
        lambda v, b, on: 0 <= (v - on).days <= b,
        Words("within {b} days", "在{b}天内"),
        Words("not within {b} days", "不在未来{b}天内"),
    ),
    "within_past_days": (
        lambda v, b, on: 0 <= (on - v).days <= b,
        Words("within the past {b} days", "在过去{b}天内"),
        Words("not within the past {b} days", "不在过去{b}天内"),
    ),
    "known": (lambda v, b, _: (v is not None) is b, Words("", ""), Words("", "")),
}


def column_words(column: str, test: ColumnTest, value: Any, as_of: date) -> tuple[bool, Words]:
    """Whether the value meets all tests, and why; null meets none but `known: false`, as in SQL."""
    said_en, said_zh, holds = [], [], True
    for key, bound in test.given.items():
        meets, yes, no = TESTS[key]
        met = meets(value, bound, as_of) if key == "known" or value is not None else False
        words = yes if met else no
        said_en.append(words.en.format(b=_shown(bound, " or ")))
        said_zh.append(words.zh.format(b=_shown(bound, "、")))
        holds = holds and met
    if value is None:
        return holds, Words(f"{column} unknown", f"{column}未知")
    stands_en, stands_zh = ("".join(f", {s}" for s in said_en if s), "".join(f"，{s}" for s in said_zh if s))
    shown = _shown(value, ", ")
    return holds, Words(f"{column} {shown}{stands_en}", f"{column}：{shown}{stands_zh}")


def _shown(value: Any, between: str) -> str:
    if isinstance(value, list):
        return between.join(value)
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:,.4g}" if isinstance(value, float | Decimal) and abs(value) < 1000 else str(value)
