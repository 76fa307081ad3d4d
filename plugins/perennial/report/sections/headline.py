"""The main figures, beside those of last night and last week."""

from datetime import timedelta

from perennial.lifecycle.phrases import Words
from perennial.report.facts import Night, Rows
from perennial.report.parts import Change, Part, Tile, Tiles
from perennial.report.text import NOTHING, count, money, share, signed

ORDER = 10
TITLE = Words("At a glance", "概览")
LEAD = Words(
    "Where the business stands tonight. Look first at what moved against last week, then for the reason below.",
    "今晚的整体情况。先看与上周相比的变化，再到下文寻找原因。",
)
EMPTY = Words(
    "No night has been built yet. Run `make demo` for two sample shops, or describe your sources in config/sources.yml "
    "and run `perennial nightly`.",
    "尚未运行任何一晚。运行 `make demo` 体验示例商店，或在 config/sources.yml 中配置数据源后运行 `perennial nightly`。",
)
NIGHTS = "(values (0), (1), (7)) as nights (ago)"
QUERIES = {
    "people": f"""
        select
            ago, sum(count_customers) as known,
            sum(count_customers) filter (where phase in ('growing', 'stable')) as buying,
            sum(count_customers) filter (where phase = 'declining') as fading,
            sum(count_customers) filter (where phase = 'lost') as lost
        from {NIGHTS}
        inner join marts.fct_stage_counts as counts on counts.day = %(shown)s - ago
        inner join marts.dim_stages using (lifecycle_model, stage)
        where lifecycle_model = %(model)s
        group by ago
    """,
    "trade": f"""
        select
            ago, coalesce(sum(net_amount), 0) as revenue, count(*) filter (where is_valid) as orders
        from {NIGHTS}
        left join (
            select ordered_on, net_amount, is_valid from marts.fct_orders
            where ordered_on > %(shown)s - 14 and ordered_on <= %(shown)s
        ) as lately on ordered_on > %(shown)s - ago - 7 and ordered_on <= %(shown)s - ago
        group by ago
    """,
    "expected": f"""
        select ago, sum(clv_365d) as worth from {NIGHTS}
        inner join marts.fct_segment_totals as totals on totals.as_of = %(shown)s - ago
        where segmentation = 'abc_tier'
        group by ago
    """,
    "warned": f"""
        select
            ago, count(opened_on) filter (where outcome <> 'merged') as open, sum(value_at_risk) as at_risk
        from {NIGHTS}
        left join marts.fct_early_warnings
            on opened_on <= %(shown)s - ago and (closed_on is null or closed_on > %(shown)s - ago)
        group by ago
    """,
    "sent": f"""
        select ago, sum(case when status = 'done' then members else members_before end) as members from {NIGHTS}
        inner join activation.export_runs as runs on runs.as_of = %(shown)s - ago
        group by ago
    """,
}
SINCE = {1: Words("vs last night", "较昨晚"), 7: Words("vs last week", "较上周")}


def parts(rows: Rows, night: Night) -> list[Part]:
    """One tile per figure; those that no table knows yet are left out."""
    if not rows["people"]:
        return []
    currency = night.currency
    last_day = night.shown - timedelta(days=6)
    week = Words(f"in the 7 days from {last_day}", f"自 {last_day} 起的7天")
    people = _by_night(rows["people"])
    known = people[0]["known"] if 0 in people else None
    tiles = [
        _tile(Words("Customers known", "已知客户"), people, "known", count),
        _tile(Words("Buying", "活跃购买"), people, "buying", count, note=_of(people, "buying", known)),
        _tile(Words("Fading", "正在流失"), people, "fading", count, good=-1, note=_of(people, "fading", known)),
        _tile(Words("Lost", "已流失"), people, "lost", count, good=-1, note=_of(people, "lost", known)),
        _tile(
            Words("Net revenue", "净收入"),
            _by_night(rows["trade"]),
            "revenue",
            lambda value: money(value, currency),
            note=week,
        ),
        _tile(Words("Orders", "订单"), _by_night(rows["trade"]), "orders", count, note=week),
        _tile(
            Words("Expected in the next 365 days", "未来365天预期收益"),
            _by_night(rows["expected"]),
            "worth",
            lambda value: money(value, currency),
            note=Words("earnings, by the forecast below", "按下文预测的收益"),
        ),
        _tile(
            Words("Open early warnings", "未结预警"),
            _by_night(rows["warned"]),
            "open",
            count,
            good=-1,
            note=_at_risk(rows["warned"], currency),
        ),
        _tile(
            Words("People in audiences", "受众人数"),
            _by_night(rows["sent"]),
            "members",
            count,
            note=Words("as the tools have them after this night", "本晚之后各工具中的人数"),
        ),
    ]
    return [Tiles([tile for tile in tiles if tile])]


def _by_night(rows: list[dict]) -> dict[int, dict]:
    return {row["ago"]: row for row in rows}


def _tile(label: Words, nights: dict[int, dict], name: str, written, good: int = 1, note: Words | None = None):
    value = nights.get(0, {}).get(name)
    if value is None:
        return None
    changes = []
    for ago, since in SINCE.items():
        before = nights.get(ago, {}).get(name)
        if before is None:
            changes.append(Change(since, NOTHING))
            continue
        moved = value - before
        changes.append(Change(since, signed(moved, written), good * (moved > 0) - good * (moved < 0)))
    return Tile(label, written(value), changes, note)


def _of(people: dict[int, dict], name: str, known: int | None) -> Words | None:
    value = people.get(0, {}).get(name)
    if not known or value is None:
        return None
    return Words(f"{share(value / known)} of all known", f"占已知客户 {share(value / known)}")


def _at_risk(rows: list[dict], currency: str) -> Words | None:
    tonight = _by_night(rows).get(0)
    if not tonight or tonight["at_risk"] is None:
        return None
    worth = money(tonight["at_risk"], currency)
    return Words(f"{worth} at risk", f"涉及 {worth}")
