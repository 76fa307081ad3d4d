"""Nights of the real identity SQL, compiled once in full and once as a night adds to it; each takes part of a second.

What dbt does around the SQL is done here by hand; test_identity_held.py runs the same through dbt itself.
"""

from collections.abc import Iterable
from datetime import date

import psycopg
from identity_oracle import Pair, key_of

from compiled_models import NIGHT, fill
from identity_tables import VIEWS, relation
from perennial import identity, transform
from perennial.config import Config
from perennial.connections import Connection

ALL = (*identity.MODELS, *identity.HISTORY)
KEPT = {
    "int_identity": ("own_key",),
    "identity_memberships": ("own_key", "valid_from"),
    "identity_blocks": ("own_key", "block", "valid_from"),
    "identity_events": ("as_of",),
}
LAST = "coalesce((select max(as_of) from ops.nights where built_at is not null and as_of < %(as_of)s), '-infinity')"
# what the models below the input layer would list: all that differs from what the last finished night read
SEEN = """
    create table intermediate.seen_records (source text, source_customer_id text, said text);
    create table intermediate.int_touched_records (source text, source_customer_id text, touched_on date)
"""
SAYS = """
    select source, source_customer_id, c::text as said from pii.input_customers as c
    union select source, source_customer_id, o::text from input.input_orders as o
"""
TOUCHED = f"""
    truncate intermediate.int_touched_records;
    insert into intermediate.int_touched_records
    select distinct source, source_customer_id, null::date
    from (({SAYS} except table intermediate.seen_records) union (table intermediate.seen_records except ({SAYS}))) as d
"""
NOTED = f"truncate intermediate.seen_records; insert into intermediate.seen_records {SAYS}"
TAKEN_BACK = f"""
    delete from {{table}} where valid_from > {LAST};
    update {{table}} set valid_to = 'infinity' where valid_to > {LAST} and valid_to < 'infinity'
"""


class Nights:
    """One warehouse that lives through nights. `first` are tables built at the beginning of each, `more` at the end."""

    def __init__(
        self,
        session: psycopg.Connection,
        told: Config,
        to: Connection,
        first: dict[str, str] | None = None,
        more: dict[str, str] | None = None,
    ):
        self.session, self._told, self._to, self._first, self._more = session, told, to, first or {}, more or {}
        self._full = self._compiled()
        self._night: dict[str, str] = {}
        session.execute("create schema if not exists marts")
        self._anew(self._first, NIGHT)
        for model in ALL:
            self._create(model, NIGHT)  # empty, so that a night finds something to add to
        session.execute(SEEN)
        session.execute("insert into ops.nights (as_of, built_at) values ('1900-01-01', now())")
        self._night = self._compiled()  # as after a finished night: only what was touched is compared
        for model in KEPT:
            session.execute(f"truncate {relation(model)}")
        session.execute("delete from ops.nights where as_of = '1900-01-01'")

    def _compiled(self) -> dict[str, str]:
        models = (*ALL, *self._first, *self._more)
        transform.run(["compile", "--select", *models], self._told, NIGHT, self._to)
        written = transform.target_folder(NIGHT) / "compiled"
        return {model: next(written.rglob(f"{model}.sql")).read_text("utf-8") for model in models}

    def build(self, as_of: date, full: bool = False, finished: bool = True) -> None:
        """A night, or all anew."""
        self._anew(self._first, as_of)
        self._script(TOUCHED)
        for model in ALL[1:]:
            if model in KEPT and not (full and model == "int_identity"):
                self._add(model, as_of)
            elif relation(model) not in VIEWS or full:
                self._create(model, as_of, full)
        if full:
            self._create("int_customer_keys", as_of)
        self._anew(self._more, as_of)
        if finished:
            self.session.execute(
                "insert into ops.nights (as_of, build_started_at, built_at) values (%s, now(), now()) "
                "on conflict (as_of) do nothing",
                [as_of],
            )
            self._script(NOTED)

    def state(self) -> dict[tuple[str, str], tuple]:
        """Key, what joined, cluster and blocks of every record."""
        ask = "select source, source_customer_id, customer_key, joined_by, blocks, cluster from pii.int_identity"
        return {(source, who): tuple(row) for source, who, *row in self.session.execute(ask)}

    def decided(self, pairs: Iterable[tuple[str, Pair]]) -> None:
        """What int_identity_pairs would hold: (level, pair)."""
        self.session.execute("truncate intermediate.int_identity_pairs")
        told = [(level, sorted(pair)) for level, pair in pairs]
        both_ways = [(level, *both) for level, (one, other) in told for both in ((one, other), (other, one))]
        rows = [(level, *one, key_of(one), key_of(other)) for level, one, other in both_ways]
        columns = "level, source, source_customer_id, own_key, other_key"
        fill(self.session, "intermediate.int_identity_pairs", columns, rows)

    def _sql(self, model: str, as_of: date, full: bool) -> str:
        return (self._full if full or not self._night else self._night)[model].replace(str(NIGHT), str(as_of))

    def _anew(self, tables: dict[str, str], as_of: date) -> None:
        for model, into in tables.items():
            self.session.execute(f"drop table if exists {into}")
            self.session.execute(f"create table {into} as {self._sql(model, as_of, full=True)}")

    def _script(self, statements: str, **parameters: date) -> None:
        for statement in statements.split(";"):
            self.session.execute(statement, parameters)

    def _create(self, model: str, as_of: date, full: bool = False) -> None:
        kind = "view" if relation(model) in VIEWS else "table"
        self.session.execute(f"drop {kind} if exists {relation(model)} cascade")
        self.session.execute(f"create {kind} {relation(model)} as {self._sql(model, as_of, full)}")
        if kind == "table":
            self.session.execute(f"analyze {relation(model)}")

    def _add(self, model: str, as_of: date) -> None:
        into, keys = relation(model), ", ".join(KEPT[model])
        if model == "int_identity":
            self.session.execute(
                f"delete from {into} where own_key in (select own_key from pii.int_identity_changes where is_gone)"
            )
        else:
            back = f"delete from {into} where as_of > {LAST}" if model == "identity_events" else TAKEN_BACK
            self._script(back.format(table=into), as_of=as_of)
        self.session.execute(f"create temp table tonight as {self._sql(model, as_of, False)}")
        self.session.execute(f"delete from {into} where ({keys}) in (select {keys} from tonight)")
        self.session.execute(f"insert into {into} select * from tonight")
        self.session.execute("drop table tonight")
