"""Lifecycle conditions in words, English and Chinese: what a rule asks for, and what it found on a given day."""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, floor
from typing import Any

from perennial.config.conditions import Condition, Event, Late, Range, Scheduled, Value
from perennial.config.lifecycle import Trend
from perennial.lifecycle.moment import Moment, decided, full_days, kind_of, latest, measured
from perennial.lifecycle.phrases import Words, against, ago, bounds, days, event_name, joined, money, named, order_days


@dataclass(frozen=True)
class Units:
    """What numbers mean: the reporting currency, and the limits of a trend."""

    currency: str
    trend: Trend


def rule(condition: Condition, units: Units) -> Words:
    """What the condition asks for, of anybody."""
    return _rule(condition, units, True)


def reason(condition: Condition, moment: Moment, units: Units) -> Words:
    """Why the condition holds of this customer on this day, or why it does not: only the tests that decided."""
    return joined([LEAF_WORDS[kind_of(c)](_setting(c), moment, true, units) for c, true in decided(condition, moment)])


def _rule(condition: Condition, units: Units, true: bool) -> Words:
    if condition.not_:
        return _rule(condition.not_, units, not true)
    if not condition.parts:
        return LEAF_WORDS[kind_of(condition)](_setting(condition), None, true, units)
    english, chinese = (" and ", "且") if bool(condition.all) == true else (" or ", "或")
    parts = [_rule(part, units, true) for part in condition.parts]
    # a combination within a combination stands in brackets
    nested = [len(part.parts) > 1 for part in condition.parts]
    return Words(
        english.join(f"({w.en})" if inner else w.en for w, inner in zip(parts, nested, strict=True)),
        chinese.join(f"（{w.zh}）" if inner else w.zh for w, inner in zip(parts, nested, strict=True)),
    )


def _setting(condition: Condition) -> Any:
    return getattr(condition, kind_of(condition))


def _negated(words: Words, true: bool) -> Words:
    return words if true else Words(f"not {words.en}", f"非（{words.zh}）")


def _orders(asked: Range, moment: Moment | None, true: bool, units: Units) -> Words:
    if moment is None:
        wanted = bounds(asked.low, asked.high)
        if asked.high == asked.low == 1:
            return _negated(Words("exactly one order-day", "恰为一个下单日"), true)
        none = Words("no order", "无订单")
        return _negated(none if asked.high == 0 else Words(f"{wanted.en} order-days", f"{wanted.zh}个下单日"), true)
    found, stands = order_days(moment.orders), against(moment.orders, asked.low, asked.high)
    if moment.orders == 0 or (true and asked.low == asked.high):
        return found
    return Words(f"{found.en}, {stands.en}", f"{found.zh}，{stands.zh}个")


def _tenure_days(asked: Range, moment: Moment | None, true: bool, units: Units) -> Words:
    if moment is None:
        wanted = bounds(asked.low, asked.high)
        return _negated(Words(f"a customer for {wanted.en} days", f"成为客户{wanted.zh}天"), true)
    if moment.tenure_days is None:
        return order_days(0)
    age, stands = days(moment.tenure_days), against(moment.tenure_days, asked.low, asked.high)
    return Words(f"a customer for {age.en}, {stands.en}", f"成为客户{age.zh}，{stands.zh}天")


def _tenure_cycles(asked: Range, moment: Moment | None, true: bool, units: Units) -> Words:
    wanted = bounds(asked.low, asked.high)
    if moment is None:
        return _negated(Words(f"a customer for {wanted.en} personal cycles", f"成为客户{wanted.zh}个个人周期"), true)
    if moment.tenure_days is None:
        return order_days(0)
    low = None if asked.low is None else ceil(asked.low * moment.cycle_days - 1e-6)
    high = None if asked.high is None else full_days(asked.high, 0, moment)
    age, stands, cycle = days(moment.tenure_days), against(moment.tenure_days, low, high), f"{moment.cycle_days:.1f}"
    times = " - ".join(f"{n:,}" for n in dict.fromkeys((asked.low, asked.high)) if n is not None)
    return Words(
        f"a customer for {age.en}, {stands.en} ({times} × her cycle of {cycle} days)",
        f"成为客户{age.zh}，{stands.zh}天（{times}×个人周期{cycle}天）",
    )


def _limit(cycles: float, floor_days: int, moment: Moment) -> Words:
    """The days allowed by max(cycles x cycle, floor), and where they come from."""
    allowed = full_days(cycles, floor_days, moment)
    if not cycles:
        return Words(f"{allowed:,}", f"{allowed:,}天")
    own = full_days(cycles, 0, moment)
    cycle = f"{cycles:g} × her cycle of {moment.cycle_days:.1f} days"
    cycle_zh = f"{cycles:g}×个人周期{moment.cycle_days:.1f}天"
    if own < floor_days:
        return Words(
            f"the minimum of {allowed:,} ({cycle} is only {own:,})", f"下限{allowed:,}天（{cycle_zh}仅{own:,}天）"
        )
    return Words(f"{allowed:,} ({cycle})", f"{allowed:,}天（{cycle_zh}）")


def _late(late: Late, moment: Moment | None, true: bool, units: Units) -> Words:
    if moment is None:
        asked, asked_zh = f"more than {late.floor_days:,} days without an order", f"超过{late.floor_days:,}天未下单"
        if late.cycles:
            asked += f" and more than {late.cycles:g} personal cycles"
            asked_zh += f"且超过{late.cycles:g}个个人周期"
        return _negated(Words(asked, asked_zh), true)
    if moment.silence_days is None:
        return order_days(0)
    limit = _limit(late.cycles, late.floor_days, moment)
    silent = days(moment.silence_days)
    if true:
        return Words(f"{silent.en} without an order, more than {limit.en}", f"{silent.zh}未下单，超过{limit.zh}")
    if moment.silence_days == 0:
        return Words(f"ordered the same day, the limit is {limit.en}", f"当天有下单，界限为{limit.zh}")
    return Words(f"{silent.en} without an order, not more than {limit.en}", f"{silent.zh}未下单，未超过{limit.zh}")


def _trend(direction: str, moment: Moment | None, true: bool, units: Units) -> Words:
    down = direction == "down"
    if moment is None:
        return Words(
            f"{'a' if true else 'no'} significant {'fall' if down else 'rise'} in spending and orders",
            f"消费与下单{'' if true else '无'}显著{'下降' if down else '上升'}",
        )
    if not true:
        if moment.trend == "none":
            return Words("history too short for a trend", "历史太短，无法判断趋势")
        return Words(
            f"no significant {'fall' if down else 'rise'} in spending and orders",
            f"消费与下单无显著{'下降' if down else '上升'}",
        )
    limits = units.trend
    change, window = _change(moment.spend_change), moment.window_days
    least = f"{abs(limits.spend_down if down else limits.spend_up):.0%}"
    score, needed = f"{moment.frequency_change:+.1f}", f"{-limits.significance if down else limits.significance:+g}"
    return Words(
        f"spending in {window} days {change.en} that of the {window} before (limit {least}), "
        f"clearly {'fewer' if down else 'more'} orders (score {score}, limit {needed})",
        f"{window}天内消费{change.zh.format(before=f'前{window}天')}（界限{least}），"
        f"下单显著{'减少' if down else '增加'}（得分{score}，界限{needed}）",
    )


def _change(change: float) -> Words:
    """A change of spend, never exaggerated: half an order's value in its denominator makes it small."""
    if change >= 1:
        times = floor(1 + change)
        return Words("over twice" if times == 2 else f"over {times:,} times", f"超过{{before}}的{times:,}倍")
    share = f"{floor(abs(change) * 100)}%"
    if change < 0:
        return Words(f"at least {share} below", f"比{{before}}至少减少{share}")
    return Words(f"at least {share} above", f"比{{before}}至少增加{share}")


def _value(value: Value, moment: Moment | None, true: bool, units: Units) -> Words:
    what = {
        "total": Words("spent in all", "累计消费"),
        "average": Words("spent per order-day", "每个下单日平均消费"),
        "last_365_days": Words("spent in 365 days", "365天内消费"),
    }[value.of]
    least = money(value.at_least, units.currency)
    if moment is None:
        return _negated(Words(f"at least {least} {what.en}", f"{what.zh}至少{least}"), true)
    amount = measured(value, moment)
    if amount is None:
        return order_days(0)
    found, stands = money(amount, units.currency), ("at least", "至少") if true else ("less than", "少于")
    return Words(f"{found} {what.en}, {stands[0]} {least}", f"{what.zh}{found}，{stands[1]}{least}")


def _event(event: Event, moment: Moment | None, true: bool, units: Units) -> Words:
    types = named(event.types)
    if moment is None:
        return _negated(_event_rule(event, types), true)
    found = latest(event.types, moment)
    if found is None:
        return Words(f"no {types.en} so far", f"从未有{types.zh}")
    name, when = event_name(found[0]), ago(moment.day, found[1])
    said = [Words(f"{name.en} on {found[1]}, {when.en}", f"{found[1]}有{name.zh}，{when.zh}")]
    for other in event.since:
        known, other_name = moment.last_order_on if other == "order" else moment.events.get(other), event_name(other)
        if known is None:
            said.append(Words(f"no {other_name.en} so far", f"从未有{other_name.zh}"))
        elif found[1] < known:
            said.append(Words(f"before the latest {other_name.en}", f"早于最近的{other_name.zh}"))
    if event.within_days is not None and moment.day > found[1]:
        limit = _limit(event.cycles, event.within_days, moment)
        inside = (moment.day - found[1]).days <= full_days(event.cycles, event.within_days, moment)
        more = Words("not more than", "未超过") if inside else Words("more than", "超过")
        said.append(Words(f"{more.en} {limit.en}", f"{more.zh}{limit.zh}"))
    if true and event.since:
        said.append(_since(event))
    return Words(", ".join(s.en for s in said), "，".join(s.zh for s in said))


def _event_rule(event: Event, types: Words) -> Words:
    within = within_zh = ""
    if event.within_days is not None:
        within, within_zh = f" within {event.within_days:,} days", f"{event.within_days:,}天内"
    if event.cycles:
        within += f" or {event.cycles:g} personal cycles"
        within_zh += f"或{event.cycles:g}个个人周期内"
    since = _since(event) if event.since else Words("", "")
    return Words(f"{types.en}{within}{since.en and ', '}{since.en}", f"{within_zh}{since.zh}有{types.zh}")


def _since(event: Event) -> Words:
    others = named(event.since, " and ")
    return Words(f"not before the latest {others.en}", f"不早于最近的{others.zh}")


def _scheduled(scheduled: Scheduled, moment: Moment | None, true: bool, units: Units) -> Words:
    name = event_name(scheduled.type)
    if moment is None:
        ahead = scheduled.is_ == "ahead"
        asked = f"a {name.en} date {'ahead' if ahead else 'that has come'}"
        return _negated(Words(asked, f"{name.zh}日期{'未到' if ahead else '已到'}"), true)
    announced = moment.scheduled.get(scheduled.type)
    if announced is None:
        return Words(f"no {name.en} date", f"没有{name.zh}日期")
    when = ago(moment.day, announced)
    return Words(f"{name.en} date {announced}, {when.en}", f"{name.zh}日期为{announced}，{when.zh}")


LEAF_WORDS: dict[str, Callable[[Any, Moment | None, bool, Units], Words]] = {
    "orders": _orders,
    "tenure_days": _tenure_days,
    "tenure_cycles": _tenure_cycles,
    "late": _late,
    "trend": _trend,
    "value": _value,
    "event": _event,
    "scheduled": _scheduled,
}
