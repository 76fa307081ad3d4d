"""Ask the warehouse what rules would have flagged at the end of past days, with what was known then.

`backtest_customers`, a temporary table, has one row per origin and customer asked about: the episode that contains the
origin, which is all that had happened then (as far as the warehouse knows today: a row delivered late is in it),
whether she stayed silent, and her revenue. Everything else counts over it.
A customer stayed silent if the episode that contains the end of the horizon knows no order-day after the origin: an
order that was cancelled again by then does not count, just as it does not for the rules.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import psycopg
from psycopg import sql

from perennial.config.lifecycle import LifecycleModel
from perennial.lifecycle.backtest.metrics import Counts
from perennial.lifecycle.backtest.rules import Rule
from perennial.lifecycle.compile import ROUNDING, compile_model

YARDSTICK = 180  # lead days are counted against a plain rule of more than so many silent days
MEMORY = 365  # asked about is who ordered within so many days up to the origin; revenue at risk is that of these days

CUSTOMERS = """
    create temporary table backtest_customers on commit drop as
    with
    origins as (
        select unnest(cast({origins} as date[])) as origin
    ),
    earned as (
        select origins.origin, ledger.customer_key, sum(ledger.amount) as revenue
        from origins
        inner join intermediate.int_ledger as ledger
            on ledger.event_on <= origins.origin and ledger.ordered_on > origins.origin - {memory}
        group by origins.origin, ledger.customer_key
    )
    select
        origins.origin,
        known.*,
        origins.origin - known.last_order_on as silence_days,
        coalesce(later.last_order_on <= origins.origin, true) as is_silent,
        coalesce(earned.revenue, 0) as revenue
    from origins
    inner join intermediate.int_episodes as known
        on known.episode_on <= origins.origin and known.episode_to > origins.origin
    inner join intermediate.int_episodes as later
        on
            later.customer_key = known.customer_key
            and later.episode_on <= origins.origin + {horizon}
            and later.episode_to > origins.origin + {horizon}
    left join earned on earned.origin = origins.origin and earned.customer_key = known.customer_key
    where known.orders > 0 and known.last_order_on > origins.origin - {memory}
"""

ASKED = """
    select origin, count(*) as customers, count(*) filter (where is_silent) as silent
    from backtest_customers group by origin
"""

# in the silence she was in on the origin, a rule flags from the day after `late_days` on
SWEEP = f"""
    select
        rules.rule,
        e.origin,
        count(*) as flagged,
        count(*) filter (where e.is_silent) as hits,
        percentile_cont(0.5) within group (order by {YARDSTICK} - late.late_days)
        filter (where e.is_silent) as lead_days,
        sum(e.revenue) as revenue_at_risk,
        coalesce(sum(e.revenue) filter (where e.is_silent), 0) as revenue_lost
    from backtest_customers as e
    cross join unnest(%(rules)s::text[], %(cycles)s::float8[], %(floors)s::int[]) as rules (rule, cycles, floor_days)
    cross join lateral (
        select cast(floor(greatest(rules.cycles * e.cycle_days, rules.floor_days) + {ROUNDING}) as integer) as late_days
    ) as late
    where e.silence_days > late.late_days
    group by rules.rule, e.origin
"""

STAGES = """
    select
        e.origin,
        {stage} as stage,
        count(*) as customers,
        count(*) filter (where e.is_silent) as silent,
        sum(e.revenue) as revenue,
        coalesce(sum(e.revenue) filter (where e.is_silent), 0) as revenue_lost
    from backtest_customers as e
    cross join lateral (select e.origin as day) as today
    group by 1, 2
"""

# the same model on every day of the silence on which its stage can change: since when was she this far down?
LEADS = """
    with
    steps as (
        select
            e.origin,
            e.customer_key,
            e.last_order_on,
            step.day,
            {decline} as decline
        from backtest_customers as e
        cross join lateral (
            select distinct candidate.day
            from unnest(array[e.last_order_on, {days}]) as candidate (day)
            where candidate.day >= e.last_order_on and candidate.day <= e.origin
        ) as step
        where e.is_silent
    ),
    held as (
        select
            steps.*,
            rules.rule,
            bool_and(steps.decline >= rules.decline) over (
                partition by rules.rule, steps.origin, steps.customer_key order by steps.day desc
            ) as is_held
        from steps
        cross join unnest(%(rules)s::text[], %(declines)s::int[]) as rules (rule, decline)
    ),
    flagged as (
        select rule, origin, customer_key, last_order_on, min(day) as flagged_on
        from held
        where is_held
        group by rule, origin, customer_key, last_order_on
    )
    select
        rule,
        origin,
        percentile_cont(0.5) within group (order by last_order_on + {yardstick} + 1 - flagged_on) as lead_days
    from flagged
    group by rule, origin
"""

RANKINGS = {
    "recency": "silence_days",
    "cycles": "round(cast(silence_days / cycle_days as numeric), 2)",
}


@dataclass(frozen=True)
class Outcome:
    """What a rule flagged at one origin, and what became of it; `alone` counts the very stage of a stage rule."""

    rule: Rule
    origin: date
    counts: Counts
    lead_days: float | None = None
    revenue_at_risk: Decimal = Decimal(0)
    revenue_lost: Decimal = Decimal(0)
    alone: Counts | None = None


Groups = dict[float, tuple[int, int]]  # score -> people, silent people


def ask(session: psycopg.Connection, origins: Sequence[date], horizon: int) -> dict[date, Counts]:
    """Fill `backtest_customers`, which lives until the end of the transaction; returns who was asked, by origin."""
    session.execute(
        sql.SQL(CUSTOMERS).format(
            origins=sql.Literal(list(origins)), horizon=sql.Literal(horizon), memory=sql.Literal(MEMORY)
        )
    )
    session.execute("analyze backtest_customers")
    found = {r["origin"]: Counts(r["customers"], r["silent"]) for r in session.execute(ASKED)}
    return {origin: found.get(origin, Counts()) for origin in origins}


def sweep(session: psycopg.Connection, asked: dict[date, Counts], rules: Sequence[Rule]) -> list[Outcome]:
    """The outcomes of rules on silence, rule by rule."""
    columns = {
        "rules": [r.name for r in rules],
        "cycles": [float(r.cycles) for r in rules],  # psycopg takes no list of mixed numbers
        "floors": [r.floor_days for r in rules],
    }
    found = {(r["rule"], r["origin"]): r for r in session.execute(SWEEP, columns)}
    outcomes = []
    for rule in rules:
        for origin, all_ in asked.items():
            row = found.get((rule.name, origin))
            outcomes.append(
                Outcome(
                    rule,
                    origin,
                    Counts(all_.customers, all_.silent, row["flagged"], row["hits"]),
                    row["lead_days"],
                    row["revenue_at_risk"],
                    row["revenue_lost"],
                )
                if row
                else Outcome(rule, origin, Counts(all_.customers, all_.silent))
            )
    return outcomes


def stages(
    session: psycopg.Connection, asked: dict[date, Counts], name: str, model: LifecycleModel, rules: Sequence[Rule]
) -> tuple[list[Outcome], Groups]:
    """The outcomes of being in a stage of the decline path or a worse one, and the ranking by stage, pooled.

    Stages off that path rank with the stable ones.
    """
    compiled = compile_model(name, model)
    decline = {s.stage: model.decline_path.get(s.stage, 1) for s in model.stages}
    stage = sql.SQL(compiled["stage"])
    rows = session.execute(sql.SQL(STAGES).format(stage=stage)).fetchall()
    leads = _leads(session, compiled, decline, rules)
    groups: Groups = {}
    for row in rows:
        people, silent = groups.get(decline[row["stage"]], (0, 0))
        groups[decline[row["stage"]]] = (people + row["customers"], silent + row["silent"])
    outcomes = []
    for rule in rules:
        for origin, all_ in asked.items():
            here = [r for r in rows if r["origin"] == origin]
            flagged = [r for r in here if decline[r["stage"]] >= decline[rule.name]]
            alone = [Counts(r["customers"], r["silent"]) for r in here if r["stage"] == rule.name]
            total = [sum(r[key] for r in flagged) for key in ("customers", "silent")]
            outcomes.append(
                Outcome(
                    rule,
                    origin,
                    Counts(all_.customers, all_.silent, *total),
                    leads.get((rule.name, origin)),
                    sum((r["revenue"] for r in flagged), Decimal(0)),
                    sum((r["revenue_lost"] for r in flagged), Decimal(0)),
                    alone[0] if alone else Counts(),
                )
            )
    return outcomes, groups


def _leads(
    session: psycopg.Connection, compiled: dict[str, object], decline: dict[str, int], rules: Sequence[Rule]
) -> dict[tuple[str, date], float]:
    orders = " ".join(f"when '{stage}' then {order}" for stage, order in decline.items())
    query = sql.SQL(LEADS).format(
        decline=sql.SQL(f"case {compiled['stage']} {orders} end"),
        days=sql.SQL(", ".join(compiled["days"])),
        yardstick=sql.Literal(YARDSTICK),
    )
    columns = {"rules": [r.name for r in rules], "declines": [decline[r.name] for r in rules]}
    return {(r["rule"], r["origin"]): r["lead_days"] for r in session.execute(query, columns)}


def ranking(session: psycopg.Connection, by: str) -> Groups:
    """The pooled ranking by `recency`, or by silence in personal `cycles`."""
    query = (
        f"select {RANKINGS[by]} as score, count(*) as customers, count(*) filter (where is_silent) as silent "
        "from backtest_customers group by 1"
    )
    return {float(r["score"]): (r["customers"], r["silent"]) for r in session.execute(query)}
