"""What the holdouts of a night can show, in a line per audience, before anybody is written to."""

from datetime import date

import psycopg

POWER = """
    select audience, effect_days, holdout_share, count_people, count_held, mean_value, min_detectable_effect,
        min_detectable_share
    from marts.holdout_power
    where as_of = %s
    order by audience <> '*', audience
"""
FEWEST = 30  # fewest_in_arm of dbt_project/macros/effect.sql


def power(session: psycopg.Connection, as_of: date) -> list[str]:
    """A line for all marketing, and for every marketing audience."""
    found = by_audience(session, as_of)
    return [f"{'all marketing' if name == '*' else name}: {line}" for name, line in found.items()]


def by_audience(session: psycopg.Connection, as_of: date) -> dict[str, str]:
    """What the holdout of each marketing audience can show, and of all marketing, which is '*'."""
    return {row["audience"]: _line(row) for row in session.execute(POWER, [as_of])}


def _line(row: dict) -> str:
    if not row["holdout_share"]:
        return "nobody is held out, so its effect is not measured"
    held = f"{row['count_held']:,} of {row['count_people']:,} people held out"
    if row["count_held"] < FEWEST:
        return f"{held}; its effect cannot be judged before {FEWEST} are"
    if row["min_detectable_effect"] is None:
        return f"{held}; how much their spending varies is not known yet"
    share = f" ({row['min_detectable_share']:.0%})" if row["min_detectable_share"] else ""
    return (
        f"smallest effect this holdout can show: {row['min_detectable_effect']:,.2f}{share} per customer in "
        f"{row['effect_days']} days; {held}"
    )
