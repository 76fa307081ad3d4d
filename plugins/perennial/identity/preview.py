"""What a night's merges and splits change, computed aside: stage, tier, consent, holdout. Keys, no contact details.

Everybody is resolved anew as of the night, merges that wait included, and compared with who was whom at the end of the
newest finished night before it. The lives of those concerned are then built twice, as they were and as they would be.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg

from perennial import identity, transform
from perennial.activation.compile import buckets
from perennial.config import Config
from perennial.connections import Connection
from perennial.lifecycle.diff import REBUILT
from perennial.scratch import SCRATCH, scratch

INPUT = tuple(
    f"{layer}_{entity}"
    for layer in ("stg", "input")
    for entity in ("customers", "orders", "refunds", "consents", "events", "links")
)
LIVES = ("int_ledger", "int_given_back", *REBUILT)

CONCERNED = """
    create table perennial_scratch.concerned as
    with
    before as (
        select own_key, customer_key from pii.identity_memberships
        where valid_from <= %(before)s and valid_to > %(before)s
    ),
    moved as (
        select before.customer_key as former_key, now.customer_key
        from before inner join perennial_scratch.int_identity as now using (own_key)
        where before.customer_key <> now.customer_key
    )
    select now.source, now.source_customer_id, now.known_on, now.own_key, now.blocks, now.joined_by,
        before.customer_key as former_key, now.customer_key
    from perennial_scratch.int_identity as now
    left join before using (own_key)
    where now.customer_key in (select customer_key from moved union select former_key from moved)
        or before.customer_key in (select customer_key from moved union select former_key from moved)
"""
KEYS = """
    create or replace view perennial_scratch.int_customer_keys as
    select source, source_customer_id, known_on, {key} as customer_key
    from perennial_scratch.concerned where {key} is not null
"""
# the newest tier of everybody by the borders of the marts; without marts, or by forecasts, nobody can tell
LIVED = """
    with
    people as (select distinct customer_key from perennial_scratch.int_customer_keys),
    earned as (
        select customer_key, sum(amount) * %(margin)s as value from perennial_scratch.int_ledger
        where event_on <= %(as_of)s and ordered_on > %(as_of)s::date - 365 group by customer_key
    ),
    stated as (
        select customer_key, channel, purpose,
            case when bool_or(is_denied) then 'denied' else 'granted' end as status
        from (
            select source, source_customer_id, channel, purpose,
                coalesce(max(changed_at) filter (where status = 'denied') = max(changed_at), false) as is_denied
            from perennial_scratch.input_consents group by 1, 2, 3, 4
        ) as latest
        inner join perennial_scratch.int_customer_keys using (source, source_customer_id)
        group by customer_key, channel, purpose
    )
    select people.customer_key,
        (
            select stage from perennial_scratch.int_stays as stays
            where stays.customer_key = people.customer_key and lifecycle_model = %(model)s
                and valid_from <= %(as_of)s and valid_to > %(as_of)s
        ) as stage,
        case
            when people.customer_key not in (select customer_key from perennial_scratch.int_ledger) then 'N'
            else coalesce((
                select min(tier) from unnest(%(tiers)s::text[], %(borders)s::numeric[]) as t (tier, border)
                where coalesce(earned.value, 0) >= border
            ), %(otherwise)s)
        end as tier,
        (
            select string_agg(format('%%s %%s %%s', channel, purpose, status), ', ' order by channel, purpose)
            from stated where stated.customer_key = people.customer_key
        ) as consent,
        mod(
            cast(cast('x' || left(md5(%(salt)s || '|everywhere|' || people.customer_key), 8) as bit(32)) as bigint),
            10000
        ) < %(universal)s as is_held_out
    from people left join earned using (customer_key)
"""
BORDERS = "select abc_tier as tier, min(value_12m) as border from marts.customer_abc where abc_tier <> 'N' group by 1"


@dataclass(frozen=True)
class Person:
    """A customer on the night: stage of the default model, tier, consents, whether held out of everything."""

    customer_key: str
    stage: str | None
    tier: str | None
    consent: str | None
    is_held_out: bool


@dataclass(frozen=True)
class Change:
    """Customers who become other customers. `waits_for` is why, if that is held; `joined_by` what they share."""

    event: str
    joined_by: tuple[str, ...]
    waits_for: str | None
    before: tuple[Person, ...]
    after: tuple[Person, ...]


def changes(session: psycopg.Connection, config: Config, as_of: date, warehouse: Connection) -> list[Change]:
    """Merges and splits of the night, those that wait among them; none if no earlier night was finished."""
    before = session.execute(
        "select max(as_of) as as_of from ops.nights where built_at is not null and as_of < %s", [as_of]
    ).fetchone()["as_of"]
    if before is None or session.execute("select to_regclass('pii.identity_memberships') t").fetchone()["t"] is None:
        return []
    resolved = (*INPUT, *identity.MODELS)
    aside = {"scratch": SCRATCH, "scratch_models": [*resolved, *LIVES], "identity_preview": True}
    with scratch(session):
        transform.run(["run", "--full-refresh", "--select", *resolved], config, as_of, warehouse, aside)
        session.execute(CONCERNED, {"before": before})
        rows = session.execute("select * from perennial_scratch.concerned order by own_key").fetchall()
        session.commit()
        if not rows:
            return []
        lives = []
        for key in ("former_key", "customer_key"):
            session.execute(KEYS.format(key=key))
            session.commit()
            transform.run(["run", "--full-refresh", "--select", *LIVES], config, as_of, warehouse, aside)
            lives.append(_lived(session, config, as_of))
            session.commit()
    was, becomes = lives
    held_out = {r["customer_key"] for r in rows if r["former_key"] and was[r["former_key"]].is_held_out}
    becomes = {
        k: Person(k, p.stage, p.tier, p.consent, p.is_held_out or k in held_out) for k, p in becomes.items()
    }  # who merged with somebody held out is held out
    return [_change(group, was, becomes) for group in _groups(rows)]


def _lived(session: psycopg.Connection, config: Config, as_of: date) -> dict[str, Person]:
    holdout, basis = config.audiences.holdout, config.value.abc.basis
    known = session.execute("select to_regclass('marts.customer_abc') as found").fetchone()["found"] and basis != "clv"
    borders = session.execute(BORDERS).fetchall() if known else []
    asked = {
        "as_of": as_of,
        "model": config.lifecycle.default,
        "margin": config.value.margin if basis == "margin" else 1,
        "tiers": [row["tier"] for row in borders],
        "borders": [row["border"] for row in borders],
        "otherwise": "C" if borders else None,
        "salt": holdout.salt,
        "universal": buckets(holdout.universal),
    }
    return {row["customer_key"]: Person(**row) for row in session.execute(LIVED, asked)}


def _groups(rows: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Records of those who have anything to do with each other, before or after."""
    above: dict[str, str] = {}

    def top(key: str) -> str:
        while above.setdefault(key, key) != key:
            above[key] = key = above[above[key]]
        return key

    for row in rows:
        above[top(row["former_key"] or row["customer_key"])] = top(row["customer_key"])
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(top(row["customer_key"]), []).append(row)
    return list(groups.values())


def _change(rows: list[dict[str, Any]], was: dict[str, Person], becomes: dict[str, Person]) -> Change:
    former = sorted({row["former_key"] for row in rows if row["former_key"]})
    present = sorted({row["customer_key"] for row in rows})
    held = {b.split(":")[1] for row in rows for b in (row["blocks"] or "").split(",") if ":held_" in b}
    event = "merge" if len(former) > 1 else "split" if len(present) > 1 else "rename"
    shared = tuple(sorted({row["joined_by"] for row in rows if row["joined_by"]}))
    return Change(
        event, shared, min(held, default=None), tuple(was[k] for k in former), tuple(becomes[k] for k in present)
    )
