"""A changed lifecycle rule moves people, perhaps many: exports wait until somebody has approved it.

The rules of a model are what decides about a customer: its stages, and the settings of cycle, trend and population.
The first rules of a model are approved by enabling it; any others wait in ops.lifecycle_rules.
"""

import hashlib
import json
from datetime import date, datetime

import psycopg

from perennial.config.lifecycle import Lifecycle
from perennial.errors import GateError
from perennial.lifecycle.compile import compile_model

WAITING = """
    select lifecycle_model, version, first_as_of from ops.lifecycle_rules
    where approved_at is null
        and (lifecycle_model, rules_hash) in (select * from unnest(%(models)s::text[], %(hashes)s::text[]))
    order by lifecycle_model
"""


def fingerprints(lifecycle: Lifecycle) -> dict[str, str]:
    """A hash of everything that decides, by enabled model; labels and descriptions decide nothing."""
    settings = lifecycle.model_dump(mode="json", include={"cycle", "trend", "population"})
    return {name: _hash([settings, compile_model(name, lifecycle.models[name])]) for name in lifecycle.enabled}


def _hash(rules: list[object]) -> str:
    return hashlib.md5(json.dumps(rules, sort_keys=True).encode()).hexdigest()


def note(session: psycopg.Connection, lifecycle: Lifecycle, as_of: date, at: datetime) -> None:
    """Record the rules that a night is built with; a model that has none yet gets them approved."""
    for name, rules in fingerprints(lifecycle).items():
        session.execute(
            """
            insert into ops.lifecycle_rules
            select %(model)s, %(rules)s, %(version)s, %(as_of)s, at, by
            from (select
                case when known then null else %(at)s::timestamptz end as at,
                case when known then null else 'enabling it' end as by
                from (select exists (select from ops.lifecycle_rules where lifecycle_model = %(model)s) as known) as m
            ) as approval
            on conflict (lifecycle_model, rules_hash) do nothing
            """,
            {
                "model": name,
                "rules": rules,
                "version": lifecycle.models[name].version,
                "as_of": as_of,
                "at": at,
            },
        )


def waiting(session: psycopg.Connection, lifecycle: Lifecycle) -> list[dict[str, object]]:
    """The enabled models whose present rules nobody approved: lifecycle_model, version, first_as_of."""
    return session.execute(WAITING, _asked(lifecycle)).fetchall()


def require(session: psycopg.Connection, lifecycle: Lifecycle) -> None:
    """GateError while the rules of an enabled model wait for approval."""
    models = [row["lifecycle_model"] for row in waiting(session, lifecycle)]
    if models:
        raise GateError(
            f"nothing is exported: the rules of {', '.join(models)} changed and nobody approved them. "
            "See who moved with `perennial lifecycle diff`, then `perennial lifecycle approve` and run `export` again."
        )


def approve(session: psycopg.Connection, lifecycle: Lifecycle, at: datetime, by: str) -> list[str]:
    """Approve what waits; returns the models."""
    models = [row["lifecycle_model"] for row in waiting(session, lifecycle)]
    session.execute(
        "update ops.lifecycle_rules set approved_at = %(at)s, approved_by = %(by)s where approved_at is null "
        "and (lifecycle_model, rules_hash) in (select * from unnest(%(models)s::text[], %(hashes)s::text[]))",
        _asked(lifecycle) | {"at": at, "by": by},
    )
    return models


def _asked(lifecycle: Lifecycle) -> dict[str, object]:
    rules = fingerprints(lifecycle)
    return {"models": list(rules), "hashes": list(rules.values())}
