"""A shop whose sources tell a night's news in batches, and the models of offers that dbt builds from them."""

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from random import Random
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
import pytest

from perennial import config, transform
from perennial.config import Config
from perennial.connections import Connection
from perennial.warehouse.database import connect

MODELS = ("customer_next_category", "customer_category_replenishment", "dim_products")
KINDS = ("tea", "sugar", "Milk", "bread", "RUM", "cola", "salt ", "soap")
COLUMNS = {
    "customers": "customer_id, email, registered_at, changed_at",
    "orders": "order_id, customer_id, ordered_at, status, cancelled_at, amount, currency, changed_at",
    "order_lines": "order_id, line_no, product_id, category, quantity, amount, changed_at",
    "refunds": "refund_id, order_id, refunded_at, amount, currency",
}


@contextmanager
def database(server: Connection, name: str, state: Path) -> Iterator[Connection]:
    """A migrated database that is the warehouse; afterwards nothing of it is left, nor in the environment."""
    before = set(os.environ)
    with (
        pytest.MonkeyPatch.context() as patch,
        psycopg.connect(host=server.host, user=server.login, dbname="postgres", autocommit=True) as session,
    ):
        patch.setenv("PERENNIAL_STATE", str(state))
        session.execute(f"create database {name} template template")
        to = Connection("postgres", server.host, server.port, server.login, database=name)
        patch.setenv("AIRFLOW_CONN_WAREHOUSE", to.to_json())
        yield to
        session.execute(f"drop database {name} with (force)")
    for variable in set(os.environ) - before:
        if variable.startswith(("PG", "DBT_")):  # what dbt was told
            del os.environ[variable]


def settings() -> Config:
    """The shipped ones, for a shop of a hundred customers."""
    shipped = config.load()
    offers = shipped.value.offers.model_copy(update={"min_customers": 8, "min_order_days": 2})
    return replace(shipped, value=shipped.value.model_copy(update={"offers": offers}))


def noon(day: date) -> datetime:
    """Noon of a business day."""
    return datetime.combine(day, time(12), ZoneInfo("America/New_York"))


class Shop:
    """What the sources tell; `tell` delivers what was said since, under batches of a night."""

    def __init__(self, warehouse: Connection):
        self.warehouse = warehouse
        self.news: dict[str, list[tuple]] = defaultdict(list)
        self.batches = 0

    def customer(self, key: str, day: date, email: str | None = None) -> None:
        self.news["customers"].append((key, email, noon(day), noon(day)))

    def order(self, key: str, customer: str, day: date, amount: int, told: date, cancelled: date | None = None) -> None:
        status = "cancelled" if cancelled else "placed"
        row = (key, customer, noon(day), status, cancelled and noon(cancelled), amount, "USD", noon(told))
        self.news["orders"].append(row)

    def line(self, order: str, number: int, category: str | None, amount: int, told: date) -> None:
        row = (order, number, category and category.lower().strip()[:1], category, 1, amount, noon(told))
        self.news["order_lines"].append(row)

    def refund(self, order: str, day: date, amount: int) -> None:
        self.news["refunds"].append((f"{order}-{day}-{amount}", order, noon(day), amount, "USD"))

    def buy(self, key: str, customer: str, day: date, *categories: str | None) -> None:
        """An order with a line of ten for each category."""
        self.order(key, customer, day, 10 * len(categories), day)
        for number, category in enumerate(categories, 1):
            self.line(key, number, category, 10, day)

    def tell(self, as_of: date) -> None:
        """Deliver the news."""
        with connect() as session, session.cursor() as cursor:
            for entity, rows in self.news.items():
                self.batches += 1
                batch = f"shop.{entity}.{as_of}.{self.batches}"
                counts = [len(rows)] * 3
                cursor.execute(
                    "insert into ops.batches values (%s, 'shop', %s, %s, %s, %s, %s, %s, 0, 0, '')",
                    [batch, entity, as_of, noon(as_of), *counts],
                )
                into = f"copy raw.{entity} ({COLUMNS[entity]}, source, payload_hash, batch_id, row_no) from stdin"
                with cursor.copy(into) as copy:
                    for number, row in enumerate(rows):
                        copy.write_row((*row, "shop", UUID(int=number), batch, number))
        self.news.clear()

    def build(
        self,
        as_of: date,
        *options: str,
        ends: bool = True,
        models: Sequence[str] = MODELS,
        upstream: bool = True,
    ) -> None:
        """A night of dbt; one that does not end leaves what it built, as a killed one does."""
        command = ["run", *options, "--select", *(f"+{model}" if upstream else model for model in models)]
        transform.run(command, settings(), as_of, self.warehouse)
        with connect() as session:
            session.execute("delete from ops.nights where as_of = %s", [as_of])
            session.execute(
                "insert into ops.nights (as_of, built_at) values (%s, %s)", [as_of, noon(as_of) if ends else None]
            )


def history(chance: Random, until: date) -> Iterator[tuple[str, str, date, list[str]]]:
    """(order, customer, day, categories) of a hundred people of two tastes; who drinks tea takes sugar."""
    for person in range(100):
        taste = KINDS[:4] if person % 2 else KINDS[3:]
        for number in range(chance.randint(1, 6)):
            day = until - timedelta(days=chance.choice([0, 3, 30, 100, 364, 365, 500]) + chance.randint(0, 3))
            yield f"{person}-{number}", f"c{person}", day, chance.sample(taste, chance.randint(1, 3))


def table(session: psycopg.Connection, name: str, columns: str = "*") -> list[tuple]:
    """The rows of a table, in an order of their own."""
    return sorted((tuple(row.values()) for row in session.execute(f"select {columns} from {name}")), key=repr)
