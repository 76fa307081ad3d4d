"""One customer's life as data: who she is, her stays in stages with what decided each, what is planned, and tonight.

`story` reads and never writes. It says nothing in any layout: story_text.py and story_json.py do.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg

from perennial import transform
from perennial.activation.standing import Standing, standing
from perennial.config import Config
from perennial.errors import FatalError
from perennial.lifecycle import find
from perennial.lifecycle.life import Life, life
from perennial.lifecycle.phrases import Words
from perennial.lifecycle.touches import Touch, counted, read_touches
from perennial.lifecycle.words import Units

NIGHT = "select built_at, config_hash from ops.nights where as_of = %s"
RECORDS = """
    select min(known_on) as known_on, min(known_on) filter (where known_on <= %(on)s) as known_by_then,
        count(*) filter (where known_on <= %(on)s) as records,
        array_agg(distinct source order by source) filter (where known_on <= %(on)s) as sources
    from intermediate.int_customer_keys where customer_key = %(key)s
"""
DESCRIBED = "select country, acquisition_source from marts.dim_customers where customer_key = %s"
CHANGED = Words(
    "config/ has changed since that night was built: stays so far are as built, rules and the future as written now.",
    "该批次生成之后配置已变更：已发生的阶段为当时生成，规则文字与后续预测按当前配置。",
)


@dataclass(frozen=True)
class Person:
    """Who she is and what she has bought, as known on the day of the story.

    Orders count if something of what was paid is left. `net_spend` is all money of all orders. Country and acquisition
    source are described each night and left out of stories of earlier days.
    """

    customer_key: str
    known_on: date
    sources: list[str]
    records: int
    orders: int
    order_days: int
    first_order_on: date | None
    last_order_on: date | None
    net_spend: float
    country: str | None
    acquisition_source: str | None


@dataclass(frozen=True)
class Story:
    """Everything `perennial explain` tells, as of the end of day `on`.

    `tonight` (value, tier, consents, audiences) is decided anew each night: None if the story is of an earlier day than
    `as_of`, the newest night.
    """

    as_of: date
    on: date
    currency: str
    person: Person
    lives: list[Life]
    tonight: Standing | None
    notes: list[Words]


def story(
    session: psycopg.Connection,
    customer: str,
    config: Config,
    as_of: date,
    on: date | None = None,
    models: list[str] | None = None,
) -> Story:
    """The life of `customer` (a key, also a former one, its beginning, or source:customer_id) up to the day `on`.

    `as_of` is the newest night; `models` are enabled lifecycle models, by default the default one. FatalError if nobody
    or more than one is meant, if she was not known yet, or if the night is not there or not complete.
    """
    on = on or as_of
    if on > as_of:
        raise FatalError(f"on is {on}, the newest night is {as_of}: nothing is known of later days")
    names = models or [config.lifecycle.default]
    for name in names:
        if name not in config.lifecycle.enabled:
            raise FatalError(f"lifecycle model '{name}' is not enabled; enabled: {', '.join(config.lifecycle.enabled)}")
    notes = _notes(session, config, as_of)
    found = find.customer(session, customer, list(config.sources.sources))
    key = found.customer_key
    notes += [_moved(found)] if found.former_key else []
    touches = read_touches(session, key, on)
    units = Units(config.sources.business.currency, config.lifecycle.trend)
    return Story(
        as_of=as_of,
        on=on,
        currency=units.currency,
        person=_person(session, key, on, touches, described=on == as_of),
        lives=[life(session, key, name, config.lifecycle.models[name], on, touches, units) for name in names],
        tonight=standing(session, key, config, as_of) if on == as_of else None,
        notes=notes,
    )


def _notes(session: psycopg.Connection, config: Config, as_of: date) -> list[Words]:
    night: dict[str, Any] | None = session.execute(NIGHT, [as_of]).fetchone()
    if night is None or night["built_at"] is None:
        raise FatalError(f"the build of night {as_of} did not end; run its task `transform` again")
    return [] if night["config_hash"] == transform.fingerprint(config, as_of) else [CHANGED]


def _moved(found: find.Found) -> Words:
    asked, on, key = found.former_key, found.retired_on, found.customer_key
    return Words(
        f"{asked} is nobody's key since the night of {on}: its record is one of {key}, whose life this is.",
        f"{asked} 自{on}起不再是客户键：其记录已归入 {key}，以下为该客户的经历。",
    )


def _person(session: psycopg.Connection, key: str, on: date, touches: list[Touch], *, described: bool) -> Person:
    records = session.execute(RECORDS, {"key": key, "on": on}).fetchone()
    if records["known_by_then"] is None:
        raise FatalError(f"customer {key} was not known yet on {on}; her story begins on {records['known_on']}")
    about = session.execute(DESCRIBED, [key]).fetchone() if described else {}
    ordered = counted(touches)
    days = sorted(set(ordered))
    return Person(
        customer_key=key,
        known_on=records["known_by_then"],
        sources=records["sources"],
        records=records["records"],
        orders=len(ordered),
        order_days=len(days),
        first_order_on=days[0] if days else None,
        last_order_on=days[-1] if days else None,
        net_spend=float(sum(t.amount for t in touches)),
        country=about.get("country"),
        acquisition_source=about.get("acquisition_source"),
    )
