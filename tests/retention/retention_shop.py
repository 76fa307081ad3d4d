"""Shops of random orders, and what the SQL of cohorts and repurchases, compiled by dbt, says of them."""

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random

import psycopg

from identity_tables import LINKS, RELATIONS
from perennial import config, transform
from perennial.connections import Connection

NIGHT = date(2017, 3, 30)  # a day before the end of a month
START = date(2014, 11, 20)

# From the input contract to the marts, in the order of building.
MODELS = (
    *RELATIONS,
    "intermediate.int_ledger",
    "intermediate.int_given_back",
    "marts.fct_orders",
    "marts.dim_customers",
    "intermediate.int_cohorts",
    "intermediate.int_customer_facts",
    "intermediate.int_changed_days",
    "intermediate.int_changed_months",
    "intermediate.int_customer_days",
    "intermediate.int_revised_days",
    "intermediate.int_order_totals",
    "intermediate.int_cohort_months",
    "intermediate.int_order_gaps",
    "marts.fct_cohort_retention_by_source",
    "marts.fct_cohort_retention",
    "marts.sales_by_customer_age",
    "marts.repurchase",
    "marts.order_funnel",
)
INPUT = f"""
{LINKS};
create schema if not exists input;
create schema if not exists pii;
create schema if not exists intermediate;
create schema if not exists marts;
create table pii.input_customers (
    source text, source_customer_id text, email text, phone text, country text, acquisition_source text,
    registered_on date, loyalty_number text, is_email_verified boolean
);
create table input.input_orders (
    source text, order_id text, source_customer_id text, ordered_at timestamptz, ordered_on date, cancelled_on date,
    gross_amount numeric(18, 4), currency text,
    original_currency text, original_amount numeric(18, 4), exchange_rate numeric(38, 16)
);
create table input.input_refunds (
    source text, refund_id text, order_id text, refunded_on date, amount numeric(18, 4)
);
create table intermediate.int_events (customer_key text, event_type text, event_on date, scheduled_on date)
"""


@dataclass(frozen=True)
class Order:
    ordered_on: date
    gross: Decimal
    cancelled_on: date | None = None
    refunds: tuple[tuple[date, Decimal], ...] = ()


@dataclass(frozen=True)
class Person:
    """One person, known to sources under as many numbers as she has `records`."""

    source: str | None = "search"
    orders: tuple[Order, ...] = ()
    records: int = 1


@dataclass
class Told:
    """The rows of the marts."""

    rows: dict[str, list[dict]] = field(default_factory=dict)

    def by(self, table: str, *key: str) -> dict[tuple, dict]:
        """The rows of a table by these columns, which tell them apart."""
        found = {tuple(row[column] for column in key): row for row in self.rows[table]}
        assert len(found) == len(self.rows[table])
        return found


def order(day: str, gross: int = 100, cancelled: str | None = None, refunds: dict[str, int] | None = None) -> Order:
    """An order in few words; days are ISO dates."""
    given_back = tuple((date.fromisoformat(day), Decimal(amount)) for day, amount in (refunds or {}).items())
    return Order(date.fromisoformat(day), Decimal(gross), cancelled and date.fromisoformat(cancelled), given_back)


def random_shop(seed: int, count: int) -> list[Person]:
    """People of all kinds: some never order, some give back everything, or more than everything."""
    random = Random(seed)

    def later(day: date) -> date:
        return min(day + timedelta(days=random.choice([0, 1, 3, 30, 31, random.randrange(700)])), NIGHT)

    def random_order(day: date) -> Order:
        gross = Decimal(random.choice([0, 1, random.randrange(1, 20000)])) / 100
        refunds, kind = (), random.random()
        if kind < 0.25:  # in full, in parts, or more than was paid
            amounts = random.choice([[gross], [gross / 2, gross / 2], [gross / 4], [gross, Decimal("7.77")]])
            refunds = tuple((later(day), amount) for amount in amounts)
        cancelled = later(day) if random.random() < 0.15 else None
        return Order(day, gross, cancelled, refunds)

    people = []
    for _ in range(count):
        day, orders = START + timedelta(days=random.randrange((NIGHT - START).days)), []
        for _ in range(random.choice([0, 1, 1, 2, 3, 5, 12])):
            if day <= NIGHT:
                orders.append(random_order(day))
            day += timedelta(days=random.choice([0, 1, 29, 30, 31, 60, 90, 180, 365, random.randrange(1, 200)]))
        random.shuffle(orders)
        people.append(Person(random.choice(["search", "flyer", None]), tuple(orders), random.choice([1, 1, 2])))
    return people


class Compiled:
    """The models, compiled once for one database."""

    def __init__(self, warehouse: Connection):
        names = [model.split(".")[1] for model in MODELS]
        transform.run(["compile", "--select", *names], config.load(), NIGHT, warehouse)
        written = transform.target_folder(NIGHT) / "compiled"
        self.sql = {m: next(written.rglob(f"{m.split('.')[1]}.sql")).read_text("utf-8") for m in MODELS}
        self._warehouse = warehouse

    def tell(self, people: list[Person]) -> Told:
        """What the marts say of these people; nothing is kept."""
        to, told = self._warehouse, Told()
        with psycopg.connect(
            host=to.host, port=to.port, user=to.login, dbname=to.database, options="-c timezone=UTC -c jit=off"
        ) as session:
            session.execute(INPUT)
            _fill(session, people)
            for model, select in self.sql.items():
                session.execute(f"create table {model} as {select}")
                if not model.startswith("marts."):
                    continue
                with session.cursor(row_factory=psycopg.rows.dict_row) as cursor:
                    told.rows[model.split(".")[1]] = cursor.execute(f"select * from {model}").fetchall()
            session.rollback()
        return told


def _fill(session: psycopg.Connection, people: list[Person]) -> None:
    customers, orders, refunds = [], [], []
    for number, person in enumerate(people):
        for record in range(person.records):
            email = f"{number}@example.com" if person.records > 1 else None
            customers.append((f"s{record}", number, email, None, None, person.source, START, None, True))
        for one, bought in enumerate(person.orders):
            source, order_id = f"s{one % person.records}", f"{number}-{one}"
            orders.append(
                (
                    source,
                    order_id,
                    number,
                    None,
                    bought.ordered_on,
                    bought.cancelled_on,
                    bought.gross,
                    "EUR",
                    *[None] * 3,
                )
            )
            refunds += [(source, f"{order_id}-{part}", order_id, *refund) for part, refund in enumerate(bought.refunds)]
    for table, rows in (
        ("pii.input_customers", customers),
        ("input.input_orders", orders),
        ("input.input_refunds", refunds),
    ):
        with session.cursor() as cursor, cursor.copy(f"copy {table} from stdin") as copy:
            for row in rows:
                copy.write_row(row)


def with_order(person: Person, *more: Order) -> Person:
    """The same person with more orders."""
    return replace(person, orders=person.orders + more)
