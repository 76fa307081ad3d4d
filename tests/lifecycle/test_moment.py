"""Python and SQL agree on every condition about every customer."""

import json
from datetime import timedelta
from random import Random

import pytest
from samples import EVENTS, START, random_condition

from perennial.config.conditions import Condition, leaves
from perennial.lifecycle.compile import predicate
from perennial.lifecycle.moment import LEAVES, Moment, holds, kind_of
from perennial.warehouse import database

pytestmark = pytest.mark.server

ASK = """
    select {test} as holds
    from jsonb_to_record(%s) as e (
        orders bigint, first_order_on date, last_order_on date, spend double precision, recent_spend double precision,
        cycle_days double precision, trend text, events jsonb, scheduled jsonb
    ), cast(%s as date) as day
"""


def random_episode(rnd: Random) -> dict:
    """A row of int_episodes as JSON; numbers are such that conditions are often met exactly."""
    day = START + timedelta(days=500)

    def earlier(most: int) -> str:
        return str(day - timedelta(days=rnd.choice([0, 1, 7, 8, 30, 40, 41, 90, 91, rnd.randint(0, most)])))

    happened = rnd.sample(EVENTS, rnd.randint(0, len(EVENTS)))
    episode = {
        "orders": rnd.randint(0, 9),
        "spend": rnd.choice([0, 25, 72.9999999, 73, 400.01, 1500, rnd.uniform(0, 2000)]),
        "cycle_days": rnd.choice([1, 3, 19.96, 30, 20 / 3, rnd.uniform(1, 60)]),
        "trend": rnd.choice(["none", "flat", "up", "down"]),
        "events": {name: earlier(120) for name in happened} or None,
        "scheduled": {name: str(day + timedelta(days=rnd.randint(-3, 3))) for name in happened if rnd.random() < 0.5},
    }
    if episode["orders"]:
        first, last = sorted([earlier(400), earlier(400)])
        episode |= {"first_order_on": first, "last_order_on": last, "recent_spend": episode["spend"] / 2}
    return episode


@pytest.mark.parametrize("seed", range(4))
def test_what_holds_in_python_holds_in_sql(warehouse, seed):
    rnd, seen = Random(seed), set()
    with database.connect() as session:
        for _ in range(600):
            condition, episode = Condition.model_validate(random_condition(rnd)), random_episode(rnd)
            day = START + timedelta(days=500)
            row = session.execute(ASK.format(test=predicate(condition)), [json.dumps(episode), day]).fetchone()
            found = holds(condition, Moment.of_episode(episode, day))
            assert found is row["holds"], (condition, episode)
            seen |= {(kind_of(leaf), holds(leaf, Moment.of_episode(episode, day))) for leaf in leaves(condition)}
    assert seen == {(kind, true) for kind in LEAVES for true in (True, False)}
