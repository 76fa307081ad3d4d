"""WooCommerce in miniature. https://woocommerce.github.io/woocommerce-rest-api-docs/ says what it does:

Introduction, Pagination: page, per_page (100 at most) and offset; a page that is not there is empty.
Introduction, Authentication: Basic, consumer key and secret; 401 for a wrong one, and for one that may not.
Orders, List all orders: any status leaves out the trash; modified_after is later than; orderby modified, then id.
Orders, Delete an order: into the trash, or with force for good, and its refunds with it; no list tells of that.
Refunds (since 9.0): parent_id, no currency, no filter by change; `after` is by creation.
Customers: no filter by change; role=all; orderby id or registered_date.
`_fields` is https://developer.wordpress.org/rest-api/using-the-rest-api/global-parameters/#_fields
"""

import base64
from datetime import datetime
from typing import Any

from http_twin import Answer
from shop_twins.server import Request, Twin, must

KEY, SECRET = "ck_0123456789abcdef", "cs_fedcba9876543210"
HIDDEN = ("trash", "auto-draft")


class WooCommerceTwin(Twin):
    """One shop."""

    def __init__(self) -> None:
        self.orders: dict[int, dict[str, Any]] = {}
        self.refunds: dict[int, dict[str, Any]] = {}
        self.customers: dict[int, dict[str, Any]] = {}
        self.products: dict[int, dict[str, Any]] = {9: {"id": 9, "categories": [{"id": 1, "name": "Tea"}]}}
        self.per_page = 100  # pages may be shorter: what the key may not read is left out of them
        self.version = 9
        self.forbidden = ""
        super().__init__()

    def add_customer(self, number: int, at: datetime, **changed: Any) -> dict[str, Any]:
        self.customers[number] = {
            "id": number, "email": f"c{number}@example.com", "date_created_gmt": stamp(at),
            "date_modified_gmt": stamp(at), "role": "customer", "billing": {"country": "US", "phone": ""},
        } | changed  # fmt: skip
        return self.customers[number]

    def add_order(self, number: int, customer: int, at: datetime, total: str, **changed: Any) -> dict[str, Any]:
        self.orders[number] = {
            "id": number, "status": "completed", "currency": "USD", "customer_id": customer, "total": total,
            "date_created_gmt": stamp(at), "date_modified_gmt": stamp(at), "date_paid_gmt": stamp(at),
            "billing": {"email": f"c{customer}@example.com", "country": "US", "phone": "+14135550101"},
            "line_items": [{"id": number * 10, "product_id": 9, "quantity": 1, "total": total, "total_tax": "0.00"}],
        } | changed  # fmt: skip
        return self.orders[number]

    def add_refund(self, number: int, order: int, at: datetime, amount: str) -> None:
        self.refunds[number] = {
            "id": number, "parent_id": order, "date_created_gmt": stamp(at), "amount": amount, "reason": "she said so",
        }  # fmt: skip

    def answer(self, request: Request) -> Answer:
        token = base64.b64encode(f"{KEY}:{SECRET}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {token}":
            return _refusal(401, "woocommerce_rest_authentication_error", "Consumer key is invalid.")
        name = request.path.removeprefix("/wp-json/wc/v3/")
        if self.forbidden and self.forbidden == name:
            return _refusal(401, "woocommerce_rest_cannot_view", "Sorry, you cannot list resources.")
        if name == "refunds" and self.version < 9:
            return _refusal(404, "rest_no_route", "No route was found matching the URL and request method.")
        must(request.method == "GET" and name in ("orders", "refunds", "customers", "products"), "a list that is read")
        query = request.query
        must(int(query["per_page"]) <= 100, "at most 100 on a page")
        rows = getattr(self, f"_{name}")(query)
        if query.get("include") is not None:
            must(query["include"] or name != "orders", "an empty include lists everything")
            rows = [row for row in rows if str(row["id"]) in query["include"].split(",")]
        size = int(query["per_page"])
        start = int(query["offset"]) if "offset" in query else (int(query.get("page", 1)) - 1) * size
        page = rows[start : start + size][: self.per_page]
        fields = query["_fields"].split(",")
        headers = (("X-WP-Total", str(len(rows))), ("X-WP-TotalPages", str(-(-len(rows) // size))))
        return Answer(200, [{f: row[f] for f in fields if f in row} for row in page], headers)

    def _orders(self, query: dict[str, str]) -> list[dict[str, Any]]:
        status = query.get("status", "any")
        rows = [
            o for o in self.orders.values() if (o["status"] not in HIDDEN if status == "any" else o["status"] == status)
        ]
        return _sorted(rows, query, "modified_after", "modified", "date_modified_gmt")

    def _refunds(self, query: dict[str, str]) -> list[dict[str, Any]]:
        must("modified_after" not in query, "refunds are not filtered by change")
        return _sorted(list(self.refunds.values()), query, "after", "date", "date_created_gmt")

    def _customers(self, query: dict[str, str]) -> list[dict[str, Any]]:
        must(not {"modified_after", "after"} & set(query), "customers cannot be filtered by date")
        must(query["orderby"] in ("id", "include", "name", "registered_date"), "an order there is")
        rows = [c for c in self.customers.values() if query.get("role", "customer") in ("all", c["role"])]
        key = "id" if query["orderby"] == "id" else "date_created_gmt"
        return sorted(rows, key=lambda c: c[key], reverse=query["order"] == "desc")

    def _products(self, query: dict[str, str]) -> list[dict[str, Any]]:
        return list(self.products.values())


def _sorted(rows: list[dict[str, Any]], query: dict[str, str], after: str, by: str, field: str) -> list[dict[str, Any]]:
    if "include" in query:
        return rows
    must(query["orderby"] == by and query["order"] == "asc", "oldest first")
    must(query["dates_are_gmt"] == "true", "dates are GMT, or else of the site's zone")
    since = query.get(after, "")
    must("Z" not in since and "+" not in since, "a date without a zone")
    return sorted((r for r in rows if r[field] > since), key=lambda r: (r[field], r["id"]))


def _refusal(status: int, code: str, message: str) -> Answer:
    return Answer(status, {"code": code, "message": message, "data": {"status": status}})


def stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S")
