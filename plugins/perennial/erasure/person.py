"""Whom a key means, everything she is known by, and what replaces it."""

import hashlib
import re
import secrets
from dataclasses import asdict, dataclass
from typing import Any

import psycopg

from perennial.config import Config
from perennial.erasure.tombstone import mapped
from perennial.errors import FatalError
from perennial.lifecycle import find
from perennial.sources.base import Column

# records that no source has any more are hers if they were to the end, or were with records that are now
RECORDS = """
    select source, source_customer_id as id from intermediate.int_customer_keys where customer_key = %(key)s
    union
    select source, source_customer_id from intermediate.int_gone_records where customer_key = %(key)s
    union
    select source, source_customer_id from (
        select distinct on (own_key) * from pii.identity_memberships order by own_key, valid_to desc
    ) as last_stays
    where customer_key = %(key)s and valid_to < 'infinity'
    order by source, id
"""
HERS = "(c.source, c.customer_id) in (select * from unnest(%(sources)s::text[], %(ids)s::text[]))"
GIVEN = f"""
    select distinct given.kind, given.said
    from raw.customers as c
    cross join lateral (values ('email', email), ('phone', phone), ('loyalty_number', loyalty_number))
        as given (kind, said)
    where {HERS} and given.said is not null
    union
    select case when m.address like '%%@%%' then 'email' else 'phone' end, m.address
    from pii.destination_members as m where m.customer_key = any(%(keys)s)
    union
    select given.kind, given.said
    from quarantine.rejected_rows as r
    cross join lateral (values ('email', mapped ->> 'email'), ('phone', mapped ->> 'phone')) as given (kind, said)
    where (r.source, r.mapped ->> 'customer_id') in (select * from unnest(%(sources)s::text[], %(ids)s::text[]))
        and given.said is not null
"""
# in the forms of macros/contact.sql and of input_customers
OTHERS = f"""
    select lower(btrim(c.email)) as said from raw.customers as c
    where lower(btrim(c.email)) = any(%(plain)s) and not {HERS}
    union select regexp_replace(c.phone, '[ ().-]', '', 'g') from raw.customers as c
    where regexp_replace(c.phone, '[ ().-]', '', 'g') = any(%(plain)s) and not {HERS}
    union select upper(regexp_replace(c.loyalty_number, '[^[:alnum:]]', '', 'g')) from raw.customers as c
    where upper(regexp_replace(c.loyalty_number, '[^[:alnum:]]', '', 'g')) = any(%(plain)s) and not {HERS}
"""
SHORTEST = 6  # characters: what is shorter stands in other words by chance


@dataclass(frozen=True)
class Record:
    """One record of hers: the id its source has, and the token and the id that stand for it from now on."""

    source: str
    id: str
    token: str
    pseudonym: str

    @property
    def own_key(self) -> str:
        """The key made of it, as the macro own_key does."""
        return _md5(f"{self.source}:{self.id}")

    @property
    def new_key(self) -> str:
        """The same of its pseudonym."""
        return _md5(f"{self.source}:{self.pseudonym}")


@dataclass(frozen=True)
class Address:
    """How she can be reached or is recognised: email, phone or loyalty_number, in the form that is compared."""

    kind: str
    said: str


@dataclass(frozen=True)
class Person:
    """Everything to look for. `words` are addresses as they were written, which nothing else looks like; `shared`
    counts those that others have too.

    `replaced` maps what names her wherever it stands, keys and hashes of addresses, to what stands there afterwards.
    """

    records: list[Record]
    addresses: list[Address]
    words: list[str]
    shared: int
    replaced: dict[str, str]

    def as_json(self) -> dict[str, Any]:
        """For pii.erasing."""
        return asdict(self)

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> "Person":
        """What as_json wrote."""
        records = [Record(**one) for one in told["records"]]
        addresses = [Address(**one) for one in told["addresses"]]
        return cls(records, addresses, told["words"], told["shared"], told["replaced"])

    @property
    def keys(self) -> list[str]:
        """The keys made of her records, one of which is her customer_key."""
        return [record.own_key for record in self.records]

    @property
    def distinctive(self) -> list[str]:
        """Ids that cannot be anything else wherever they stand: long ones that are no mere number."""
        return [record.id for record in self.records if len(record.id) >= 12 and not record.id.isdigit()]


def key_of(session: psycopg.Connection, typed: str, config: Config) -> str:
    """The customer_key that somebody means, also by one that is retired; FatalError as in find.py."""
    return find.customer(session, typed, list(config.sources.sources)).customer_key


def find_out(session: psycopg.Connection, key: str, config: Config) -> Person:
    """Everything a customer is known by; FatalError if a source of hers is not configured any more."""
    found = session.execute(RECORDS, {"key": key}).fetchall()
    records = []
    for source in sorted({row["source"] for row in found}):
        ids = sorted(row["id"] for row in found if row["source"] == source)
        # in the order of the ids: which record comes first decides the key of a person
        tokens = sorted(f"erased-{secrets.token_hex(16)}" for _ in ids)
        made = [(token, mapped(_origin(source, config), token) or token) for token in tokens]
        made.sort(key=lambda pair: pair[1])
        records += [Record(source, said, *pair) for said, pair in zip(ids, made, strict=True)]
    asked = {"sources": [r.source for r in records], "ids": [r.id for r in records]}
    asked |= {"keys": [r.own_key for r in records]}
    given = session.execute(GIVEN, asked).fetchall()
    every = {Address(row["kind"], plain(row["kind"], row["said"])) for row in given}
    others = session.execute(OTHERS, asked | {"plain": [address.said for address in every]}).fetchall()
    taken = {row["said"] for row in others}
    own = sorted((a for a in every if a.said not in taken and len(a.said) >= SHORTEST), key=lambda a: (a.kind, a.said))
    words = {row["said"].strip() for row in given if Address(row["kind"], plain(row["kind"], row["said"])) in own}
    replaced = {r.own_key: r.new_key for r in records}
    for address in own:
        replaced |= {_md5(address.said): secrets.token_hex(16)}
        replaced |= {_md5(f"{address.kind}:{address.said}"): secrets.token_hex(16)}
    of_others = {f"email:{_md5(said)}" for said in taken}
    for record in records:  # an id may be made of the address; its pseudonym is the better replacement
        if record.id.startswith("email:") and record.id not in of_others:
            replaced[record.id.removeprefix("email:")] = record.pseudonym.removeprefix("email:")
    # digits alone may be the number of somebody's order
    spelled = sorted(word for word in words | {a.said for a in own} if "@" in word or word.startswith("+"))
    return Person(records, own, spelled, len([a for a in every if a.said in taken]), replaced)


def plain(kind: str, said: str) -> str:
    """An address in the form in which addresses are compared."""
    if kind == "email":
        return said.strip(" ").lower()
    return re.sub(r"[ ().-]", "", said) if kind == "phone" else re.sub(r"[\W_]", "", said).upper()


def _origin(source: str, config: Config) -> Column:
    """What her id is made of in that source; the same in each of its entities, or her orders would not be hers."""
    settings = config.sources.sources.get(source)
    if settings is None:
        raise FatalError(
            f"source '{source}' is not in config/sources.yml any more, and without its entry nobody knows which of its "
            "landed rows are hers. Put the entry back, erase her, and take it out again"
        )
    origins = [e.columns["customer_id"] for e in settings.entities.values() if "customer_id" in e.columns]
    return origins[0]


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
