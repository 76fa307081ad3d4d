"""A customer's life in one lifecycle model: every stay in a stage with what decided it, and what is planned."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import psycopg
from psycopg import sql

from perennial.config.lifecycle import PROSPECT, LifecycleModel, Stage
from perennial.errors import FatalError
from perennial.lifecycle.compile import compile_model
from perennial.lifecycle.moment import Moment, decided, first_match, holds
from perennial.lifecycle.phrases import Words, days, event_name, order_days
from perennial.lifecycle.touches import Touch, Touches, added_up, counted
from perennial.lifecycle.words import Units, reason, rule

# the row of its episode says exactly, and not rounded, what the rules saw on a day
STAYS = """
    select t.stage, t.valid_from as since, t.entered_by, to_jsonb(e) as episode
    from marts.fct_lifecycle_timeline as t
    inner join intermediate.int_episodes as e
        on t.customer_key = e.customer_key and t.valid_from >= e.episode_on and t.valid_from < e.episode_to
    where t.customer_key = %s and t.lifecycle_model = %s and t.valid_from <= %s
    order by t.valid_from
"""
# what the episode of the day planned, whatever came after it: nothing of later days enters here
PLAN = """
    with
    planned as (
        select
            *,
            to_jsonb(e) as episode,
            unnest(array[{days}]) as day,
            unnest(array[{clocks}]) as clock
        from intermediate.int_episodes as e
        where customer_key = {key} and episode_on <= {on} and episode_to > {on}
    )

    select
        day as since,
        case when clock = 'recency' then 'event' else clock end as entered_by,
        {stage} as stage,
        episode
    from planned as e
    where day > {on}
    order by day, clock
"""
ENTRIES = {
    "order": Words("An order", "下单"),
    "silence": Words("Silence", "沉默"),
    "trend": Words("Trend", "趋势"),
    "event": Words("Time passed", "时间推移"),  # an event became old
}
FIRST_KNOWN = Words("Became known", "首次登记")
FIRST_ORDER = Words("The first order", "首次下单")
DUE = Words("The day came", "日期已到")
WON_BACK = Words("An order brought her back", "下单挽回")
NO_LONGER = {
    "up": Words("An order, but the rise is no longer significant", "下单，但上升不再显著"),
    "down": Words("An order, and the fall is no longer significant", "下单，且下降不再显著"),
}
UNCOUNTED = Words(", so an order no longer counts", "，原订单不再有效")
LOSING = ("declining", "lost")
RULE_CHANGED = Words("no longer what the rules of today say", "与当前规则不再一致")


@dataclass(frozen=True)
class Stay:
    """Days in one stage, from `since` up to the day before `until`.

    `until` is None for the last one planned. `days` is None there; for the stay of the story's day it counts the days
    so far. `why` says which tests of the rule held on the first day, `rule` what it asks for (None for the
    else-branch); `touches` is what she did meanwhile (None for planned stays).
    """

    stage: str
    label: Words
    phase: str
    since: date
    until: date | None
    days: int | None
    entered_by: str
    entry: Words
    why: Words
    rule: Words | None
    moment: Moment
    touches: Touches | None


@dataclass(frozen=True)
class NotYet:
    """The next declining or lost stage on her way: when it comes if nothing happens, and why it is not there yet."""

    stage: str
    label: Words
    on: date
    why: Words


@dataclass(frozen=True)
class Life:
    """All stays up to the story's day, the last one still running, then the planned ones if nothing happens."""

    lifecycle_model: str
    name: Words
    version: int
    stays: list[Stay]
    not_yet: NotYet | None
    planned: list[Stay]


def life(
    session: psycopg.Connection,
    key: str,
    name: str,
    model: LifecycleModel,
    on: date,
    touches: list[Touch],
    units: Units,
) -> Life:
    """Her life in the model up to the day `on`; `touches` is her ledger up to that day.

    FatalError if the timeline does not know her in this model.
    """
    rows = session.execute(STAYS, [key, name, on]).fetchall()
    if not rows:
        raise FatalError(
            f"customer {key} has no stage in '{name}' on {on}: the model was enabled, or she became known, after the "
            "newest night was built. Run a night first"
        )
    plan = _planned(session, key, name, model, on, rows[-1]["stage"])
    teller = _Teller(model, touches, units)
    ends = [row["since"] for row in rows[1:]] + [plan[0]["since"] if plan else None]
    stays: list[Stay] = []
    for row, until in zip(rows, ends, strict=True):
        stays.append(teller.stay(row, until, stays[-1] if stays else None, on))
    ahead: list[Stay] = []
    for row, until in zip(plan, [row["since"] for row in plan[1:]] + [None], strict=True) if plan else ():
        ahead.append(teller.stay(row, until, (ahead or stays)[-1], None))
    now = Moment.of_episode(_episode(session, key, on), on)
    return Life(
        lifecycle_model=name,
        name=Words(model.name.en, model.name.zh),
        version=model.version,
        stays=stays,
        not_yet=teller.not_yet(stays[-1], ahead, now),
        planned=ahead,
    )


def _planned(
    session: psycopg.Connection, key: str, name: str, model: LifecycleModel, on: date, stage: str
) -> list[dict[str, Any]]:
    """Every later change of stage that the episode of the day plans, clocks of equal neighbours dropped."""
    compiled = compile_model(name, model)
    query = sql.SQL(PLAN).format(
        key=sql.Literal(key),
        on=sql.Literal(on),
        stage=sql.SQL(compiled["stage"]),
        days=sql.SQL(", ").join(map(sql.SQL, compiled["days"])),
        clocks=sql.SQL(", ").join(map(sql.Literal, compiled["clocks"])),
    )
    changes = []
    for row in session.execute(query):
        if row["stage"] != stage:
            stage = row["stage"]
            changes.append(row)
    return changes


def _episode(session: psycopg.Connection, key: str, on: date) -> dict[str, Any]:
    ask = """select to_jsonb(e) as episode from intermediate.int_episodes as e
        where e.customer_key = %s and e.episode_on <= %s and e.episode_to > %s"""
    return session.execute(ask, [key, on, on]).fetchone()["episode"]


@dataclass(frozen=True)
class _Teller:
    """Puts rows of the timeline into words."""

    model: LifecycleModel
    touches: list[Touch]
    units: Units

    def stay(self, row: dict[str, Any], until: date | None, before: Stay | None, on: date | None) -> Stay:
        """A stay that began by `on`, or a planned one if `on` is None."""
        moment, stage = Moment.of_episode(row["episode"], row["since"]), self._stage(row["stage"])
        since, lasted = row["since"], None
        if on is not None:
            lasted = ((until if until is not None and until <= on else on + timedelta(days=1)) - since).days
        elif until is not None:
            lasted = (until - since).days
        within = [t for t in self.touches if t.event_on >= since and (until is None or t.event_on < until)]
        return Stay(
            stage=row["stage"],
            label=Words(stage.label.en, stage.label.zh) if stage else Words(row["stage"], row["stage"]),
            phase=stage.phase if stage else "",
            since=since,
            until=until,
            days=lasted,
            entered_by=row["entered_by"],
            entry=self._entry(row["entered_by"], moment, stage, before),
            why=self._why(row["stage"], moment),
            rule=rule(stage.when, self.units) if stage and stage.when else None,
            moment=moment,
            touches=None if on is None else added_up(within),
        )

    def not_yet(self, current: Stay, ahead: list[Stay], now: Moment) -> NotYet | None:
        """The first loss ahead, unless she is at the end of her way."""
        for stay in ahead:
            stage = self._stage(stay.stage)
            if stay.phase in LOSING and stage and stage.when:
                first = holds(stage.when, now)
                why = Words(f"{current.label.en} comes first", f"{current.label.zh}优先") if first else None
                return NotYet(stay.stage, stay.label, stay.since, why or reason(stage.when, now, self.units))
        return None

    def _by_trend(self, stay: Stay) -> bool:
        stage = self._stage(stay.stage)
        return bool(stage and stage.when and any(c.trend and true for c, true in decided(stage.when, stay.moment)))

    def _orders(self, day: date) -> int:
        return len(counted([t for t in self.touches if t.event_on <= day]))

    def _stage(self, name: str) -> Stage | None:
        return next((s for s in self.model.stages if s.stage == name), None)

    def _why(self, name: str, moment: Moment) -> Words:
        stage = first_match(self.model, moment)
        if stage.stage != name:
            return RULE_CHANGED
        if stage.when:
            return reason(stage.when, moment, self.units)
        seen, cycle = order_days(moment.orders), f"{moment.cycle_days:.1f}"
        about = stage.description
        return Words(
            f"{about.en[:1].lower()}{about.en[1:]} ({seen.en}, her cycle is {cycle} days)",
            f"{about.zh}（{seen.zh}，个人周期{cycle}天）",
        )

    def _entry(self, entered_by: str, moment: Moment, stage: Stage | None, before: Stay | None) -> Words:
        """What brought her here."""
        if entered_by == "tenure":
            age = days(moment.tenure_days)
            return Words(f"{age.en} a customer", f"成为客户{age.zh}")
        if entered_by == "order":
            if moment.orders == 1 and (before is None or before.stage == PROSPECT):
                return FIRST_ORDER
            if before is not None and moment.trend != before.moment.trend and self._by_trend(before):
                return NO_LONGER[before.moment.trend]
            if before is not None and before.phase in LOSING and stage and stage.phase not in LOSING:
                return WON_BACK
        if entered_by == "event":
            return self._event(moment, before)
        return ENTRIES.get(entered_by, Words(entered_by, entered_by))

    def _event(self, moment: Moment, before: Stay | None) -> Words:
        """What happened that day, or came due."""
        names = {t.event_type for t in self.touches if t.event_on == moment.day} - {"order"}
        names |= {name for name, day in moment.events.items() if day == moment.day}
        if before is None and names <= {"registration"}:
            return FIRST_KNOWN
        if names:
            told = [event_name(name) for name in sorted(names)]
            text = " and ".join(t.en for t in told)
            lost = self._orders(moment.day) < self._orders(moment.day - timedelta(days=1))
            gone = UNCOUNTED if lost and before else Words("", "")
            return Words(f"{text[:1].upper()}{text[1:]}{gone.en}", "、".join(t.zh for t in told) + gone.zh)
        return DUE if moment.day in moment.scheduled.values() else ENTRIES["event"]
