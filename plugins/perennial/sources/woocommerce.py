"""WooCommerce: customers and guests, orders with lines and refunds, through its REST API v3 (WooCommerce 9.0 or newer).

    blog_shop:
      kind: woocommerce
      connection: blog_shop            # host: https://shop.example, login: consumer key, password: consumer secret
      no_orders: [pending, failed, checkout-draft, auto-draft, draft]    # statuses of what nobody bought yet
      all_customers_every_days: 7

Any other status is a sale, also one that a plugin added; `refunded` is one with its refunds, `cancelled` one until the
order's last change, if anybody paid. What was told of as a sale and is unpaid again, or in the trash, is cancelled.
Guests are known by the e-mail address of their order. Refunds are read by their own date: some ways to refund do not
touch the order's. The API cannot tell which accounts changed, so new ones are read nightly and all of them every so
many days. It keeps no consents, and does not tell of what is deleted for good: the weekly sweep finds that, by pages of
ids, a hundred each; a million orders take about three hours, and `sweep: never` does without.

Rules and where they come from: https://woocommerce.github.io/woocommerce-rest-api-docs/ (orders, refunds, customers,
pagination); https://github.com/woocommerce/woocommerce/issues/28969 (refunds that do not touch their order)
"""

import base64
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from pydantic import Field

from perennial.connections import Connection
from perennial.errors import ConfigError, RetriableError
from perennial.http_client import Client, Pace, Refused, dig, moment, part
from perennial.landing import Extract
from perennial.sources.api import (
    ALL_IDS,
    ApiSettings,
    Reading,
    Row,
    address,
    as_sure_as,
    email_key,
    guests,
    land,
    text_of,
    told_by,
    unsure,
)

PER_PAGE = 100  # the most there is
SECOND = timedelta(seconds=1)  # what its times are exact to
PRODUCTS_KNOWN = 50_000
ORDER = "id,status,currency,customer_id,total,date_created_gmt,date_modified_gmt,date_paid_gmt,billing"
LINES = "id,status,date_created_gmt,date_modified_gmt,date_paid_gmt,line_items"
CUSTOMER = "id,email,date_created_gmt,date_modified_gmt,billing"
ACCOUNT_DATES = "id,date_created_gmt"
DATES = "id,status,date_created_gmt,date_modified_gmt,date_paid_gmt"
READ_FIRST = ("order_lines", "refunds", "orders", "customers")


class Settings(ApiSettings):
    """Which shop, and which of its statuses are no orders."""

    kind: Literal["woocommerce"]
    no_orders: tuple[str, ...] = ("pending", "failed", "checkout-draft", "auto-draft", "draft")
    all_customers_every_days: int = Field(default=7, ge=1, le=366)
    delivers = {  # noqa: RUF012
        "customers": "customer_id email phone country registered_at changed_at",
        "orders": "order_id customer_id ordered_at status cancelled_at amount currency changed_at",
        "order_lines": "order_id line_no product_id category quantity amount changed_at",
        "refunds": "refund_id order_id refunded_at amount currency",
    }


def open(
    name: str, source: Settings, connection: Connection | None, positions: dict[str, Any], as_of: date
) -> Iterator[tuple[str, Extract]]:
    """Yield every entity of the shop; see the registry for the contract."""
    with told_by(name):
        shop = _Shop(source, connection, as_of)
    for entity in filter(source.entities.get, READ_FIRST):
        read: Callable[[Reading], Iterator[Row]] = getattr(shop, entity)
        yield entity, land(name, source, entity, positions.get(entity), read)


def ids(name: str, source: Settings, connection: Connection | None, as_of: date) -> Iterator[tuple[str, Extract]]:
    """Yield the ids of every entity; see the registry for the contract."""
    yield from open(name, source, connection, dict.fromkeys(source.entities, ALL_IDS), as_of)


class _Shop:
    """One shop."""

    def __init__(self, source: Settings, connection: Connection | None, as_of: date) -> None:
        self.source, self.as_of = source, as_of
        url = address(connection, source, None, "https://shop.example")
        if not connection.login:
            raise ConfigError(f"connection '{source.connection}': has no login. Set it to the consumer key (ck_...).")
        token = base64.b64encode(f"{connection.login}:{connection.password}".encode()).decode()
        self.client = Client(
            "WooCommerce", source.connection, f"{url}/wp-json/wc/v3", connection.password,
            {"authorization": f"Basic {token}"}, {"default": Pace(5, 240)},
            rights="read permission, of a user who manages the shop,",
        )  # fmt: skip
        self.categories: dict[int, str | None] = {}  # of products

    def orders(self, reading: Reading) -> Iterator[Row]:
        if reading.only_ids:
            for order in self._sales(reading, DATES):
                yield as_sure_as(order, {"order_id": order["id"], "ordered_at": _utc(order["date_created_gmt"])})
            return
        for order in self._sales(reading, ORDER):
            billing, changed = part(order, "billing"), _utc(order["date_modified_gmt"])
            cancelled = order["status"] == "cancelled"
            yield {
                "order_id": order["id"],
                "customer_id": order["customer_id"] or email_key(billing.get("email")),
                "ordered_at": _utc(order["date_created_gmt"]),
                "status": "cancelled" if cancelled else "placed",
                "cancelled_at": changed if cancelled else None,
                "amount": order["total"],
                "currency": order["currency"],
                "changed_at": changed,
            }

    def order_lines(self, reading: Reading) -> Iterator[Row]:
        for order in self._sales(reading, LINES):
            lines = dig(order, "line_items", kind=list)
            if not reading.only_ids:
                self._learn({line["product_id"] for line in lines if line.get("product_id")})
            for line in lines:
                product = line.get("product_id") or None
                told = {
                    "order_id": order["id"],
                    "line_no": line["id"],
                    "product_id": product,
                    "category": self.categories.get(product),
                    "quantity": line["quantity"],
                    "amount": Decimal(line["total"]) + Decimal(line.get("total_tax") or 0),
                    "changed_at": _utc(order["date_modified_gmt"]),
                }
                yield as_sure_as(order, told)

    def refunds(self, reading: Reading) -> Iterator[Row]:
        fields = {"_fields": "id,parent_id,date_created_gmt,amount"}
        try:
            for page in self._by_date("/refunds", "after", "date", "date_created_gmt", reading, fields):
                if not page:
                    continue
                ids = sorted({refund["parent_id"] for refund in page})
                orders = self._get("/orders", include=ids, status="any", per_page=PER_PAGE, _fields="id,currency")
                currencies = {order["id"]: order["currency"] for order in orders}
                for refund in page:
                    told = {
                        "refund_id": refund["id"],
                        "order_id": refund["parent_id"],
                        "refunded_at": _utc(refund["date_created_gmt"]),
                        "amount": abs(Decimal(refund["amount"])),
                        "currency": currencies.get(refund["parent_id"]),
                    }
                    if refund["parent_id"] in currencies:
                        yield told
                    elif reading.only_ids:
                        yield unsure(told)
                    else:
                        reading.left_out["refunds of orders that are no more"] += 1
        except Refused as refusal:
            if refusal.status == 404:
                raise ConfigError(
                    f"connection '{self.source.connection}': WooCommerce does not list refunds, as 9.0 and newer do. "
                    "Update it, or leave refunds out of 'entities'."
                ) from None
            raise

    def customers(self, reading: Reading) -> Iterator[Row]:
        """Accounts, all or new ones, and guests of the orders that changed."""
        all_on = reading.earlier.get("all_on")
        days = self.source.all_customers_every_days
        everything = reading.since is None or not all_on or date.fromisoformat(all_on) + timedelta(days) <= self.as_of
        reading.more["all_on"] = str(self.as_of) if everything else all_on
        fields = ACCOUNT_DATES if reading.only_ids else CUSTOMER
        for account in self._accounts(fields) if everything else self._new_accounts(reading.since):
            yield self._customer(account, account["id"], account.get("email"))
        yield from guests(self._guests(reading), reading)

    def _guests(self, reading: Reading) -> Iterator[Row]:
        for order in self._sales(reading, ORDER):
            email = part(order, "billing").get("email")
            if not order["customer_id"] and email:
                yield as_sure_as(order, self._customer(order, email_key(email), email))

    def _customer(self, known: Row, customer_id: Any, email: str | None) -> Row:
        billing = part(known, "billing")
        return {
            "customer_id": customer_id,
            "email": email,
            "phone": billing.get("phone"),
            "country": billing.get("country"),
            "registered_at": _utc(known["date_created_gmt"]),
            "changed_at": _utc(known.get("date_modified_gmt") or known["date_created_gmt"]),
        }

    def _sales(self, reading: Reading, fields: str) -> Iterator[Row]:
        """Orders that changed and are sales, or were told of as such by an earlier night; of ids, all there are."""
        wants_trash = reading.since is not None or reading.only_ids  # 'any' leaves it out
        for status in ("any", "trash") if wants_trash else ("any",):
            wanted = {"status": status, "dp": 4, "_fields": fields}
            for page in self._by_date("/orders", "modified_after", "modified", "date_modified_gmt", reading, wanted):
                for order in page:
                    unpaid = order["status"] == "cancelled" and not order.get("date_paid_gmt")
                    if order["status"] not in (*self.source.no_orders, "trash") and not unpaid:
                        yield order
                    elif self._was_told_of(order, reading):
                        yield order | {"status": "cancelled"}
                    elif reading.only_ids:
                        yield unsure(order)
                    elif order["status"] != "trash":
                        reading.left_out["orders that nobody paid for"] += 1

    def _was_told_of(self, order: Row, reading: Reading) -> bool:
        """Whether it may have been a sale when an earlier night read it, and is none only since then."""
        created, changed = moment(_utc(order["date_created_gmt"])), moment(_utc(order["date_modified_gmt"]))
        return reading.delivered_before(created) and changed > reading.stored - timedelta(hours=1)

    def _by_date(
        self, path: str, after: str, order_by: str, field: str, reading: Reading, params: Row
    ) -> Iterator[list[Row]]:
        """Pages of everything dated since then, oldest first, each row once unless it changes meanwhile.

        Pages are counted within a second only. Otherwise each begins where the last one ended: page numbers shift when
        rows come and go, and rows would be lost between them.
        """
        params = params | {"orderby": order_by, "order": "asc", "per_page": PER_PAGE, "dates_are_gmt": "true"}
        since, page, rows = reading.since, 1, []
        known: set[tuple[int, str]] = set()  # of the second that is read again
        while True:
            bound = {after: text_of(since - SECOND).removesuffix("Z")} if since else {}  # it means: later than
            before, rows = rows, self._get(path, **params, **bound, page=page)
            if page > 1 and rows == before:
                raise RetriableError(f"WooCommerce: the pages of {path} are all the same. Is a cache between?")
            fresh = [row for row in rows if (row["id"], row[field]) not in known]
            reading.saw(_utc(row[field]) for row in fresh)
            yield fresh
            if not rows or (not fresh and len(rows) < PER_PAGE):
                return
            newest = rows[-1][field]
            last = moment(_utc(newest))
            if since is not None and last < since - SECOND:
                raise RetriableError(f"WooCommerce: {path} does not come in the order that was asked for.")
            page = page + 1 if last == since else 1
            kept = known if last == since else set()
            known = kept | {(row["id"], row[field]) for row in rows if row[field] == newest}
            since = last

    def _accounts(self, fields: str) -> Iterator[Row]:
        """Every account by its id. Each page begins with the last row of the one before, so none is skipped."""
        seen, last = 0, 0
        while True:
            offset = max(seen - 1, 0)
            rows = self._get(
                "/customers", role="all", orderby="id", order="asc", per_page=PER_PAGE, offset=offset, _fields=fields
            )
            if last and (not rows or rows[0]["id"] > last):  # somebody before it is gone: go back
                seen = max(offset - PER_PAGE, 0)
                last = last if seen else 0
                continue
            fresh = [row for row in rows if row["id"] > last]
            yield from fresh
            if not fresh:
                return
            seen, last = offset + len(rows), rows[-1]["id"]

    def _new_accounts(self, since: datetime) -> Iterator[Row]:
        page, newest = 1, {"role": "all", "orderby": "registered_date", "order": "desc", "_fields": CUSTOMER}
        while rows := self._get("/customers", **newest, per_page=PER_PAGE, page=page):
            for row in rows:
                if moment(_utc(row["date_created_gmt"])) < since:
                    return
                yield row
            page += 1

    def _learn(self, products: set[int]) -> None:
        """The first category of products, as far as they still exist."""
        if len(self.categories) > PRODUCTS_KNOWN:
            self.categories.clear()
        missing = sorted(products - self.categories.keys())
        for n in range(0, len(missing), PER_PAGE):
            asked = missing[n : n + PER_PAGE]
            self.categories |= dict.fromkeys(asked)
            for product in self._get("/products", include=asked, per_page=PER_PAGE, _fields="id,categories"):
                names = [c.get("name") for c in product.get("categories") or []]
                self.categories[product["id"]] = names[0] if names else None

    def _get(self, path: str, **params: Any) -> list[Row]:
        texts = {name: ",".join(map(str, v)) if isinstance(v, list) else v for name, v in params.items()}
        return dig(self.client.call("GET", path, repeat=True, params=texts), kind=list)


def _utc(text: Any) -> str | None:
    """Its GMT times come without a zone."""
    return f"{text}+00:00" if text else None
