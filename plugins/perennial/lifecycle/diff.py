"""Who would move if config/ were built as it stands now: build the stays aside, compare, drop them again."""

from datetime import date
from typing import Any

import psycopg

from perennial import transform
from perennial.config import Config
from perennial.connections import Connection
from perennial.scratch import SCRATCH, scratch

# what depends on rules, from the facts on; everything before is read where the last night left it
REBUILT = (
    "int_events",
    "int_customer_facts",
    "int_changed_customers",
    "int_order_states",
    "int_touches",
    "int_episodes",
    "int_stays",
)

MOVES = """
    with
    today as (
        select customer_key, lifecycle_model, stage from intermediate.int_stays
        where valid_from <= %(as_of)s and valid_to > %(as_of)s
    ),
    changed as (
        select customer_key, lifecycle_model, stage from perennial_scratch.int_stays
        where valid_from <= %(as_of)s and valid_to > %(as_of)s
    )
    select lifecycle_model, today.stage as from_stage, changed.stage as to_stage, count(*) as customers,
        array_agg(customer_key order by customer_key) as customer_keys
    from today full outer join changed using (customer_key, lifecycle_model)
    group by 1, 2, 3
    order by 1, 2, 3
"""


# a revision of that night is what was believed of the night before; the timeline is what is said of it now
CAME_IN = """
    with
    came_in as (
        select asked.lifecycle_model, asked.first_as_of, max(nights.as_of) as before
        from unnest(%(models)s::text[], %(nights)s::date[]) as asked (lifecycle_model, first_as_of)
        inner join ops.nights on nights.as_of < asked.first_as_of and nights.built_at is not null
        group by 1, 2
    )
    select came_in.lifecycle_model, came_in.before as on_day, believed.stage as from_stage, said.stage as to_stage,
        count(*) as customers, array_agg(customer_key order by customer_key) as customer_keys
    from came_in
    inner join marts.fct_timeline_revisions as believed
        on believed.lifecycle_model = came_in.lifecycle_model and believed.replaced_on = came_in.first_as_of
        and believed.valid_from <= came_in.before and believed.valid_to > came_in.before
    inner join intermediate.int_stays as said using (customer_key)
    where said.lifecycle_model = came_in.lifecycle_model
        and said.valid_from <= came_in.before and said.valid_to > came_in.before and said.stage <> believed.stage
    group by 1, 2, 3, 4
    order by 1, 3, 4
"""


def came_in(session: psycopg.Connection, waiting: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Whom the night that first had the `waiting` rules moved: by lifecycle_model, on_day, from_stage and to_stage.

    Rows delivered late in the same night move people too, and are among them.
    """
    models, nights = ([row[key] for row in waiting] for key in ("lifecycle_model", "first_as_of"))
    return session.execute(CAME_IN, {"models": models, "nights": nights}).fetchall()


def stages(config: Config, as_of: date, warehouse: Connection, session: psycopg.Connection) -> list[dict[str, Any]]:
    """Customers by lifecycle_model, from_stage and to_stage on `as_of`, those who stay included.

    from_stage is None for a model that was not built yet, to_stage for one that is no longer enabled.
    """
    aside = {"scratch": SCRATCH, "scratch_models": list(REBUILT)}
    with scratch(session):
        transform.run(["run", "--full-refresh", "--select", *REBUILT], config, as_of, warehouse, aside)
        return session.execute(MOVES, {"as_of": as_of}).fetchall()
