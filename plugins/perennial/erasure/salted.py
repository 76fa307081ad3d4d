"""Who was erased, as salted hashes: enough to know somebody again who is met once more, too little to tell who she was.

The hashes stand in the warehouse, and beside the landing zone in `landing/erased.json`: a warehouse made anew from the
landing zone must know them before it reads a source.
"""

import hashlib
import json
import secrets
from collections.abc import Callable
from pathlib import Path

import psycopg
from psycopg import sql

from perennial import paths
from perennial.warehouse.database import connect

TokenOf = Callable[[str, str], str | None]  # source and id there -> what stands for it, if she was erased

SALT = "insert into pii.erasure_salt (salt) values (%s) on conflict do nothing"
RECORDS = "select id_hash, token, pseudonym from pii.erased_records"
KEPT = ("erasures", "erasure_salt", "erased_records", "erased_addresses")


def of(salt: str, kind: str, said: str) -> str:
    """The hash that pii.erasure_hash makes."""
    return hashlib.sha256(f"{salt}\x1f{kind}\x1f{said}".encode()).hexdigest()


def salt(session: psycopg.Connection) -> str:
    """The salt of this warehouse, made when it is first asked for."""
    session.execute(SALT, [secrets.token_hex(32)])
    return session.execute("select salt from pii.erasure_salt").fetchone()["salt"]


def erased() -> TokenOf | None:
    """What stands for customers who were erased; None where none was. A pseudonym stands for itself."""
    with connect() as session:
        rows = session.execute(RECORDS).fetchall()
        if not rows:
            return None
        salted = salt(session)
    tokens = {row["id_hash"]: row["token"] for row in rows}
    already = {row["pseudonym"]: row["token"] for row in rows}
    return lambda source, said: already.get(said) or tokens.get(of(salted, f"id:{source}", said))


def since(session: psycopg.Connection, kind: str, said: str) -> str | None:
    """The day on which whoever had that `key`, or `id:<source>`, was erased; None if nobody with it was."""
    there = list(session.execute("select from pg_class where oid = to_regclass('pii.erased_records')"))
    if not there:
        return None  # nobody was, before there was such a thing
    column = sql.Identifier("key_hash" if kind == "key" else "id_hash")
    found = session.execute(
        sql.SQL(
            "select asked_at::date::text as day from pii.erased_records join ops.erasures using (erasure) "
            "where {} = pii.erasure_hash(%s, %s)"
        ).format(column),
        [kind, said],
    ).fetchone()
    return found["day"] if found else None


def keep(session: psycopg.Connection) -> None:
    """Write the hashes beside the landing zone, readable by its owner only."""
    told = {
        name: [
            row["told"] for row in session.execute(sql.SQL("select to_jsonb(t) as told from {} as t").format(_at(name)))
        ]
        for name in KEPT
    }
    file = _file()
    paths.private_folder(file.parent)
    part = file.with_name(file.name + ".part")
    part.touch(mode=0o600)
    part.write_text(json.dumps(told, indent=1, sort_keys=True), "utf-8")
    part.rename(file)


def restore() -> None:
    """Tell a warehouse that was made anew whom the landing zone knows to be erased."""
    if not _file().exists():
        return
    with connect() as session:
        if session.execute("select from pii.erased_records limit 1").rowcount:
            return
        told = json.loads(_file().read_text("utf-8"))
        session.execute("delete from pii.erasure_salt")  # nothing was hashed with it yet
        for name in KEPT:
            insert = "insert into {0} select * from jsonb_populate_recordset(null::{0}, %s) on conflict do nothing"
            session.execute(sql.SQL(insert).format(_at(name)), [json.dumps(told[name])])


def _at(name: str) -> sql.Identifier:
    return sql.Identifier("ops" if name == "erasures" else "pii", name)


def _file() -> Path:
    return paths.state() / "landing" / "erased.json"
