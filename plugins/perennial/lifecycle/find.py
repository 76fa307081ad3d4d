"""Who is meant: from what somebody typed to a customer_key. Contact details are neither accepted nor repeated."""

import re
from dataclasses import dataclass
from datetime import date

import psycopg

from perennial.erasure import salted
from perennial.errors import FatalError

CANDIDATES = 5
SHORTEST = 6
LONGEST = 128
TRIES = 8  # shorter beginnings that are looked for; each reads all keys
IDS = (
    f"Give a customer_key, the first {SHORTEST} or more characters of one, or source:customer_id as the source knows "
    "her, such as shop:101748"
)
PHONE = re.compile(r"[+].*|(?!\d+$)[\d ./()-]{7,}")  # digits alone may begin a key

# a key that a merge retired leads to who has its record now
STARTING = """
    with asked as (select cast(%s as text) as beginning, cast(%s as integer) as most)
    select customer_key, former_key, retired_on from (
        select customer_key, null as former_key, cast(null as date) as retired_on from intermediate.int_customer_keys
        union
        select customer_key, former_key, retired_on from marts.dim_customer_redirects
    ) as known, asked
    where starts_with(coalesce(former_key, customer_key), beginning)
    order by customer_key, former_key nulls first limit (select most from asked)
"""
KNOWN_AS = "select customer_key from intermediate.int_customer_keys where source = %s and source_customer_id = %s"
KNOWN_SIMILARLY = """
    select distinct customer_key from intermediate.int_customer_keys
    where source = %s and starts_with(source_customer_id, %s) order by customer_key limit %s
"""


@dataclass(frozen=True)
class Found:
    """Who was meant. `former_key` is what was asked for if it is nobody's any more, since the night `retired_on`."""

    customer_key: str
    former_key: str | None = None
    retired_on: date | None = None


def customer(session: psycopg.Connection, typed: str, sources: list[str]) -> Found:
    """The one customer that `typed` stands for, also by a key that she had before a merge.

    FatalError with up to five keys that come near if nobody or more than one is meant; it never repeats an id, because
    people paste addresses into anything.
    """
    typed = typed.strip()
    if len(typed) > LONGEST:
        raise FatalError(f"that is longer than {LONGEST} characters, and nobody's id. {IDS}")
    source, colon, source_customer_id = typed.partition(":")
    if "@" in typed or PHONE.fullmatch(typed) or source_customer_id.startswith("+"):
        raise FatalError(f"e-mail addresses and phone numbers are not accepted here, nor ever shown. {IDS}")
    if colon:
        return Found(_of_source(session, source, source_customer_id, sources))
    return _of_key(session, typed.lower())


def _of_key(session: psycopg.Connection, prefix: str) -> Found:
    if len(prefix) < SHORTEST or not re.fullmatch("[0-9a-f]+", prefix):
        raise FatalError(f"that is no customer_key, and no beginning of one with {SHORTEST} characters. {IDS}")
    found = [Found(**row) for row in session.execute(STARTING, [prefix, CANDIDATES + 1])]
    keys = list(dict.fromkeys(one.customer_key for one in found))
    if len(keys) == 1:
        return found[0]
    if keys:
        shown = f"{', '.join(keys[:CANDIDATES])}{' and more' if found[CANDIDATES:] else ''}"
        raise FatalError(f"several customers have keys that begin like that: {shown}. Type more of the key")
    _unless_erased(session, "key", prefix)
    raise FatalError(f"nobody has a key that begins like that{_near(_nearest(session, STARTING, prefix))}. {IDS}")


def _of_source(session: psycopg.Connection, source: str, source_customer_id: str, sources: list[str]) -> str:
    if source not in sources:
        raise FatalError(f"what stands before the colon is no source; accepted: {', '.join(sources)}. {IDS}")
    found = _keys(session, KNOWN_AS, source, source_customer_id)
    if found:
        return found[0]
    _unless_erased(session, f"id:{source}", source_customer_id)
    near = _nearest(session, KNOWN_SIMILARLY, source_customer_id, source)
    raise FatalError(f"{source} has no customer with that id that we know of{_near(near)}. {IDS}")


def _unless_erased(session: psycopg.Connection, kind: str, said: str) -> None:
    if day := salted.since(session, kind, said):
        raise FatalError(f"that customer was erased on {day}: nothing but dates and amounts is left, under another key")


def _nearest(session: psycopg.Connection, query: str, text: str, *before: str) -> list[str]:
    """Up to five keys of customers whose id or key begins with as much of the text as possible, at least half of it."""
    for length in range(len(text), max(len(text) // 2, 2, len(text) - TRIES), -1):
        if found := _keys(session, query, *before, text[:length], CANDIDATES):
            return found
    return []


def _near(keys: list[str]) -> str:
    return f"; nearest: {', '.join(keys)}" if keys else ""


def _keys(session: psycopg.Connection, query: str, *parameters: object) -> list[str]:
    return list(dict.fromkeys(row["customer_key"] for row in session.execute(query, parameters)))
