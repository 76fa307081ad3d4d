"""Her rows in every table of the warehouse: ids and keys become what stands for them, contact details go."""

from typing import Any

import psycopg
from psycopg import sql

from perennial.erasure.columns import Table, tables
from perennial.erasure.person import Person

CASTS = {
    "text": "",
    "varchar": "",
    "bpchar": "",
    "json": "::json",
    "jsonb": "::jsonb",
    "_text": "::text[]",
    "_varchar": "::varchar[]",
}
# told of her by campaign tools: the hash of the address stands for it from now on
OPT_OUTS = """
    delete from pii.opt_outs
    where (channel = 'email' and lower(btrim(address)) = any(%(email)s))
        or (channel = 'sms' and '+' || ltrim(regexp_replace(address, '[^0-9]', '', 'g'), '0') = any(%(phone)s))
"""
# another hash of a whole row would tell who had it; where the landing zone still has the row, landed.py mends it
HASHES = """
    update raw.{} set payload_hash = gen_random_uuid()
    where (source, customer_id) in (select * from unnest(%s::text[], %s::text[]))
"""
SWEPT = """
    update ops.swept_rows set key = array_replace(key, %(id)s, %(pseudonym)s)
    where %(id)s = any(key) and (
        (entity = 'customers' and source = %(source)s)
        or (entity = 'links' and (source = %(source)s or key[2] = %(source)s))
    )
"""
EXAMPLES = r"""
    update ops.gate_results
    set message = regexp_replace(message, '(?<=[ /(,])' || %(quoted)s || '(?=[,;/ )])', '(erased)', 'g')
    where check_name in ('sweep ' || %(source)s || '.customers', 'sweep ' || %(source)s || '.links')
        and position(%(id)s in message) > 0
"""


def everywhere(session: psycopg.Connection, person: Person) -> tuple[int, list[Table]]:
    """Rows that were changed, and the tables they are in; one transaction."""
    total, touched = 0, []
    for table in tables(session):
        if (table.schema, table.name) in (("pii", "erasing"), ("pii", "erased_records")):
            continue
        changed = _ids(session, table, person) + _replaced(session, table, person) + _contacts(session, table, person)
        if changed:
            total += changed
            touched.append(table)
    total += _named_elsewhere(session, person)
    return total, touched


def _ids(session: psycopg.Connection, table: Table, person: Person) -> int:
    total = 0
    for source, said in table.ids:
        update = sql.SQL(
            "update {at} as t set {said} = new.pseudonym "
            "from unnest(%s::text[], %s::text[], %s::text[]) as new (source, id, pseudonym) "
            "where t.{source} = new.source and t.{said} = new.id"
        ).format(at=table.at, said=sql.Identifier(said), source=sql.Identifier(source))
        values = [[getattr(r, name) for r in person.records] for name in ("source", "id", "pseudonym")]
        total += session.execute(update, values).rowcount
    return total


def _replaced(session: psycopg.Connection, table: Table, person: Person) -> int:
    """Keys and hashes, wherever they stand in a text."""
    texts = [name for name in table.texts if table.columns[name][0] in CASTS]
    if not texts:
        return 0
    patterns = [f"%{word}%" for word in person.replaced]
    sets = []
    for name in texts:
        made: sql.Composable = sql.SQL("{}::text").format(sql.Identifier(name))
        for old, new in person.replaced.items():
            made = sql.SQL("replace({}, {}, {})").format(made, sql.Literal(old), sql.Literal(new))
        sets.append(sql.SQL("{} = {}{}").format(sql.Identifier(name), made, sql.SQL(CASTS[table.columns[name][0]])))
    said = sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(name)) for name in texts)
    update = sql.SQL("update {} set {} where concat_ws(E'\\x01', {}) like any(%s)").format(
        table.at, sql.SQL(", ").join(sets), said
    )
    return session.execute(update, [patterns]).rowcount


def _contacts(session: psycopg.Connection, table: Table, person: Person) -> int:
    hers = table.of_customer()
    if not table.contacts or hers is None:
        return 0
    empty = sql.SQL(", ").join(sql.SQL("{} = null").format(sql.Identifier(name)) for name in table.contacts)
    filled = sql.SQL(", ").join(map(sql.Identifier, table.contacts))
    update = sql.SQL("update {} set {} where ({}) and num_nonnulls({}) > 0").format(table.at, empty, hers, filled)
    return session.execute(update, now(person)).rowcount


def _named_elsewhere(session: psycopg.Connection, person: Person) -> int:
    plain = {kind: [a.said for a in person.addresses if a.kind == kind] for kind in ("email", "phone")}
    total = session.execute(OPT_OUTS, plain).rowcount
    for name in ("customers", "orders", "consents", "events", "links"):
        sources, ids = [r.source for r in person.records], [r.pseudonym for r in person.records]
        session.execute(sql.SQL(HASHES).format(sql.Identifier(name)), [sources, ids])
    for record in person.records:
        told: dict[str, Any] = {"id": record.id, "pseudonym": record.pseudonym, "source": record.source}
        told["quoted"] = "".join(f"\\{c}" if not c.isalnum() and c.isascii() else c for c in record.id)
        total += session.execute(SWEPT, told).rowcount + session.execute(EXAMPLES, told).rowcount
    return total


def now(person: Person) -> dict[str, list[str]]:
    """Parameters of Table.of_customer, of her as she is called from now on."""
    return {
        "keys": [r.new_key for r in person.records],
        "sources": [r.source for r in person.records],
        "ids": [r.pseudonym for r in person.records],
    }
