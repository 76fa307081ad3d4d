"""Two small shops, one that knows customers by number and one by e-mail, and what nights make of them, by hand."""

import csv
import hashlib
import json
import sqlite3
from datetime import date, timedelta
from pathlib import Path

import yaml

from perennial import config, landing, paths
from perennial.connections import Connection
from perennial.destinations.base import Delivery, Member
from perennial.destinations.files import Destination
from perennial.erasure import erase
from perennial.sources.extract import extract
from perennial.warehouse import loader, sweep
from perennial.warehouse.database import connect

NIGHT = date(2026, 1, 4)  # a Sunday: ids are swept
ANN, DESK = "101275", "email:" + hashlib.md5(b"ann@example.com").hexdigest()
HERS = ("ann@example.com", "14135550101", DESK.removeprefix("email:"))
CUSTOMERS = [
    (ANN, " Ann@Example.com", "+1 (413) 555-0101", "Ann Lee, Main St 1", "2025-01-01 10:00:00"),
    ("101276", "joann@example.com", "+14135550102", None, "2025-01-02 10:00:00"),
    ("1012", "bo@example.com", None, None, "2025-01-03 10:00:00"),
]
REVENUE = """
    select source, ordered_at::date::text as day, sum(amount)::text as amount, count(*) as orders
    from raw.orders group by 1, 2 order by 1, 2
"""
TABLES = """
create table intermediate.int_customer_keys (source text, source_customer_id text, known_on date, customer_key text);
create table intermediate.int_gone_records (source text, source_customer_id text, customer_key text);
create table intermediate.int_reach (customer_key text, channel text, purpose text, closed_by text);
create table pii.identity_memberships (
    own_key text, source text, source_customer_id text, customer_key text, valid_from date, valid_to date
);
create table marts.dim_customer_redirects (former_key text, customer_key text, retired_on date);
create table marts.fct_orders (customer_key text, source text, order_id text, ordered_on date, net_amount numeric);
create table activation.audience_waterfall (
    audience text, destination text, gate integer, reason text, count_before bigint, count_ended bigint,
    count_after bigint
);
create table activation.audience_verdicts (
    audience text, destination text, customer_key text, channel text, purpose text, verdict text, reason text,
    is_holdout boolean, valid_from date, valid_to date
);
insert into activation.audience_waterfall values
    ('lost', 'email_files', 1, 'erased', 2, 0, 2), ('lost', 'email_files', 2, 'export', 2, 2, 0);
"""
# Ann's two records are one person, whose key is that of her number; everybody else is alone
KEYS = f"""
    truncate intermediate.int_customer_keys, marts.fct_orders;
    insert into intermediate.int_customer_keys
    select distinct source, customer_id, date '2025-01-01',
        md5(case when customer_id in ('{ANN}', '{DESK}') then 'it:{ANN}' else source || ':' || customer_id end)
    from raw.orders;
    insert into marts.fct_orders
    select k.customer_key, o.source, o.order_id, o.ordered_at::date, o.amount
    from raw.orders as o
    join intermediate.int_customer_keys as k on (o.source, o.customer_id) = (k.source, k.source_customer_id)
"""


def key(source: str, said: str) -> str:
    return hashlib.md5(f"{source}:{said}".encode()).hexdigest()


KEY = key("it", ANN)


class Shop:
    """A SQLite database with both shops in it, and the nights that read them in full."""

    def __init__(self, state: Path, folder: Path):
        self.path = state / "shop.db"
        columns = yaml.safe_load(ENTITIES)
        entry = {"kind": "sql", "connection": "shop", "timezone": "America/New_York"}
        told = yaml.safe_load((folder / "sources.yml").read_text("utf-8"))
        told["sources"] = {name: entry | {"entities": entities} for name, entities in columns.items()}
        (folder / "sources.yml").write_text(yaml.safe_dump(told), "utf-8")
        with sqlite3.connect(self.path) as session:
            session.execute("create table customers (id, mail, mobile, memo, at)")
            session.executemany("insert into customers values (?, ?, ?, ?, ?)", CUSTOMERS)
            session.execute("create table orders (no, who, mail, at, amount, state)")
            session.execute("create table consents (who, channel, at)")
        for number, (who, *_) in enumerate(CUSTOMERS, start=1):
            self.sell(f"A{number}", who, "2025-03-01 23:30:00")
            self.do("insert into consents values (?, 'email', '2025-03-01 10:00:00')", who)
        self.sell("D1", None, "2025-04-01 10:00:00", mail="ANN@example.com ")

    def do(self, statement: str, *values: object) -> None:
        with sqlite3.connect(self.path) as session:
            session.execute(statement, values)

    def sell(self, number: str, who: str | None, at: str, amount: str = "9.50", mail: str | None = None) -> None:
        self.do("insert into orders values (?, ?, ?, ?, ?, 'placed')", number, who, mail, at, amount)

    def night(self, as_of: date = NIGHT) -> list[loader.Loaded]:
        """Extract, load, sweep, and what the models would make of it."""
        self.land(as_of)
        return self.load(as_of)

    def land(self, as_of: date) -> None:
        """Extract only."""
        for name, source in config.load().sources.sources.items():
            extract(name, source, Connection("sqlite", database=str(self.path)), as_of)

    def load(self, as_of: date) -> list[loader.Loaded]:
        """What was landed, and what the models would make of it."""
        known, done = config.load().sources, []
        for name, source in known.sources.items():
            found = [landing.find(name, entity, as_of) for entity in source.entities]
            done += [loader.load(batch, source, known.business.currencies) for batch in found]
            sweep.compare(name, source, as_of)
        with connect() as session:
            session.execute(KEYS)
            session.execute(
                "insert into ops.nights (as_of, build_started_at, built_at) values (%s, %s, %s) on conflict do nothing",
                [as_of, as_of, as_of],
            )
        return done


ENTITIES = """
it:
  customers:
    table: customers
    columns: {customer_id: id, email: mail, phone: mobile, registered_at: at}
    exclude: [{column: memo, starts_with: staff}]
  orders:
    query: select no, who, at, amount, state from orders where who is not null
    columns: {order_id: "no", customer_id: who, ordered_at: at, status: state, amount: amount, currency: {constant: USD}}
  consents:
    table: consents
    columns: {customer_id: who, channel: channel, purpose: {constant: marketing}, status: {constant: granted}, changed_at: at}
desk:
  orders:
    query: select no, mail, at, amount, state from orders where who is null
    columns: {order_id: "no", customer_id: {from: mail, as: email_key}, ordered_at: at, status: state, amount: amount,
      currency: {constant: USD}}
"""  # noqa: E501


def exported() -> Path:
    """An audience file with Ann and Bo, its verdicts, and what is known to be there."""
    people = [
        Member(KEY, "ann@example.com", {"stage": "lost"}),
        Member(key("it", "1012"), "bo@example.com", {"stage": "lost"}),
    ]
    place = Destination(config.load().destinations.destinations["email_files"], None)
    told = Delivery("p", NIGHT, NIGHT + timedelta(3), "lost", [], lambda: iter(people), ("stage",))
    list(place.deliver(told))
    with connect() as session:
        session.execute(
            "insert into activation.export_runs select 'p', %s, 'lost', 'email_files', 'email', %s, 'done', 0, 2, 2, "
            "0, 0, 0, '{}', '', null, null, null, null, %s, %s",
            [NIGHT, NIGHT, json.dumps(place.receipt), NIGHT],
        )
        for one in people:
            session.execute(
                "insert into activation.audience_verdicts values ('lost', 'email_files', %s, 'email', 'marketing', "
                "'export', 'export', false, '2026-01-02', 'infinity')",
                [one.customer_key],
            )
            session.execute("insert into activation.export_rows values ('p', %s, 'add', 'done')", [one.customer_key])
            session.execute(
                "insert into pii.destination_members values ('email_files', 'lost', %s, %s, '', null, %s)",
                [one.customer_key, one.address, NIGHT],
            )
    return Path(place.receipt["path"])


def erased(typed: str = KEY) -> erase.Erased:
    """What `perennial erase` does, without its questions."""
    settings = config.load()
    with erase.ready(settings) as as_of:
        with connect() as session:
            person, _ = erase.preview(session, typed, settings, lambda name: None)
        return erase.erase(person, "a test", settings, as_of, lambda name: None)


def finished() -> list[erase.Erased]:
    """What the next `perennial erase` does with those that were interrupted."""
    settings = config.load()
    with erase.ready(settings) as as_of:
        return [erase.finish(one, settings, as_of, lambda name: None) for one in erase.open_ones()]


def everything() -> str:
    """All that the warehouse holds, as text, but for what is still being looked for."""
    with connect() as session:
        found = session.execute(
            "select quote_ident(n.nspname) || '.' || quote_ident(c.relname) as t from pg_class as c "
            "join pg_namespace as n on n.oid = c.relnamespace "
            "where c.relkind = 'r' and n.nspname !~ '^(pg_|information)'"
        ).fetchall()
        rows = [r for t in found for r in session.execute(f"select x::text as said from {t['t']} as x")]
    return "\n".join(row["said"] for row in rows)


def landed() -> str:
    """All that the landing zone holds, as text."""
    import pyarrow.parquet as pq

    folder = paths.state() / "landing"
    tables = [str(pq.read_table(path).to_pylist()) for path in sorted(folder.rglob("*.parquet"))]
    return "\n".join([*tables, *(p.read_text() for p in sorted(folder.rglob("*.json")))])


def traces(text: str) -> list[str]:
    """What of her stands in a text: addresses, keys, and her number where it is a whole cell."""
    return [word for word in (*HERS, KEY, f"'{ANN}'", f",{ANN},") if word in text.lower().replace("joann@", "bo@")]


def lines(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))
