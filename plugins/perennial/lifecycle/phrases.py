"""Small pieces of sentences in English and Chinese."""

from dataclasses import dataclass
from datetime import date

EVENTS = {
    "registration": "注册",
    "order": "订单",
    "refund": "退款",
    "cancellation": "取消",
    "unsubscribe": "退订",
    "visit": "浏览",
    "cart": "加购",
    "quote": "询价",
    "review": "评价",
    "survey": "问卷",
    "return": "退货",
    "ticket": "工单",
    "delivery": "送达",
    "contract": "合约",
    "notice": "解约通知",
    "termination": "销户",
}


@dataclass(frozen=True)
class Words:
    """A text in both languages."""

    en: str
    zh: str


def joined(parts: list[Words]) -> Words:
    """Several statements that are all true, each said once."""
    parts = list(dict.fromkeys(parts))
    return Words("; ".join(p.en for p in parts), "；".join(p.zh for p in parts))


def money(amount: float, currency: str) -> str:
    """An amount for people, such as 1,234.50 USD."""
    return f"{amount:,.2f} {currency}"


def event_name(name: str) -> Words:
    """What people call an event."""
    plain = name.replace("_", " ")
    return Words(plain, EVENTS.get(name, plain))


def days(number: int) -> Words:
    """So many days."""
    return Words(f"{number:,} day{'' if number == 1 else 's'}", f"{number:,}天")


def order_days(number: int) -> Words:
    """So many order-days."""
    if number == 0:
        return Words("no order yet", "尚未下单")
    if number == 1:
        return Words("one order-day so far", "仅一个下单日")
    return Words(f"{number:,} order-days", f"{number:,}个下单日")


def bounds(low: int | None, high: int | None) -> Words:
    if low == high:
        return Words(f"exactly {low:,}", f"恰为{low:,}")
    if high is None:
        return Words(f"at least {low:,}", f"至少{low:,}")
    if low is None:
        return Words(f"at most {high:,}", f"至多{high:,}")
    return Words(f"{low:,} to {high:,}", f"{low:,}至{high:,}")


def against(number: int, low: int | None, high: int | None) -> Words:
    """How a number stands to its bounds."""
    if low is not None and low == high and number != low:
        return Words(f"not {low:,}", f"不是{low:,}")
    if low is not None and number < low:
        return Words(f"fewer than {low:,}", f"少于{low:,}")
    if high is not None and number > high:
        return Words(f"more than {high:,}", f"多于{high:,}")
    return bounds(low, high)


def named(events: list[str], last: str = " or ") -> Words:
    """A list of events; `last` stands before the last one in English."""
    names = [event_name(name) for name in events]
    english = ", ".join(n.en for n in names[:-1]) + (last if names[1:] else "") + names[-1].en
    return Words(english, "、".join(n.zh for n in names))


def ago(day: date, then: date) -> Words:
    """How long before (or after) `day` something is."""
    passed = (day - then).days
    if passed == 0:
        return Words("the same day", "当天")
    if passed > 0:
        return Words(f"{days(passed).en} ago", f"{passed:,}天前")
    return Words(f"in {days(-passed).en}", f"{-passed:,}天后")
