"""A changed lifecycle rule moves people, perhaps many: exports wait until somebody has approved it.

The rules of a model are what decides about a customer: its stages, the settings of cycle, trend and population, which
of its events are delivered, and when a business day begins. The first rules of a model are approved by enabling it; any
others wait in ops.lifecycle_rules.
"""

import hashlib
import json
from datetime import date, datetime

import psycopg

from perennial.config import Config
from perennial.config.lifecycle import OWN_EVENTS
from perennial.errors import GateError
from perennial.lifecycle.compile import compile_model

WAITING = """
    select lifecycle_model, version, first_as_of from ops.lifecycle_rules
    where approved_at is null
        and (lifecycle_model, rules_hash) in (select * from unnest(%(models)s::text[], %(hashes)s::text[]))
    order by lifecycle_model
"""


def fingerprints(config: Config) -> dict[str, str]:
    """A hash of everything that decides, by enabled model; labels and descriptions decide nothing."""
    lifecycle, business = config.lifecycle, config.sources.business
    settings = lifecycle.model_dump(mode="json", include={"cycle", "trend", "population"})
    day = [business.timezone, business.day_starts_at_hour]
    found = {}
    for name in lifecycle.enabled:
        model = lifecycle.models[name]
        delivered = sorted({*model.events} & {*OWN_EVENTS, *config.sources.event_types})
        rules = json.dumps([settings, day, delivered, compile_model(name, model)], sort_keys=True)
        found[name] = hashlib.md5(rules.encode()).hexdigest()
    return found


def note(session: psycopg.Connection, config: Config, as_of: date, at: datetime) -> None:
    """Record the rules that a night is built with; a model that has none yet gets them approved.

    In a warehouse that has nights but no recorded rules, every model had rules before, and they are not known.
    """
    for name, rules in fingerprints(config).items():
        session.execute(
            """
            insert into ops.lifecycle_rules
            select %(model)s, %(rules)s, %(version)s, %(as_of)s, at, by
            from (select
                case when known then null else %(at)s::timestamptz end as at,
                case when known then null else 'enabling it' end as by
                from (select
                    exists (select from ops.lifecycle_rules where lifecycle_model = %(model)s)
                    or exists (select from ops.nights where built_at is not null and as_of < %(as_of)s)
                    and not exists (select from ops.lifecycle_rules where first_as_of < %(as_of)s) as known
                ) as model
            ) as approval
            on conflict (lifecycle_model, rules_hash) do nothing
            """,
            {
                "model": name,
                "rules": rules,
                "version": config.lifecycle.models[name].version,
                "as_of": as_of,
                "at": at,
            },
        )


def waiting(session: psycopg.Connection, config: Config) -> list[dict[str, object]]:
    """The enabled models whose present rules nobody approved: lifecycle_model, version, first_as_of."""
    return session.execute(WAITING, _asked(config)).fetchall()


def require(session: psycopg.Connection, config: Config) -> None:
    """GateError while the rules of an enabled model wait for approval."""
    models = [row["lifecycle_model"] for row in waiting(session, config)]
    if models:
        raise GateError(
            f"nothing is exported: the rules of {', '.join(models)} changed and nobody approved them. "
            "See who moved with `perennial lifecycle diff`, then `perennial lifecycle approve` and run the night again "
            "(in Airflow: clear its task `export`)."
        )


def approve(session: psycopg.Connection, config: Config, at: datetime, by: str) -> list[str]:
    """Approve what waits; returns the models."""
    models = [row["lifecycle_model"] for row in waiting(session, config)]
    session.execute(
        "update ops.lifecycle_rules set approved_at = %(at)s, approved_by = %(by)s where approved_at is null "
        "and (lifecycle_model, rules_hash) in (select * from unnest(%(models)s::text[], %(hashes)s::text[]))",
        _asked(config) | {"at": at, "by": by},
    )
    return models


def _asked(config: Config) -> dict[str, object]:
    rules = fingerprints(config)
    return {"models": list(rules), "hashes": list(rules.values())}
