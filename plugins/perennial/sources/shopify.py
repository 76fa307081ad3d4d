"""Shopify: customers with their consents, orders with lines and refunds, through the Admin GraphQL API.

    webshop:
      kind: shopify
      connection: webshop              # host: my-shop.myshopify.com, password: the app's access token
      version: 2026-10                 # of the API; each is supported for a year
      money: shop                      # the shop's currency, or presentment: what the customer paid in
      only_last_60_days: false         # true accepts that older orders stay unseen

The first time a bulk operation reads everything; later nights page through what changed. Without the right
`read_all_orders` Shopify hides orders older than 60 days and says nothing: that is an error here. An order counts as it
was sold, on the day it was processed, less what was taken off before anybody paid for it; a refund counts on its own
day, by the money that went back, however many tenders that went to. Test orders are left out. Shopify does not tell of
orders and customers that are deleted: the weekly sweep finds them, by a bulk operation of ids, and leaves alone what is
hidden for its age. A customer who never said anything on marketing has no row among the consents.

Rules and where they come from: https://shopify.dev/docs/api/usage/limits (costs), /docs/api/usage/access-scopes (60
days), /docs/api/usage/bulk-operations/queries (bulk), /docs/api/usage/search-syntax (filters)
"""

import json
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any, Literal

from pydantic import Field

from perennial.clock import wall_clock
from perennial.connections import Connection
from perennial.errors import ConfigError, FatalError, RetriableError
from perennial.http_client import ATTEMPTS, Client, Pace, Refused, dig, moment, part
from perennial.landing import Extract
from perennial.sources import shopify_rows
from perennial.sources.api import ALL_IDS, ApiSettings, Reading, Row, address, land, text_of, told_by

HIDDEN_AFTER = timedelta(days=60)
SHOWN_FOR = timedelta(days=59)  # surely, whenever in a sweep it is asked
BULK_POLLS = 12 * 720  # twelve hours of POLL_SECONDS
MONEY = "{ shopMoney { amount currencyCode } presentmentMoney { amount currencyCode } }"
# without the argument, discount codes are not taken off
DISCOUNTED = f"discountedTotalSet(withCodeDiscounts: true) {MONEY}"
LINE = f"edges {{ node {{ id quantity {DISCOUNTED} product {{ id productType }} }} }}"
FULL = ("OPERATION_IN_PROGRESS", "LIMIT_REACHED")  # as many bulk operations are running as may
PAGE = "pageInfo { hasNextPage endCursor }"


@dataclass(frozen=True)
class Listing:
    """What is listed for an entity, with which fields, how many on a page at first, and the rights that takes.

    `ids` are the fields for a sweep. A query may cost 1,000 points at most; a page that costs more is halved.
    """

    root: str
    fields: str
    size: int
    rights: tuple[str, ...]
    ids: str
    lines: bool = False

    def all_fields(self, lines: str) -> str:
        """The fields of each, with those of its lines where they are wanted."""
        return f"{self.fields} {lines}" if self.lines else self.fields


REFUNDS = f"refunds {{ id createdAt totalRefundedSet {MONEY} }}"
ORDERS, CUSTOMERS = ("orders", "customers"), ("customers",)
LISTINGS = {
    "order_lines": Listing(
        "orders",
        "id test updatedAt",
        10,
        ("orders", "products"),
        "id test lineItems { edges { node { id } } }",
        lines=True,
    ),
    "refunds": Listing("orders", f"id test updatedAt {REFUNDS}", 50, ORDERS, f"id test {REFUNDS}"),
    "orders": Listing(
        "orders",
        "id test createdAt processedAt updatedAt cancelledAt email customer { id } "
        f"totalPriceSet {MONEY} currentTotalPriceSet {MONEY} totalRefundedSet {MONEY} totalReceivedSet {MONEY}",
        60,
        ORDERS,
        "id test createdAt processedAt",
    ),
    "consents": Listing(
        "customers",
        "id createdAt updatedAt defaultEmailAddress { marketingState marketingUpdatedAt } "
        "defaultPhoneNumber { marketingState marketingUpdatedAt }",
        100,
        CUSTOMERS,
        "",  # is not swept
    ),
    "customers": Listing(
        "customers",
        "id createdAt updatedAt defaultEmailAddress { emailAddress } defaultPhoneNumber { phoneNumber } "
        "defaultAddress { countryCodeV2 }",
        100,
        CUSTOMERS,
        "id createdAt",
    ),
}


class Settings(ApiSettings):
    """Which shop, which version of the API, and which of two currencies."""

    kind: Literal["shopify"]
    version: str = Field(default="2026-10", pattern=r"^\d{4}-\d{2}$")
    money: Literal["shop", "presentment"] = "shop"
    only_last_60_days: bool = False
    delivers = {  # noqa: RUF012
        "customers": "customer_id email phone country registered_at changed_at",
        "orders": "order_id customer_id ordered_at status cancelled_at amount currency changed_at",
        "order_lines": "order_id line_no product_id category quantity amount",
        "refunds": "refund_id order_id refunded_at amount currency",
        "consents": "customer_id channel purpose status changed_at",
    }


def open(
    name: str, source: Settings, connection: Connection | None, positions: dict[str, Any], as_of: date
) -> Iterator[tuple[str, Extract]]:
    """Yield every entity of the shop; see the registry for the contract."""
    with told_by(name):
        shop = _Shop(source, connection)
        notes = shop.check_rights(tuple(source.entities))
    for entity in filter(source.entities.get, LISTINGS):
        extract = land(name, source, entity, positions.get(entity), lambda reading, e=entity: shop.rows(e, reading))
        extract.notes.extend(notes)
        yield entity, extract


def ids(name: str, source: Settings, connection: Connection | None, as_of: date) -> Iterator[tuple[str, Extract]]:
    """Yield the ids of every entity; see the registry for the contract."""
    yield from open(name, source, connection, dict.fromkeys(source.entities, ALL_IDS), as_of)


class _TooCostly(Exception):
    """A query would cost more than Shopify allows for one."""


class _Shop:
    """One shop, asked as fast as its bucket of points fills."""

    def __init__(self, source: Settings, connection: Connection | None) -> None:
        self.source = source
        url = address(connection, source, None, "my-shop.myshopify.com")
        headers = {"x-shopify-access-token": connection.password}
        self.client = Client(
            "Shopify", source.connection, url, connection.password, headers, {"default": Pace(20, 1200)},
            rights="the rights read_orders, read_all_orders, read_customers and read_products",
        )  # fmt: skip
        self.points = self.restored = 0.0  # in the bucket after the last answer, and per second
        self.cost = 0.0  # of the last query
        self.hides = False  # orders that are older than 60 days

    def check_rights(self, entities: tuple[str, ...]) -> list[str]:
        """What to note; ConfigError if a right is missing, or if old orders are hidden and nobody accepted that."""
        data = self.ask("{ currentAppInstallation { accessScopes { handle } } shop { createdAt } }")
        granted = {dig(s, "handle") for s in dig(data, "currentAppInstallation", "accessScopes", kind=list)}
        needed = {thing for entity in entities for thing in LISTINGS[entity].rights}
        missing = sorted(f"read_{n}" for n in needed if not {f"read_{n}", f"write_{n}"} & granted)
        if missing:
            raise ConfigError(
                f"connection '{self.source.connection}': the app lacks {', '.join(missing)}. Grant it in Shopify "
                "(app configuration, API access), or leave what needs it out of 'entities'."
            )
        if "orders" not in needed or "read_all_orders" in granted:
            return []
        if moment(dig(data, "shop", "createdAt")) > wall_clock() - HIDDEN_AFTER:
            return ["without read_all_orders: grant it before the shop is 60 days old"]
        if not self.source.only_last_60_days:
            raise ConfigError(
                f"connection '{self.source.connection}': the app lacks read_all_orders, so Shopify hides orders older "
                "than 60 days. Request that right in the app's configuration, or accept it with "
                "'only_last_60_days: true'."
            )
        self.hides = True
        return ["without read_all_orders: orders older than 60 days stay unseen, as only_last_60_days accepts"]

    def rows(self, entity: str, reading: Reading) -> Iterator[Row]:
        """The contract rows of an entity, everything or what changed."""
        if reading.only_ids:
            if self.hides and "orders" in LISTINGS[entity].rights:
                reading.more["hidden_before"] = (wall_clock() - SHOWN_FOR).isoformat()
            nodes = self._everything(LISTINGS[entity].root, LISTINGS[entity].ids)
            make: Callable[[Row, str], Iterable[Row]] = partial(shopify_rows.ids, entity)
        else:
            nodes = self._changes(entity, text_of(reading.since)) if reading.since else self._all_of(LISTINGS[entity])
            make = getattr(shopify_rows, entity)
        tests: set[str] = set()  # lines come after their order
        for node in nodes:
            if "updatedAt" in node:
                reading.saw([node["updatedAt"]])
            if node.get("test"):
                tests.add(node["id"])
                reading.left_out["test orders"] += 1
            elif node.get("__parentId") not in tests:
                yield from make(node, self.source.money)

    def ask(self, query: str, /, **variables: Any) -> Any:
        """The data of an answer."""
        for _ in range(ATTEMPTS):
            self._wait_for_points()
            answer = self._post(query, variables)
            self._note_points(answer)
            if not (errors := answer.get("errors")):
                return dig(answer, "data", kind=dict)
            code = part(errors[0] if isinstance(errors, list) else None, "extensions").get("code")
            if code == "MAX_COST_EXCEEDED":
                raise _TooCostly
            if code == "ACCESS_DENIED":
                raise ConfigError(
                    f"connection '{self.source.connection}': Shopify refuses: {self.client.words(answer)}. Grant the "
                    "app the right, and access to protected customer data, or leave the entity out of 'entities'."
                )
            if code not in ("THROTTLED", "INTERNAL_SERVER_ERROR", "TIMEOUT"):
                raise FatalError(f"connection '{self.source.connection}': Shopify: {self.client.words(answer)}")
            if not self.restored:  # it does not say for how long
                self.client.pause()
        raise RetriableError(f"Shopify: {code}, {ATTEMPTS} times. Try again later.")

    def _post(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        path = f"/admin/api/{self.source.version}/graphql.json"
        try:
            # everything asked here may be asked twice; a second bulk operation costs nothing but Shopify's time
            return dig(
                self.client.call("POST", path, repeat=True, body={"query": query, "variables": variables}), kind=dict
            )
        except Refused as refusal:
            if refusal.status == 404:
                raise ConfigError(
                    f"connection '{self.source.connection}': there is no such shop, or no version "
                    f"{self.source.version} of its API. Mend 'host' of the connection, or 'version'."
                ) from None
            raise

    def _wait_for_points(self) -> None:
        if self.points < self.cost and self.restored:
            self.client.pause(math.ceil((self.cost - self.points) / self.restored))
            self.points = self.cost

    def _note_points(self, answer: dict[str, Any]) -> None:
        cost = part(part(answer, "extensions"), "cost")
        status = part(cost, "throttleStatus")
        self.cost = float(cost.get("requestedQueryCost") or 0)
        self.points = float(status.get("currentlyAvailable") or 0)
        self.restored = float(status.get("restoreRate") or 0)

    # everything: a bulk operation

    def _all_of(self, listing: Listing) -> Iterator[Row]:
        return self._everything(listing.root, listing.all_fields(f"lineItems {{ {LINE} }}"))

    def _everything(self, root: str, fields: str) -> Iterator[Row]:
        query = f"{{ {root} {{ edges {{ node {{ {fields} }} }} }} }}"
        started = self.client.until(lambda: self._start(query), "an earlier bulk operation", BULK_POLLS)
        done = self.client.until(lambda: self._ended(started), "the bulk operation", BULK_POLLS)
        count = 0
        if done.get("url"):  # none: nothing was found
            for line in self.client.lines(done["url"]):
                try:
                    yield dig(json.loads(line), kind=dict)
                except ValueError:
                    raise RetriableError("Shopify: the file of the bulk operation is no JSON. Try again.") from None
                count += 1
        if count != int(done.get("objectCount") or 0):
            raise RetriableError(f"Shopify: the file has {count:,} of {done['objectCount']} objects. Try again.")

    def _start(self, query: str) -> str | None:
        """The id of a bulk operation; None as long as others keep it from beginning."""
        data = self.ask(
            "mutation ($query: String!) { bulkOperationRunQuery(query: $query, groupObjects: true) "
            "{ bulkOperation { id } userErrors { field message code } } }",
            query=query,
        )
        result = dig(data, "bulkOperationRunQuery", kind=dict)
        if not (errors := result.get("userErrors")):
            return dig(result, "bulkOperation", "id", kind=str)
        if errors[0].get("code") in FULL or "progress" in str(errors[0].get("message")).lower():
            return None
        raise FatalError(f"Shopify refuses a bulk operation: {self.client.words(errors[0])}")

    def _ended(self, operation: str) -> Row | None:
        data = self.ask(
            "query ($id: ID!) { node(id: $id) { ... on BulkOperation { status errorCode objectCount url } } }",
            id=operation,
        )
        found = dig(data, "node", kind=dict)
        if found.get("status") in ("FAILED", "CANCELED", "EXPIRED"):
            kind = ConfigError if found.get("errorCode") == "ACCESS_DENIED" else RetriableError
            raise kind(f"Shopify: the bulk operation is {found['status'].lower()} ({found.get('errorCode')}).")
        return found if found.get("status") == "COMPLETED" else None

    # changes: pages

    def _changes(self, entity: str, since: str) -> Iterator[Row]:
        listing = LISTINGS[entity]
        fields = listing.all_fields(f"lineItems(first: 15) {{ {LINE} {PAGE} }}")
        query = (
            f"query ($size: Int!, $after: String, $filter: String!) {{ {listing.root}(first: $size, after: $after, "
            f"query: $filter, sortKey: UPDATED_AT) {{ edges {{ node {{ {fields} }} }} {PAGE} }} }}"
        )
        # no upper bound: what changes while pages are read moves to the end, and is read again there
        root, size, after, more = listing.root, listing.size, None, True
        while more:
            try:
                data = self.ask(query, size=size, after=after, filter=f"updated_at:>='{since}'")
            except _TooCostly:
                if size == 1:
                    raise FatalError(f"Shopify: even one of {root} costs more than a query may.") from None
                size //= 2
                continue
            for node in _nodes(dig(data, root, kind=dict)):
                yield node
                yield from self._lines_of(node)
            more, following = _page(dig(data, root))
            if more and following == after:
                raise RetriableError("Shopify: its pages go round in circles. Try again.")
            after = following

    def _lines_of(self, node: Row) -> Iterator[Row]:
        """The lines of an order, as a bulk operation would tell them."""
        lines = part(node, "lineItems")
        while lines:
            yield from (line | {"__parentId": node["id"]} for line in _nodes(lines))
            more, after = _page(lines)
            if not more:
                return
            query = (
                "query ($id: ID!, $after: String) { order(id: $id) "
                f"{{ lineItems(first: 100, after: $after) {{ {LINE} {PAGE} }} }} }}"
            )
            lines = dig(self.ask(query, id=node["id"], after=after), "order", "lineItems", kind=dict)


def _nodes(connection: Row) -> Iterator[Row]:
    for edge in dig(connection, "edges", kind=list):
        yield dig(edge, "node", kind=dict)


def _page(connection: Row) -> tuple[bool, str | None]:
    """Whether there are more, and after what."""
    info = part(connection, "pageInfo")
    return bool(info.get("hasNextPage")), info.get("endCursor")
