"""Shopify in miniature. What it does is said at https://shopify.dev/docs/api, in these places:

usage/limits: the cost of a query is the worst case, objects one point, connections two and their objects; a bucket that
fills steadily; `THROTTLED` with the state of the bucket; 1,000 points for one query.
usage/pagination-graphql: cursors stand for a place in the order, so rows that change move, and none is skipped.
usage/search-syntax: dates in quotes; `>=` includes the second.
usage/access-scopes: without read_all_orders, orders of the last 60 days only, without a word.
usage/bulk-operations/queries: edges and nodes without arguments; one JSON line per object, what is nested with
`__parentId`, after its parent if `groupObjects` says so; no url when nothing was found; before 2026-01 one at a time,
now five, and LIMIT_REACHED for more.
mutations/orderDelete, mutations/customerDelete: what is deleted is in no list any more, and no list tells of it.
objects/Order, objects/LineItem: `totalReceivedSet` before returns; discounts by code only with `withCodeDiscounts`.
"""

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from http_twin import Answer
from shop_twins.graphql import Field, Refused, Schema, cost, parse, project
from shop_twins.server import Request, Twin, must

TOKEN = "shpat_0123456789abcdef"
LARGEST, FILLED_PER_SECOND, ONE_QUERY = 2000, 100, 1000
SCHEMA: Schema = {
    "QueryRoot": {
        "orders": "Order*", "customers": "Customer*", "order": "Order", "shop": "Shop", "node": "Node",
        "currentAppInstallation": "AppInstallation",
    },
    "Mutation": {"bulkOperationRunQuery": "BulkOperationRunQueryPayload"},
    "BulkOperationRunQueryPayload": {"bulkOperation": "BulkOperation", "userErrors": "[BulkOperationUserError]"},
    "BulkOperationUserError": {"field": "", "message": "", "code": ""},
    "Node": {"id": ""},
    "BulkOperation": {"id": "", "status": "", "errorCode": "", "objectCount": "", "url": ""},
    "AppInstallation": {"accessScopes": "[AccessScope]"},
    "AccessScope": {"handle": "", "description": ""},
    "Shop": {"createdAt": "", "name": ""},
    "Order": {
        "id": "", "test": "", "createdAt": "", "processedAt": "", "updatedAt": "", "cancelledAt": "", "email": "",
        "customer": "Customer", "totalPriceSet": "MoneyBag", "currentTotalPriceSet": "MoneyBag",
        "totalRefundedSet": "MoneyBag", "totalReceivedSet": "MoneyBag", "refunds": "[Refund]", "lineItems": "LineItem*",
    },
    "Refund": {"id": "", "createdAt": "", "totalRefundedSet": "MoneyBag"},
    "LineItem": {"id": "", "quantity": "", "discountedTotalSet": "MoneyBag", "product": "Product"},
    "Product": {"id": "", "productType": ""},
    "Customer": {
        "id": "", "createdAt": "", "updatedAt": "", "defaultEmailAddress": "CustomerEmailAddress",
        "defaultPhoneNumber": "CustomerPhoneNumber", "defaultAddress": "MailingAddress",
    },
    "CustomerEmailAddress": {"emailAddress": "", "marketingState": "", "marketingUpdatedAt": ""},
    "CustomerPhoneNumber": {"phoneNumber": "", "marketingState": "", "marketingUpdatedAt": ""},
    "MailingAddress": {"countryCodeV2": ""},
    "MoneyBag": {"shopMoney": "MoneyV2", "presentmentMoney": "MoneyV2"},
    "MoneyV2": {"amount": "", "currencyCode": ""},
}  # fmt: skip


def money(shop: str, presentment: str | None = None, currency: str = "USD") -> dict[str, Any]:
    return {
        "shopMoney": {"amount": shop, "currencyCode": "USD"},
        "presentmentMoney": {"amount": presentment or shop, "currencyCode": currency},
    }


class ShopifyTwin(Twin):
    """One shop."""

    def __init__(self, now: datetime, monotonic: Callable[[], float]) -> None:
        self.now, self.monotonic = now, monotonic
        self.scopes = ["read_orders", "read_all_orders", "read_customers", "read_products"]
        self.created = now - timedelta(days=900)
        self.orders: dict[str, dict[str, Any]] = {}
        self.customers: dict[str, dict[str, Any]] = {}
        self.operations: dict[str, dict[str, Any]] = {}
        self.files: dict[str, bytes] = {}
        self.polls = 1  # before a bulk operation is completed
        self.one_at_a_time = False
        self.limit_reached = 0  # so many times
        self.fails_bulk: str | None = None
        self.points, self.at = float(LARGEST), 0.0
        self.denied: str | None = None  # a field somebody may not read
        self.throttled = 0
        super().__init__()

    def add_customer(self, number: int, at: datetime, **changed: Any) -> dict[str, Any]:
        gid = f"gid://shopify/Customer/{number}"
        self.customers[gid] = {
            "id": gid, "createdAt": stamp(at), "updatedAt": stamp(at),
            "defaultEmailAddress": {"emailAddress": f"c{number}@example.com", "marketingState": "NOT_SUBSCRIBED",
                                    "marketingUpdatedAt": None},
            "defaultPhoneNumber": None, "defaultAddress": {"countryCodeV2": "US"},
        } | changed  # fmt: skip
        return self.customers[gid]

    def add_order(self, number: int, customer: int | None, at: datetime, amount: str, lines: int = 1, **changed: Any):
        gid = f"gid://shopify/Order/{number}"
        self.orders[gid] = {
            "id": gid, "test": False, "createdAt": stamp(at), "processedAt": stamp(at), "updatedAt": stamp(at),
            "cancelledAt": None, "email": f"c{customer}@example.com" if customer else None,
            "customer": {"id": f"gid://shopify/Customer/{customer}"} if customer else None,
            "totalPriceSet": money(amount), "currentTotalPriceSet": money(amount), "totalRefundedSet": money("0.0"),
            "totalReceivedSet": money(amount), "refunds": [],
            "lineItems": [
                {"id": f"gid://shopify/LineItem/{number}{n:03}", "quantity": 1, "discountedTotalSet": money("1.00"),
                 "product": {"id": "gid://shopify/Product/9", "productType": "Tea"}}
                for n in range(1, lines + 1)
            ],
        } | changed  # fmt: skip
        return self.orders[gid]

    def answer(self, request: Request) -> Answer:
        if request.path.startswith("/bulk/"):
            must("x-shopify-access-token" not in request.headers, "the token goes to Shopify only")
            return Answer(200, self.files[request.path])
        if request.path != "/admin/api/2026-10/graphql.json":
            return Answer(404, {"errors": "Not Found"})
        if request.headers.get("x-shopify-access-token") != TOKEN:
            return Answer(
                401, {"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"}
            )
        query, variables = request.body["query"], request.body.get("variables") or {}
        try:
            return Answer(200, self._execute(query, variables))
        except Refused as refused:
            self.violations.append(str(refused))
            return Answer(200, {"errors": [{"message": str(refused), "extensions": {"code": "undefinedField"}}]})

    def _execute(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        kind, fields = parse(query, variables)
        root = "Mutation" if kind == "mutation" else "QueryRoot"
        needed = cost(SCHEMA, root, fields) + (10 if kind == "mutation" else 0)
        now = self.monotonic()
        self.points, self.at = min(LARGEST, self.points + (now - self.at) * FILLED_PER_SECOND), now
        if needed > ONE_QUERY:
            return _error("Query cost is too high", "MAX_COST_EXCEEDED")
        if needed > self.points:
            self.throttled += 1
            return _error("Throttled", "THROTTLED") | {"extensions": {"cost": self._state(needed)}}
        self.points -= needed
        if self.denied and self.denied in query:
            return _error(f"Access denied for {self.denied} field.", "ACCESS_DENIED")
        data = {}
        for wanted in fields:
            data[wanted.name] = self._root(root, wanted)
        return {"data": data, "extensions": {"cost": self._state(needed)}}

    def _state(self, needed: int) -> dict[str, Any]:
        status = {"maximumAvailable": LARGEST, "currentlyAvailable": self.points, "restoreRate": FILLED_PER_SECOND}
        return {"requestedQueryCost": needed, "actualQueryCost": needed, "throttleStatus": status}

    def _root(self, root: str, wanted: Field) -> Any:
        if wanted.name in ("orders", "customers"):
            return self._connection(wanted.name, wanted)
        returned = SCHEMA[root][wanted.name]
        value = {
            "currentAppInstallation": lambda: {"accessScopes": [{"handle": s} for s in self.scopes]},
            "shop": lambda: {"createdAt": stamp(self.created)},
            "order": lambda: self.orders.get(wanted.arguments["id"]),
            "node": lambda: self._poll(wanted.arguments["id"]),
            "bulkOperationRunQuery": lambda: self._start(wanted.arguments),
        }[wanted.name]()
        return project(SCHEMA, returned, value, wanted.selection, self._inner)

    def visible(self, name: str) -> list[dict[str, Any]]:
        """Objects the app may see."""
        found = list(getattr(self, name).values())
        if name == "orders" and "read_all_orders" not in self.scopes:
            found = [o for o in found if o["createdAt"] >= stamp(self.now - timedelta(days=60))]
        return found

    def _connection(self, name: str, wanted: Field) -> dict[str, Any]:
        arguments = wanted.arguments
        must(arguments["sortKey"] == "UPDATED_AT", "sorted by the key that is filtered by")
        since = re.fullmatch(r"updated_at:>='(\S+)'", arguments["query"]).group(1)
        rows = sorted((o["updatedAt"], o["id"]) for o in self.visible(name) if o["updatedAt"] >= since)
        if arguments["after"]:
            rows = [row for row in rows if row > tuple(json.loads(arguments["after"]))]
        page = rows[: arguments["first"]]
        info = {"hasNextPage": len(rows) > len(page), "endCursor": json.dumps(page[-1]) if page else None}
        kind = SCHEMA["QueryRoot"][name][:-1]
        return self._answered(kind, [getattr(self, name)[gid] for _, gid in page], wanted, info)

    def _inner(self, kind: str, values: list[Any], wanted: Field) -> dict[str, Any]:
        start = int(wanted.arguments.get("after") or 0)
        end = start + wanted.arguments["first"]
        info = {"hasNextPage": end < len(values), "endCursor": str(end)}
        return self._answered(kind, values[start:end], wanted, info)

    def _answered(self, kind: str, values: list[Any], wanted: Field, info: dict[str, Any]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for part in wanted.selection:
            if part.name == "edges":
                nodes = part.selection[0].selection
                result["edges"] = [{"node": project(SCHEMA, kind, v, nodes, self._inner)} for v in values]
            elif part.name == "pageInfo":
                result["pageInfo"] = {f.name: info[f.name] for f in part.selection}
            else:
                raise Refused(f"Field '{part.name}' doesn't exist on a connection")
        return result

    def _start(self, arguments: dict[str, Any]) -> dict[str, Any]:
        if self.limit_reached:
            self.limit_reached -= 1
            error = {"field": None, "message": "Bulk operations limit reached. Please try again later."}
            return {"bulkOperation": None, "userErrors": [error | {"code": "LIMIT_REACHED"}]}
        running = [o for o in self.operations.values() if o["status"] == "RUNNING"]
        if running and self.one_at_a_time:
            running[0]["polls"] -= 1
            if running[0]["polls"] < 0:
                running[0]["status"] = "COMPLETED"
            error = {"field": None, "message": "A bulk query operation for this app and shop is already in progress"}
            return {"bulkOperation": None, "userErrors": [error | {"code": "OPERATION_IN_PROGRESS"}]}
        gid = f"gid://shopify/BulkOperation/{len(self.operations) + 1}"
        grouped = arguments.get("groupObjects") == "true"
        made = {"id": gid, "status": "RUNNING", "query": arguments["query"], "polls": self.polls, "grouped": grouped}
        self.operations[gid] = made
        return {"bulkOperation": self.operations[gid], "userErrors": []}

    def _poll(self, gid: str) -> dict[str, Any]:
        operation = self.operations[gid]
        operation["polls"] -= 1
        if operation["polls"] < 0 and operation["status"] == "RUNNING":
            if self.fails_bulk:
                operation |= {"status": "FAILED", "errorCode": self.fails_bulk}
            else:
                lines = self._lines(operation["query"], operation["grouped"])
                path = f"/bulk/{len(self.files)}.jsonl"
                self.files[path] = "".join(json.dumps(line) + "\n" for line in lines).encode()
                url = f"{self.url}{path}" if lines else None
                operation |= {"status": "COMPLETED", "url": url, "objectCount": str(len(lines))}
        return operation

    def _lines(self, query: str, grouped: bool) -> list[dict[str, Any]]:
        (wanted,) = parse(query, {})[1]
        must(not wanted.arguments, "a bulk operation reads everything")
        parents, children = [], []
        kind = SCHEMA["QueryRoot"][wanted.name][:-1]

        def nested(child: str, values: list[Any], part: Field) -> None:
            must(not part.arguments and [f.name for f in part.selection] == ["edges"], "no pages in a bulk operation")
            nodes = part.selection[0].selection[0].selection
            children.extend((parents[-1], project(SCHEMA, child, v, nodes, nested)) for v in values)

        must([f.name for f in wanted.selection] == ["edges"], "edges and nodes")
        nodes = wanted.selection[0].selection[0].selection
        found = []
        for value in self.visible(wanted.name):
            parents.append(value["id"])
            line = project(SCHEMA, kind, value, nodes, nested)
            found.append({k: v for k, v in line.items() if k != "lineItems"})
        nested_in = [child | {"__parentId": parent} for parent, child in children]
        if not grouped:  # in any order
            return nested_in + found
        return [line for one in found for line in (one, *(n for n in nested_in if n["__parentId"] == one["id"]))]


def stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _error(message: str, code: str) -> dict[str, Any]:
    return {"errors": [{"message": message, "extensions": {"code": code}}]}
