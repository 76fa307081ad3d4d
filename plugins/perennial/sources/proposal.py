"""Which column of a table is probably which of the contract, by what such columns are usually called."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from perennial.warehouse.contract import Column, Entity

ENDINGS = ("_id", "_no", "_number", "_key", "_ref", "")
PERSON = " ".join(who + how for who in ("customer", "buyer", "client", "user", "account", "member") for how in ENDINGS)
CALLED = {  # the likeliest first; `own` is the entity itself: order, refund
    "customer_id": PERSON,
    "order_id": "order_id order_no order_number order_ref order",
    "product_id": "product_id product_no sku article_no article variant_id item_id",
    "line_no": "line_no line_number line position item_no",
    "email": "email email_address e_mail mail",
    "phone": "phone phone_number mobile mobile_number telephone tel",
    "country": "country country_code",
    "acquisition_source": "acquisition_source utm_source referrer",
    "registered_at": "registered_at created_at signed_up_at signup_date joined_at registration_date created date",
    "ordered_at": "ordered_at placed_at purchased_at order_date created_at created order_time date",
    "refunded_at": "refunded_at refund_date created_at created date",
    "occurred_at": "occurred_at happened_at event_time created_at timestamp created date",
    "scheduled_for": "scheduled_for scheduled_at",
    "cancelled_at": "cancelled_at canceled_at",
    "changed_at": "changed_at updated_at modified_at last_modified date_modified updated modified",
    "amount": "amount total total_amount grand_total order_total total_price gross_amount price value",
    "quantity": "quantity qty units",
    "category": "category product_category product_type department",
    "currency": "currency currency_code cur",
    "status": "status state order_status",
    "channel": "channel",
    "purpose": "purpose",
    "event_type": "event_type type kind event",
}
# where the same word would mean something else: the status of an account is no consent, the price of a piece no sum
CALLED_IN = {
    ("consents", "status"): "consent_status consent opt_in opted_in optin subscribed is_subscribed status",
    ("order_lines", "amount"): "line_total line_amount total total_amount total_price amount",
}
# may tell what a consent is for, or how it may be used
NARROWS = "type kind topic subject scope category list list_name consent_type consent_kind subscription_type"
OWN_ID = ("{own}_id", "{own}_no", "{own}_number", "{own}_key", "id", "number", "no", "uuid")
MEANT = {
    ("orders", "status"): {
        "placed": "placed paid completed complete shipped delivered fulfilled processing",
        "cancelled": "cancelled canceled void voided",
    },
    ("consents", "status"): {
        "granted": "granted subscribed opted_in yes y true t 1",
        "denied": "denied unsubscribed opted_out no n false f 0",
    },
    ("consents", "channel"): {"email": "email e_mail", "sms": "sms"},
}
INSTEAD = {("orders", "status"): "placed"}  # never what a consent is for: only a person knows


@dataclass
class Proposal:
    """Origins by contract column, as sources.yml says them; what a person has to find; values that mean nothing yet."""

    columns: dict[str, Any] = field(default_factory=dict)
    cursor: str | None = None
    missing: list[str] = field(default_factory=list)
    narrowing: list[str] = field(default_factory=list)  # columns that may say that some consents are none
    unknown_values: dict[str, list[str]] = field(default_factory=dict)  # by source column


def propose(
    entity: Entity,
    columns: list[str],
    values: Callable[[str], list[str]],
    currency: str,
    given: dict[str, str | dict[str, str]],
) -> Proposal:
    """Map `columns` of a table to an entity. `values` tells what stands in a column; `given` what a person said.

    A person names the column of the source for one of the contract, or a constant as sources.yml has it.
    """
    found = Proposal()
    for column in entity.columns:
        origin = given.get(column.name) or _called(entity, column, columns)
        if isinstance(origin, dict):
            found.columns[column.name] = origin
        elif origin:
            found.columns[column.name] = _origin(entity, column, origin, values, found)
        elif column.type == "currency":
            found.columns[column.name] = {"constant": currency}
        elif instead := INSTEAD.get((entity.name, column.name)):
            found.columns[column.name] = {"constant": instead}
        elif column.required:
            found.missing.append(column.name)
    cursor = found.columns.get("changed_at")
    found.cursor = cursor if isinstance(cursor, str) else None
    if entity.name == "consents":
        found.narrowing = _narrowing(found, columns)
    return found


def _narrowing(found: Proposal, columns: list[str]) -> list[str]:
    """Columns that may tell consents apart, unless others tell channel and purpose of each."""
    read = {name: o["from"] if isinstance(o, dict) else o for name, o in found.columns.items() if "constant" not in o}
    if {"channel", "purpose"} <= set(read):
        return []
    return [name for name in columns if _plain(name) in NARROWS.split() and name not in read.values()]


def _called(entity: Entity, column: Column, columns: list[str]) -> str | None:
    """The column of the source that is called so; as it is, or in cents."""
    own = entity.name.removesuffix("s")
    # a part of a key is no id of its own: the `id` of a line is not its number within the order
    names = [name.format(own=own) for name in OWN_ID] if entity.key == (column.name,) else []
    names += CALLED_IN.get((entity.name, column.name), CALLED.get(column.name, column.name)).split()
    by_name = {_plain(name): name for name in columns}
    for name in dict.fromkeys(names):
        for spelled in (name, f"{name}_cents") if column.type == "number" else (name,):
            if spelled in by_name:
                return by_name[spelled]
    return None


def _origin(entity: Entity, column: Column, origin: str, values: Callable[[str], list[str]], found: Proposal) -> Any:
    if column.type == "number" and _plain(origin).endswith("_cents"):
        return {"from": origin, "as": "cents"}
    if not column.choices and not column.declared:
        return origin
    seen = values(origin)
    words = {word: meant for meant, said in MEANT.get((entity.name, column.name), {}).items() for word in said.split()}
    meant = {value: value if column.declared else words.get(_word(value)) for value in seen}
    if strange := [value for value, means in meant.items() if means is None]:
        found.unknown_values[origin] = strange
    return {"from": origin, "values": {value: means for value, means in meant.items() if means}}


def _plain(name: str) -> str:
    """CustomerNo and customer-no are customer_no."""
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()).strip("_")


def _word(value: str) -> str:
    """Opted-In is opted_in; nothing is left out, or -1 would be 1."""
    return re.sub(r"[ -]", "_", value.strip().lower())
