"""A SQLite database."""

import sqlite3
from typing import Any

from examples.shop import Example
from perennial.connections import Connection

CUSTOMERS = {"customer_id": "who", "registered_at": "since"}
ORDERS = {
    "order_id": "no",
    "customer_id": "who",
    "ordered_at": "at",
    "status": "state",
    "amount": "amount",
    "currency": {"constant": "USD"},
    "changed_at": "changed",
}


class SqlExample(Example):
    kind = "sql"

    def begin(self) -> None:
        self.first = {"customers": {"1", "2"}, "orders": {"11", "12"}}
        self.changed, self.untouched = {"orders": {"12", "13"}}, {"orders": {"11"}}
        self.gone = {"orders": {"12"}}
        self.run("create table customers (who text, since text)")
        self.run("create table orders (no text, who text, at text, state text, amount numeric, changed text)")
        for who, days in (("1", 90), ("2", 50)):
            self.run("insert into customers values (?, ?)", who, str(self.days_ago(days)))
        self.sell("11", "1", 40, "100.00")
        self.sell("12", "2", 20, "50.00")

    def change(self) -> None:
        self.run("update orders set state = 'cancelled', changed = ? where no = '12'", str(self.days_ago(0.2)))
        self.sell("13", "1", 0.1, "7.00")

    def vanish(self) -> None:
        self.run("delete from orders where no = '12'")

    def sell(self, number: str, who: str, days: float, amount: str) -> None:
        at = str(self.days_ago(days))
        self.run("insert into orders values (?, ?, ?, 'placed', ?, ?)", number, who, at, amount, at)

    def run(self, statement: str, *values: Any) -> None:
        with sqlite3.connect(self.state / "shop.db") as session:
            session.execute(statement, values)

    def own(self) -> dict[str, Any]:
        orders = {"table": "orders", "cursor": "changed", "columns": ORDERS}
        entities = {"customers": {"table": "customers", "columns": CUSTOMERS}, "orders": orders}
        return {"connection": "shop", "timezone": "UTC", "entities": entities}

    def connection(self, secret: str | None = None) -> Connection:
        return Connection("sqlite", database=str(self.state / "shop.db"))
