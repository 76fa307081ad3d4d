"""The real timeline SQL on a server of our own, fast enough to ask it thousands of questions."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
from oracle import Customer
from samples import EVENTS, random_model

from identity_tables import LINKS, RELATIONS
from identity_tables import VIEWS as IDENTITY_VIEWS
from perennial import config, transform
from perennial.config import Config
from perennial.config.lifecycle import Lifecycle
from perennial.config.sources import Sources
from perennial.connections import Connection
from perennial.sources.base import Entity
from perennial.warehouse import database

RULE_SEEDS = (115, 219, 528, 758, 784, 856)  # chosen so that every stage and kind of condition occurs

# From the input contract to the timeline, in the order of building.
CHAIN = (
    *RELATIONS,
    "intermediate.int_ledger",
    "intermediate.int_given_back",
    "intermediate.int_order_states",
    "intermediate.int_events",
    "intermediate.int_customer_facts",
    "intermediate.int_changed_customers",
    "intermediate.int_touches",
    "intermediate.int_episodes",
    "intermediate.int_stays",
    "marts.fct_lifecycle_timeline",
)

VIEWS = (*IDENTITY_VIEWS, "intermediate.int_order_states", "marts.fct_lifecycle_timeline")

# What the chain reads. A test compares this with what dbt builds.
INPUT = f"""
drop table if exists pii.input_customers, input.input_orders, input.input_refunds, input.input_events,
    input.input_consents, input.input_links cascade;
create table pii.input_customers (
    source text, source_customer_id text, email text, phone text, country text, acquisition_source text,
    registered_on date, changed_at timestamptz, loyalty_number text, is_email_verified boolean
);
create table input.input_orders (
    source text, order_id text, source_customer_id text, ordered_at timestamptz, ordered_on date,
    cancelled_on date, gross_amount numeric(18, 4), currency text,
    original_currency text, original_amount numeric(18, 4), exchange_rate numeric(38, 16)
);
create table input.input_refunds (
    source text, refund_id text, order_id text, refunded_on date, amount numeric(18, 4), currency text
);
create table input.input_events (
    source text, event_id text, source_customer_id text, event_type text, occurred_at timestamptz, event_on date,
    scheduled_on date
);
create table input.input_consents (
    source text, source_customer_id text, channel text, purpose text, status text, changed_at timestamptz,
    changed_on date, received_on date
);
{LINKS}
"""


def connect() -> psycopg.Connection:
    """A session on the warehouse of the tests; UTC, like dbt's."""
    to = database.warehouse()
    return psycopg.connect(
        host=to.host, port=to.port, user=to.login, dbname=to.database, options="-c timezone=UTC -c jit=off"
    )


def drop(session: psycopg.Connection, relation: str) -> None:
    """Drop a table or view with everything that reads it."""
    ask = "select case relkind when 'v' then 'view' else 'table' end from pg_class where oid = to_regclass(%s)"
    for (kind,) in session.execute(ask, [relation]).fetchall():
        session.execute(f"drop {kind} {relation} cascade")


def extended(settings: dict) -> Config:
    """The shipped configuration, every shipped model and some random ones enabled, with other settings if given."""
    shipped = config.load()
    models = {f"random_{seed}": random_model(seed) for seed in RULE_SEEDS}
    lifecycle = Lifecycle(
        **{
            **dict(shipped.lifecycle),
            "enabled": [*shipped.lifecycle.models, *models],
            "models": shipped.lifecycle.models | models,
            **settings,
        }
    )
    return replace(shipped, lifecycle=lifecycle, sources=delivering(shipped.sources, EVENTS))


def delivering(sources: Sources, types: Iterable[str]) -> Sources:
    """The same sources, the first of which delivers events too."""
    name, source = next(iter(sources.sources.items()))
    columns = {"event_id": "id", "customer_id": "who", "event_type": {"from": "kind", "values": {t: t for t in types}}}
    entity = Entity.model_validate({"table": "events", "columns": {**columns, "occurred_at": "at"}})
    with_events = source.model_copy(update={"entities": source.entities | {"events": entity}})
    return sources.model_copy(update={"sources": sources.sources | {name: with_events}})


@dataclass(frozen=True)
class Interval:
    """A row of the timeline; `until` is None where it ends in infinity."""

    stage: str
    since: date
    until: date | None
    entered_by: str
    details: dict


Timeline = dict[tuple[str, str], list[Interval]]


def read_timeline(session: psycopg.Connection) -> Timeline:
    """The timeline as it stands, by the customer ids of the sources: who was merged appears once per member."""
    rows = session.execute(
        """select k.source_customer_id, t.lifecycle_model, t.stage, t.valid_from,
            nullif(t.valid_to, 'infinity'), t.entered_by, t.details
        from marts.fct_lifecycle_timeline as t
        inner join intermediate.int_customer_keys as k on t.customer_key = k.customer_key
        order by k.source_customer_id, t.lifecycle_model, t.valid_from"""
    )
    found: Timeline = {}
    for customer, model, *row in rows:
        found.setdefault((customer, model), []).append(Interval(*row))
    return found


def read_rows(session: psycopg.Connection) -> list[tuple]:
    """Every value of the timeline and of the episodes below it."""
    return [
        row
        for table in ("intermediate.int_episodes", "intermediate.int_stays", "marts.fct_lifecycle_timeline")
        for row in session.execute(f"select to_jsonb(t) from {table} as t order by to_jsonb(t)").fetchall()
    ]


class Compiled:
    """The chain compiled once for one configuration; builds timelines of any customers in a second."""

    def __init__(self, settings: dict, night: date, warehouse: Connection):
        self.config = extended(settings)
        # beyond the input layer, which is filled here, as_of only keeps denials of later days away
        models = [model.split(".")[1] for model in CHAIN]
        transform.run(["compile", "--full-refresh", "--select", *models], self.config, night, warehouse)
        written = transform.target_folder(night) / "compiled"
        self.sql = {model: next(written.rglob(f"{model.split('.')[1]}.sql")).read_text("utf-8") for model in CHAIN}

    def timeline(self, customers: list[Customer], as_of: date) -> Timeline:
        """Intervals by customer and model, in order, as a full build on `as_of` writes them; nothing is kept."""
        with connect() as session:
            # `as_known_on` is the input layer's rule that what happens after the night stays invisible to it
            self._fill(session, [c.as_known_on(as_of) for c in customers])
            self.build(session)
            found = read_timeline(session)
            session.rollback()
        return found

    def build(self, session: psycopg.Connection) -> None:
        """Build the chain in full from the input tables as they are."""
        for model, sql in self.sql.items():
            drop(session, model)
            kind = "view" if model in VIEWS else "table"
            session.execute(f"create {kind} {model} as {sql}")
            if kind == "table":
                session.execute(f"analyze {model}")

    @staticmethod
    def _fill(session: psycopg.Connection, customers: list[Customer]) -> None:
        session.execute("set local synchronous_commit = off")
        session.execute("set local client_min_messages = warning")
        session.execute(INPUT)
        with session.cursor() as cursor:
            with cursor.copy("copy pii.input_customers (source, source_customer_id, registered_on) from stdin") as copy:
                for customer in customers:
                    if customer.registered_on:
                        copy.write_row(("shop", customer.key, customer.registered_on))
            orders = [(f"{c.key}/{n}", c.key, o) for c in customers for n, o in enumerate(c.orders)]
            with cursor.copy(
                "copy input.input_orders (source, order_id, source_customer_id, ordered_on, cancelled_on, gross_amount)"
                " from stdin"
            ) as copy:
                for order_id, key, o in orders:
                    copy.write_row(("shop", order_id, key, o.on, o.cancelled_as_counted, o.cents / 100))
            with cursor.copy(
                "copy input.input_refunds (source, refund_id, order_id, refunded_on, amount) from stdin"
            ) as copy:
                for order_id, _, o in orders:
                    for n, refund in enumerate(o.refunds):
                        row = ("shop", f"{order_id}/{n}", order_id, max(refund.on, o.on), refund.cents / 100)
                        copy.write_row(row)
            told = [(c.key, e) for c in customers for e in c.events]
            with cursor.copy(
                "copy input.input_events (source, event_id, source_customer_id, event_type, occurred_at, event_on,"
                " scheduled_on) from stdin"
            ) as copy:
                for key, e in told:
                    if e.type != "unsubscribe":
                        at = datetime.combine(e.on, time(), UTC) + timedelta(seconds=e.seq)
                        copy.write_row(("shop", f"{key}/{e.seq}", key, e.type, at, e.on, e.scheduled_for))
            with cursor.copy(
                "copy input.input_consents (source, source_customer_id, status, changed_on) from stdin"
            ) as copy:
                for key, e in told:
                    if e.type == "unsubscribe":
                        copy.write_row(("shop", key, "denied", e.on))


class Nights:
    """A warehouse that lives through several nights: rows delivered to `raw`, then a real `dbt run`."""

    def __init__(self, compiled: Compiled, warehouse: Connection):
        self.compiled, self._warehouse = compiled, warehouse

    def deliver(self, customers: list[Customer], emails: dict[str, str], as_of: date) -> None:
        """One batch per entity with everything the sources know, the future included: a backfill sees that too."""
        rows = {entity: [] for entity in ("customers", "orders", "refunds", "events", "consents")}
        for c in customers:
            if c.registered_on:
                rows["customers"].append((c.key, emails.get(c.key), self._noon(c.registered_on)))
            for n, o in enumerate(c.orders):
                order_id = f"{c.key}/{n}"
                status = "cancelled" if o.cancelled_on else "placed"
                cancelled_at = o.cancelled_on and self._noon(o.cancelled_on)
                rows["orders"].append((order_id, c.key, self._noon(o.on), status, cancelled_at, o.cents / 100, "USD"))
                for m, r in enumerate(o.refunds):
                    rows["refunds"].append((f"{order_id}/{m}", order_id, self._noon(r.on), r.cents / 100, "USD"))
            for e in c.events:
                at = self._noon(e.on) + timedelta(seconds=e.seq)
                due = e.scheduled_for and self._noon(e.scheduled_for)
                if e.type == "unsubscribe":
                    rows["consents"].append((c.key, "email", "marketing", "denied", at))
                else:
                    rows["events"].append((f"{c.key}/{e.seq}", c.key, e.type, at, due))
        columns = {
            "events": "event_id, customer_id, event_type, occurred_at, scheduled_for",
            "consents": "customer_id, channel, purpose, status, changed_at",
            "customers": "customer_id, email, registered_at",
            "orders": "order_id, customer_id, ordered_at, status, cancelled_at, amount, currency",
            "refunds": "refund_id, order_id, refunded_at, amount, currency",
        }
        with connect() as session, session.cursor() as cursor:
            for entity, delivered in rows.items():
                batch = f"{entity}-{as_of}"
                cursor.execute(
                    "insert into ops.batches values (%s, 'shop', %s, %s, %s, %s, %s, %s, 0, 0, '')",
                    [batch, entity, as_of, self._noon(as_of), *[len(delivered)] * 3],
                )
                into = f"copy raw.{entity} ({columns[entity]}, source, payload_hash, batch_id, row_no) from stdin"
                with cursor.copy(into) as copy:
                    for number, row in enumerate(delivered):
                        copy.write_row((*row, "shop", UUID(int=number), batch, number))

    def _noon(self, day: date) -> datetime:
        business = self.compiled.config.sources.business
        return datetime.combine(day, time(12 + business.day_starts_at_hour // 2), ZoneInfo(business.timezone))

    def build(self, as_of: date, config: Config | None = None) -> None:
        """Run dbt for the night, from staging to the timeline, perhaps under other rules."""
        command = ["run", "--select", "+fct_lifecycle_timeline"]
        transform.run(command, config or self.compiled.config, as_of, self._warehouse)
        with connect() as session:
            built = "insert into ops.nights (as_of, built_at) values (%s, %s) on conflict do nothing"
            session.execute(built, [as_of, self._noon(as_of)])

    def believed(self, day: date, on: date) -> dict[tuple[str, str], str]:
        """The stage of a day by customer key and model, as it was believed on the night `on`."""
        with connect() as session:
            rows = session.execute(
                """select distinct on (customer_key, lifecycle_model) customer_key, lifecycle_model, stage
                from (
                    select customer_key, lifecycle_model, stage, valid_from, valid_to, replaced_on
                    from marts.fct_timeline_revisions where replaced_on > %(on)s
                    union all
                    select customer_key, lifecycle_model, stage, valid_from, valid_to, 'infinity'
                    from marts.fct_lifecycle_timeline
                ) as said
                where valid_from <= %(day)s and valid_to > %(day)s
                order by customer_key, lifecycle_model, replaced_on""",
                {"day": day, "on": on},
            )
            return {(customer, model): stage for customer, model, stage in rows}

    def timeline(self) -> Timeline:
        """The timeline as it stands."""
        with connect() as session:
            return read_timeline(session)

    def rows(self) -> list[tuple]:
        """Every value of the timeline and of the episodes below it."""
        with connect() as session:
            return read_rows(session)

    def rows_of_a_full_build(self, as_of: date) -> list[tuple]:
        """The same after a full build from the input tables as the night left them; nothing is kept."""
        with connect() as session:
            # denials of later days are in the input on purpose, and the SQL is compiled for a night after all of them
            session.execute("delete from input.input_consents where changed_on > %s", [as_of])
            self.compiled.build(session)
            found = read_rows(session)
            session.rollback()
        return found

    def versions(self) -> dict[str, list]:
        """Where the rows of each customer lie and which transaction wrote them."""
        with connect() as session:
            rows = session.execute(
                """select customer_key, array_agg(concat_ws(' ', ctid, xmin) order by ctid)
                from intermediate.int_stays group by customer_key"""
            ).fetchall()
        return dict(rows)

    def customer_keys(self) -> dict[str, str]:
        """The key of each customer of the sources."""
        with connect() as session:
            ask = "select source_customer_id, customer_key from intermediate.int_customer_keys"
            return dict(session.execute(ask).fetchall())

    def input_columns(self) -> tuple[list[tuple], list[tuple]]:
        """The columns of the input tables as dbt builds them, and as `Compiled` does."""
        ask = """select table_schema, table_name, column_name, data_type, numeric_precision, numeric_scale
            from information_schema.columns
            where table_name in
                ('input_customers', 'input_orders', 'input_refunds', 'input_events', 'input_consents', 'input_links')
            order by table_name, ordinal_position"""
        with connect() as session:
            built = session.execute(ask).fetchall()
            session.execute(INPUT)
            by_hand = session.execute(ask).fetchall()
            session.rollback()
        return built, by_hand
