"""Erase one customer, step by step; each step can be done again, so an interrupted erasure is finished by the next.

First, in one transaction, the hashes by which she is known again and the warehouse: a night in between would load her
under both names. Then files, one by one; at last everything is looked through, and what was to be looked for is
forgotten.
"""

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date

import psycopg
from psycopg import sql

from perennial import night
from perennial.clock import wall_clock
from perennial.config import Config
from perennial.connections import Lookup
from perennial.erasure import audience_files, by_hand, landed, papers, proof, quarantined, rename, salted, verdicts
from perennial.erasure.columns import tables
from perennial.erasure.person import Person, find_out, key_of
from perennial.errors import FatalError
from perennial.runs import exclusively
from perennial.warehouse.database import as_json, connect, migrate

BEGUN = """
    insert into ops.erasures (erasure, asked_at, asked_by, count_records, count_addresses)
    values (%(erasure)s, %(at)s, %(by)s, %(records)s, %(addresses)s)
"""
RECORD = """
    insert into pii.erased_records (erasure, source, id_hash, key_hash, token, pseudonym)
    values (%s, %s, pii.erasure_hash('id:' || %s, %s), pii.erasure_hash('key', %s), %s, %s)
"""
ADDRESS = """
    insert into pii.erased_addresses (erasure, channel, address_hash) values (%s, %s, pii.erasure_hash(%s, %s))
    on conflict do nothing
"""
ENDED = """
    update ops.erasures set finished_at = %(at)s, count_tables_scanned = %(tables)s, count_files_scanned = %(files)s,
        count_hits = %(hits)s, by_hand = %(by_hand)s
    where erasure = %(erasure)s
"""
REVENUE = """
    select coalesce(md5(string_agg(told, ',' order by told)), '') as total from (
        select concat_ws(':', ordered_on, source, sum(net_amount), count(*)) as told
        from marts.fct_orders group by ordered_on, source
        union all
        select concat_ws(':', 'raw', source, sum(amount), count(*)) from raw.orders group by source
    ) as days
"""
# of a later night records may be loaded that nobody knows to be hers yet
UNBUILT = "select as_of from ops.nights where as_of >= %s and built_at is null order by as_of"
CHANNELS = {"email": "email", "phone": "sms"}


@dataclass(frozen=True)
class Erased:
    """What was done: rows and files changed, what was found afterwards, what waits, what a person has to do."""

    erasure: str
    records: int
    shared: int
    rows: int
    landed_rows: int
    files: int
    proof: proof.Found
    waiting: list[tuple[str, str]]
    by_hand: list[str]


@contextmanager
def ready(config: Config) -> Iterator[date]:
    """The night that the marts show, while nothing is read, loaded, built or sent.

    RetriableError if something is right now, FatalError if that night was not built to its end.
    """
    as_of = night.horizon()
    if as_of is None:
        raise FatalError("no night has been built yet, so nobody is known; run `perennial nightly` first")
    with ExitStack() as held:
        for what in ["marts", *(f"{step}.{name}" for step in ("extract", "load") for name in config.sources.sources)]:
            held.enter_context(exclusively(what))
        migrate()
        with connect() as session:
            if unbuilt := session.execute(UNBUILT, [as_of]).fetchone():
                raise FatalError(f"night {unbuilt['as_of']} runs, or did not end: let all its tasks end first")
        yield as_of


def preview(session: psycopg.Connection, typed: str, config: Config, lookup: Lookup) -> tuple[Person, proof.Found]:
    """Whom it means, and where she stands; FatalError for what an erasure left."""
    person = find_out(session, key_of(session, typed, config), config)
    left = {(r["source"], r["pseudonym"]) for r in session.execute("select source, pseudonym from pii.erased_records")}
    if left >= {(r.source, r.id) for r in person.records}:
        raise FatalError("that is what an erasure left of somebody: dates and amounts, and nothing that leads to her")
    return person, proof.scan(session, person, config, lookup)


def erase(person: Person, by: str, config: Config, as_of: date, lookup: Lookup) -> Erased:
    """Erase her everywhere; FatalError if she is still found somewhere, which `finish` goes on with."""
    with connect() as session:
        erasure = _note(session, person, by)
        rows, touched = _warehouse(session, erasure, person, config, as_of)
    return _elsewhere(erasure, person, config, lookup, rows, touched)


def finish(erasure: str, config: Config, as_of: date, lookup: Lookup) -> Erased:
    """Go on with an erasure that was interrupted, or left her somewhere. May be done again; errors as of `erase`."""
    with connect() as session:
        asked = session.execute("select who from pii.erasing where erasure = %s", [erasure]).fetchone()
        person = Person.from_json(asked["who"])
        rows, _ = _warehouse(session, erasure, person, config, as_of)
        # whoever was interrupted knew which tables were changed
        every = [table.at for table in tables(session)]
    return _elsewhere(erasure, person, config, lookup, rows, every)


def open_ones() -> list[str]:
    """Erasures that were begun and not finished."""
    with connect() as session:
        return [row["erasure"] for row in session.execute("select erasure from pii.erasing order by erasure")]


def erased_on(session: psycopg.Connection, typed: str) -> str | None:
    """The day on which the customer of this whole key, or source:customer_id, was erased, if she was."""
    source, colon, said = typed.strip().partition(":")
    return salted.since(session, f"id:{source}", said) if colon else salted.since(session, "key", source.lower())


def _elsewhere(
    erasure: str, person: Person, config: Config, lookup: Lookup, rows: int, touched: list[sql.Identifier]
) -> Erased:
    with connect() as session:
        salted.keep(session)
    landed_rows = landed.rewrite(person, config)
    files = audience_files.clean(erasure, person, config, lookup)
    changed = files.rewritten + papers.clean(person)
    _forget_versions([*touched, sql.Identifier("quarantine", "rejected_rows")])
    with connect() as session:
        session.execute("update ops.erasures set count_landed_rows = %s where erasure = %s", [landed_rows, erasure])
        found = proof.scan(session, person, config, lookup)
        todo = files.by_hand + by_hand.todo(session, person, config)
        waiting = by_hand.members(session, [r.new_key for r in person.records])
        if not found.hits:
            session.execute("delete from pii.erasing where erasure = %s", [erasure])
        ended = {"at": None if found.hits else wall_clock(), "tables": found.tables, "files": found.files}
        session.execute(ENDED, ended | {"hits": found.hits, "by_hand": todo, "erasure": erasure})
        salted.keep(session)
    _forget_versions([sql.Identifier("pii", "erasing")])
    done = Erased(erasure, len(person.records), person.shared, rows, landed_rows, changed, found, waiting, todo)
    if found.hits:
        where = ", ".join(f"{place} ({n:,})" for place, n in found.places.items())
        first = "".join(f"{line}. " for line in files.by_hand)
        raise FatalError(
            f"she is still found in {where}. {first}Tables that are not ours have to be cleaned by whoever fills them; "
            "then run `perennial erase` again, which goes on from here"
        )
    return done


def _note(session: psycopg.Connection, person: Person, by: str) -> str:
    """Note that she is erased, so that nothing brings her back; returns the name of the erasure."""
    salted.salt(session)
    erasure = secrets.token_hex(8)
    reachable = [a for a in person.addresses if a.kind in CHANNELS]
    told = {"erasure": erasure, "at": wall_clock(), "by": by, "records": len(person.records)}
    session.execute(BEGUN, told | {"addresses": len(reachable)})
    for r in person.records:
        session.execute(RECORD, [erasure, r.source, r.source, r.id, r.own_key, r.token, r.pseudonym])
    for address in reachable:
        channel = CHANNELS[address.kind]
        session.execute(ADDRESS, [erasure, channel, channel, address.said])
    session.execute("insert into pii.erasing (erasure, who) values (%s, %s)", [erasure, as_json(person.as_json())])
    return erasure


def _warehouse(
    session: psycopg.Connection, erasure: str, person: Person, config: Config, as_of: date
) -> tuple[int, list[sql.Identifier]]:
    before = session.execute(REVENUE).fetchone()
    rows = quarantined.clean(session, person, config)
    changed, touched = rename.everywhere(session, person)
    verdicts.close(session, person, as_of)
    verdicts.forget_members(session, person, by_hand.without_removal(config))
    if session.execute(REVENUE).fetchone() != before:
        raise FatalError("revenue by day would not be what it was, so nothing was changed; this is a mistake of ours")
    session.execute(
        "update ops.erasures set count_rows = coalesce(count_rows, 0) + %s where erasure = %s",
        [rows + changed, erasure],
    )
    return rows + changed, [table.at for table in touched]


def _forget_versions(touched: list[sql.Identifier]) -> None:
    """A row that was changed lies on disk as it was until its table is vacuumed."""
    with connect() as session:
        session.autocommit = True
        for table in touched:
            session.execute(sql.SQL("vacuum {}").format(table))
