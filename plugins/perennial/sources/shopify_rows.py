"""Shopify's nodes as rows of the contract; `money` is shop or presentment. See shopify.py for what counts as what."""

from collections.abc import Iterator
from decimal import Decimal

from perennial.http_client import dig, part
from perennial.sources.api import Row, email_key


def customers(node: Row, money: str) -> Iterator[Row]:
    """A customer."""
    yield {
        "customer_id": _number(node["id"]),
        "email": part(node, "defaultEmailAddress").get("emailAddress"),
        "phone": part(node, "defaultPhoneNumber").get("phoneNumber"),
        "country": part(node, "defaultAddress").get("countryCodeV2"),
        "registered_at": node["createdAt"],
        "changed_at": node["updatedAt"],
    }


def consents(node: Row, money: str) -> Iterator[Row]:
    """What she said of e-mails and of messages."""
    for channel, name in (("email", "defaultEmailAddress"), ("sms", "defaultPhoneNumber")):
        state, at = part(node, name).get("marketingState"), part(node, name).get("marketingUpdatedAt")
        granted = state == "SUBSCRIBED"
        # a state that was changed to anything else is no consent any more; without a date nothing was ever said
        if granted or (state and at) or state in ("UNSUBSCRIBED", "REDACTED"):
            yield {
                "customer_id": _number(node["id"]),
                "channel": channel,
                "purpose": "marketing",
                "status": "granted" if granted else "denied",
                "changed_at": at or node["createdAt" if granted else "updatedAt"],
            }


def orders(node: Row, money: str) -> Iterator[Row]:
    """An order, as it was sold."""
    sold, currency = _money(node, "totalPriceSet", money)
    cancelled = node.get("cancelledAt")
    if not cancelled:
        # what was taken off without giving money back was never sold, unless it had been paid for
        left, refunded = _money(node, "currentTotalPriceSet", money)[0], _money(node, "totalRefundedSet", money)[0]
        sold = min(sold, max(left + refunded, _money(node, "totalReceivedSet", money)[0]))
    customer = part(node, "customer").get("id")
    yield {
        "order_id": _number(node["id"]),
        "customer_id": _number(customer) if customer else email_key(node.get("email")),
        "ordered_at": node.get("processedAt") or node["createdAt"],
        "status": "cancelled" if cancelled else "placed",
        "cancelled_at": cancelled,
        "amount": sold,
        "currency": currency,
        "changed_at": node["updatedAt"],
    }


def refunds(node: Row, money: str) -> Iterator[Row]:
    """The money that went back of an order."""
    for refund in node.get("refunds") or []:
        amount, currency = _money(refund, "totalRefundedSet", money)
        if amount:  # goods that came back without money are none
            yield {
                "refund_id": _number(refund["id"]),
                "order_id": _number(node["id"]),
                "refunded_at": refund.get("createdAt") or node["updatedAt"],
                "amount": amount,
                "currency": currency,
            }


def order_lines(node: Row, money: str) -> Iterator[Row]:
    """A line, of its order."""
    if "__parentId" in node:
        product = part(node, "product")
        yield {
            "order_id": _number(node["__parentId"]),
            "line_no": _number(node["id"]),
            "product_id": _number(product["id"]) if product else None,
            "category": product.get("productType") or None,
            "quantity": node.get("quantity"),
            "amount": _money(node, "discountedTotalSet", money)[0],
        }


def ids(entity: str, node: Row, money: str) -> Iterator[Row]:
    """Of a node only its id, and when it was made."""
    if entity == "customers":
        yield {"customer_id": _number(node["id"]), "registered_at": node["createdAt"]}
    elif entity == "orders":
        yield {"order_id": _number(node["id"]), "ordered_at": node.get("processedAt") or node["createdAt"]}
    elif entity == "refunds":
        yield from refunds(node, money)
    elif "__parentId" in node:
        yield {"order_id": _number(node["__parentId"]), "line_no": _number(node["id"])}


def _money(node: Row, name: str, money: str) -> tuple[Decimal, str]:
    found = dig(node, name, f"{money}Money", kind=dict)
    return Decimal(dig(found, "amount", kind=str)), dig(found, "currencyCode", kind=str)


def _number(gid: str) -> str:
    """123 of gid://shopify/Order/123?more."""
    return str(gid).rpartition("/")[2].partition("?")[0]
