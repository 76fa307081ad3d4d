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
from perennial.identity.aside import BORDERS, CONCERNED, KEYS, LIVED, MEMBERSHIPS, TONIGHT
from perennial.lifecycle.diff import REBUILT
from perennial.scratch import SCRATCH, scratch

INPUT = (
    *(
        f"{layer}_{entity}"
        for layer in ("stg", "input")
        for entity in ("customers", "orders", "refunds", "consents", "events", "links")
    ),
    "input_exchange_rates",
    "int_latest_consents",
    "int_given_addresses",
    "int_wishes",
)
LIVES = ("int_ledger", "int_given_back", *REBUILT)
CONSENTS = ("int_gone_records", "int_inherited_denials", "int_shared_denials", "consents")


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
    ours = [*resolved, *LIVES, *CONSENTS, "identity_memberships"]
    aside = {"scratch": SCRATCH, "scratch_models": ours, "identity_preview": True}
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
            session.execute(MEMBERSHIPS.format(before=before, as_of=as_of, tonight=TONIGHT[key]))
            session.commit()
            transform.run(["run", "--full-refresh", "--select", *LIVES, *CONSENTS], config, as_of, warehouse, aside)
            lives.append(_lived(session, config, as_of))
            session.commit()
    was, becomes = lives
    held_out = _held_out(rows, was, becomes)
    becomes = {k: Person(k, p.stage, p.tier, p.consent, k in held_out) for k, p in becomes.items()}
    return [_change(group, was, becomes) for group in _groups(rows)]


def _held_out(rows: list[dict[str, Any]], was: dict[str, Person], becomes: dict[str, Person]) -> set[str]:
    """Who is: by her own key, or as who has the record that a key was made of which is nobody's any more."""
    retired = {key for key, person in was.items() if person.is_held_out and key not in becomes}
    own = {key for key, person in becomes.items() if person.is_held_out}
    return own | {row["customer_key"] for row in rows if row["own_key"] in retired}


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
