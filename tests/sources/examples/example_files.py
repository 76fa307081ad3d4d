"""A drop folder."""

from typing import Any

from examples.shop import Example

CUSTOMERS = {"customer_id": "who", "registered_at": "since"}
ORDERS = {
    "order_id": "no",
    "customer_id": "who",
    "ordered_at": "at",
    "status": {"from": "state", "values": {"sold": "placed", "void": "cancelled"}},
    "amount": "amount",
    "currency": {"constant": "USD"},
}


class FilesExample(Example):
    kind = "files"

    def begin(self) -> None:
        self.first = {"customers": {"1", "2"}, "orders": {"11", "12"}}
        self.changed, self.untouched = {"orders": {"12", "13"}}, {"orders": {"11"}}
        self.gone = {}
        (self.state / "drop").mkdir()
        self.put("a.csv", ("1", 90, "11", 40, "sold", "100.00"), ("2", 50, "12", 20, "sold", "50.00"))

    def change(self) -> None:
        self.put("b.csv", ("2", 50, "12", 20, "void", "50.00"), ("1", 90, "13", 0.1, "sold", "7.00"))

    def put(self, name: str, *rows: tuple) -> None:
        lines = ["who,since,no,at,state,amount"]
        for who, since, number, at, state, amount in rows:
            lines.append(f"{who},{self.days_ago(since)},{number},{self.days_ago(at)},{state},{amount}")
        (self.state / "drop" / name).write_text("\n".join(lines))

    def own(self) -> dict[str, Any]:
        entities = {"customers": {"columns": CUSTOMERS}, "orders": {"columns": ORDERS}}
        return {"folder": "drop", "files": "*.csv", "timezone": "UTC", "entities": entities}

    def connection(self, secret: str | None = None) -> None:
        return None
