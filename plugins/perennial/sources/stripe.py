"""Stripe: customers and guests, payments as orders with the lines of their invoices, refunds, subscriptions as events.

    billing:
      kind: stripe
      connection: billing              # password: a secret or restricted key that may read
      test_mode: false                 # true reads a test account, and nothing else
      disputes: refund                 # lost ones are refunds; or ignore

An order is a charge that succeeded and was captured, by what was captured: payment intents, checkouts and invoices are
ways to the same money and add nothing. An invoice paid outside Stripe has no charge and is an order itself. A dispute
that is lost is a refund on the day the money was withdrawn. A refund that fails in the end is one of nothing. Lists can
be asked by `created` only, which never changes, so what changed later is found among Stripe's events; it keeps those 30
days, and after a longer pause everything is read again. Payments cannot be deleted; customers can, and stay as they
were: the weekly sweep tells of them. It reads every list whole, since Stripe has no lists of ids.

A subscription is a `contract` that runs to the end of the period it is in, or to the day it ends; who cancels gives
`notice` of that day, taken back if she stays after all; when it is over that is a `termination`.

Rules and where they come from: https://docs.stripe.com/api/pagination, /api/events/list (30 days), /currencies (units),
/rate-limits, /api/subscriptions/object, /api/disputes/object; the fields are those of the version pinned below, since
later ones moved them: https://docs.stripe.com/changelog/basil
"""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

from perennial.clock import wall_clock
from perennial.connections import Connection
from perennial.errors import ConfigError, RetriableError
from perennial.http_client import Client, Pace, Refused, dig, part
from perennial.landing import Extract
from perennial.sources.api import ALL_IDS, ApiSettings, Reading, Row, address, email_key, guests, land, told_by, unsure

VERSION = "2025-02-24.acacia"
PER_PAGE = 100  # the most there is
EVENTS_KEPT = timedelta(days=28)  # it says 30; two for clocks and slow nights
# https://docs.stripe.com/currencies: all others count hundredths, ISK and UGX too although they have none
NO_DECIMALS = {"BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"}
THREE_DECIMALS = {"BHD", "JOD", "KWD", "OMR", "TND"}
NOT_SWEPT = {"events": "a subscription tells of the period it is in, no more of those before"}
READ_FIRST = ("order_lines", "refunds", "events", "orders", "customers")


class Settings(ApiSettings):
    """Which account, test or live, and what a lost dispute is."""

    kind: Literal["stripe"]
    test_mode: bool = False
    disputes: Literal["refund", "ignore"] = "refund"
    delivers = {  # noqa: RUF012
        "customers": "customer_id email phone country registered_at changed_at",
        "orders": "order_id customer_id ordered_at status amount currency",
        "order_lines": "order_id line_no product_id quantity amount",
        "refunds": "refund_id order_id refunded_at amount currency",
        "events": "event_id customer_id event_type occurred_at scheduled_for",
    }
    event_types = ("contract", "notice", "termination")


def open(
    name: str, source: Settings, connection: Connection | None, positions: dict[str, Any], as_of: date
) -> Iterator[tuple[str, Extract]]:
    """Yield every entity of the account; see the registry for the contract."""
    with told_by(name):
        account = _Account(source, connection)
    for entity in filter(source.entities.get, READ_FIRST):
        read: Callable[[Reading], Iterator[Row]] = getattr(account, entity)
        yield entity, land(name, source, entity, positions.get(entity), read)


def ids(name: str, source: Settings, connection: Connection | None, as_of: date) -> Iterator[tuple[str, Extract]]:
    """Yield the ids of every entity; see the registry for the contract."""
    yield from open(name, source, connection, dict.fromkeys(source.entities, ALL_IDS), as_of)


class _Account:
    """One account."""

    def __init__(self, source: Settings, connection: Connection | None) -> None:
        self.source = source
        url = address(connection, source, "https://api.stripe.com", "")
        if ("_test_" in connection.password[:8]) != source.test_mode:
            kind, other = ("a live", "a test") if source.test_mode else ("a test", "a live")
            raise ConfigError(
                f"connection '{source.connection}': has {kind} key where {other} account is meant. "
                "Change its password, or 'test_mode'."
            )
        headers = {"authorization": f"Bearer {connection.password}", "stripe-version": VERSION}
        self.client = Client(
            "Stripe", source.connection, url, connection.password, headers, {"default": Pace(20, 1200)},
            rights="the right to read charges, customers, disputes, events, invoices, refunds and subscriptions",
        )  # fmt: skip

    def orders(self, reading: Reading) -> Iterator[Row]:
        for charge in self._charges(reading):
            yield {
                "order_id": charge["id"],
                "customer_id": charge.get("customer") or email_key(_email(charge)),
                "ordered_at": _moment(charge["created"]),
                "status": "placed",
                "amount": _amount(charge["amount_captured"], charge["currency"]),
                "currency": charge["currency"].upper(),
            }
        for invoice in self._invoices(reading):
            if invoice.get("paid_out_of_band"):
                yield {
                    "order_id": invoice["id"],
                    "customer_id": invoice.get("customer") or email_key(invoice.get("customer_email")),
                    "ordered_at": _moment(part(invoice, "status_transitions").get("paid_at") or invoice["created"]),
                    "status": "placed",
                    "amount": _amount(invoice["amount_paid"], invoice["currency"]),
                    "currency": invoice["currency"].upper(),
                }

    def order_lines(self, reading: Reading) -> Iterator[Row]:
        for invoice in self._invoices(reading):
            order = invoice["id"] if invoice.get("paid_out_of_band") else invoice.get("charge")
            if order is None:  # paid with credit: no money moved
                continue
            lines = dig(invoice, "lines", kind=dict)
            # a paid invoice does not change any more, so its lines can be counted
            every = self._list(f"/v1/invoices/{invoice['id']}/lines") if lines.get("has_more") else lines["data"]
            for number, line in enumerate(every, start=1):
                off = sum(discount["amount"] for discount in line.get("discount_amounts") or [])
                yield {
                    "order_id": order,
                    "line_no": number,
                    "product_id": part(line, "price").get("product"),
                    "quantity": line.get("quantity"),
                    "amount": _amount(line["amount"] - off, line["currency"]),
                }

    def refunds(self, reading: Reading) -> Iterator[Row]:
        types = ("refund.updated", "refund.failed", "charge.refund.updated")
        for refund in self._changed("/v1/refunds", types, reading, expand="charge"):
            charge = part(refund, "charge")
            gone = refund.get("status") in ("failed", "canceled")
            told = {
                "refund_id": refund["id"],
                "order_id": charge.get("id") or refund.get("charge"),
                "refunded_at": _moment(refund["created"]),
                "amount": 0 if gone else _amount(refund["amount"], refund["currency"]),
                "currency": refund["currency"].upper(),
            }
            if reading.only_ids:
                yield unsure(told) if gone or (charge and _may_free_a_hold(refund, charge)) else told
            elif charge and self._was_never_captured(refund, charge):
                reading.left_out["refunds of what was held and not captured"] += 1
            elif not gone or reading.delivered_before(_at(refund["created"])):
                yield told
        if self.source.disputes == "ignore":
            return
        for dispute in self._changed("/v1/disputes", ("charge.dispute.closed",), reading):
            if dispute.get("status") == "lost":
                withdrawn = [t["created"] for t in dispute.get("balance_transactions") or []]
                yield {
                    "refund_id": dispute["id"],
                    "order_id": dispute["charge"],
                    "refunded_at": _moment(min(withdrawn, default=dispute["created"])),
                    "amount": _amount(dispute["amount"], dispute["currency"]),
                    "currency": dispute["currency"].upper(),
                }

    def events(self, reading: Reading) -> Iterator[Row]:
        types = tuple(f"customer.subscription.{what}" for what in ("updated", "deleted", "paused", "resumed"))
        taken_back: list[Row] = []
        for found in self._changed("/v1/subscriptions", types, reading, taken_back, status="all"):
            if not str(found.get("status")).startswith("incomplete"):  # the first payment never came
                yield from _contract(found)
        for event in taken_back:
            subscription = dig(event, "data", "object", kind=dict)
            before = dig(event, "data", "previous_attributes", "canceled_at", kind=int)
            yield _event(subscription, "notice", before, before)

    def customers(self, reading: Reading) -> Iterator[Row]:
        for customer in self._changed("/v1/customers", ("customer.updated",), reading):
            yield {
                "customer_id": customer["id"],
                "email": customer.get("email"),
                "phone": customer.get("phone"),
                "country": part(customer, "address").get("country"),
                "registered_at": _moment(customer["created"]),
            }
        yield from guests(self._guests(reading), reading)

    def _guests(self, reading: Reading) -> Iterator[Row]:
        for charge in self._charges(reading):
            if not charge.get("customer") and (email := _email(charge)):
                billing = part(charge, "billing_details")
                yield {
                    "customer_id": email_key(email),
                    "email": email,
                    "phone": billing.get("phone"),
                    "country": part(billing, "address").get("country"),
                    "registered_at": _moment(charge["created"]),
                    "changed_at": _moment(charge["created"]),
                }

    def _charges(self, reading: Reading) -> Iterator[Row]:
        for charge in self._changed("/v1/charges", ("charge.succeeded", "charge.captured", "charge.updated"), reading):
            if charge.get("status") == "succeeded" and charge.get("captured"):
                yield charge
            else:
                reading.left_out["payments that failed or were not captured"] += 1

    def _invoices(self, reading: Reading) -> Iterator[Row]:
        for invoice in self._changed("/v1/invoices", ("invoice.paid",), reading):
            if invoice.get("status") == "paid":
                yield invoice

    def _changed(
        self,
        path: str,
        types: tuple[str, ...],
        reading: Reading,
        taken_back: list[Row] | None = None,
        expand: str | None = None,
        **params: Any,
    ) -> Iterator[Row]:
        """What was created since then, and what is older and had one of these events since then."""
        since, oldest = reading.since, wall_clock() - EVENTS_KEPT
        everything = since is None or since < oldest
        if everything and since is not None:
            reading.notes.append("it is longer ago than Stripe keeps events, 30 days: everything is read")
        newer = {} if everything else {"created[gte]": int(since.timestamp())}
        expanded = {"expand[]": [f"data.{expand}"]} if expand else {}
        for found in self._list(path, **newer, **expanded, **params):
            reading.saw([_moment(found["created"])])
            yield from self._meant(found, reading)
        if since is None:
            return
        older: dict[str, None] = {}  # of one night: ids only
        asked = {"created[gte]": int(max(since, oldest).timestamp()), "types[]": list(types)}
        for event in self._list("/v1/events", **asked):
            reading.saw([_moment(event["created"])])
            subject = dig(event, "data", "object", kind=dict)
            if taken_back is not None and _is_taken_back(event):
                taken_back.append(event)
            if not everything and subject["created"] < since.timestamp():
                older[subject["id"]] = None
        for found_id in older:
            alone = {"expand[]": [expand]} if expand else None
            found = dig(self.client.call("GET", f"{path}/{found_id}", repeat=True, params=alone), kind=dict)
            if not found.get("deleted"):
                yield from self._meant(found, reading)

    def _was_never_captured(self, refund: Row, charge: Row) -> bool:
        """Whether it only lets go of a hold, or of the rest of one: by this version of the API that is a refund, too.

        The order counts by what was captured, so it is none. The rest goes first, when the capture is made.
        """
        if not _may_free_a_hold(refund, charge):
            return False
        if not charge.get("captured"):
            return True
        *_, first = self._list("/v1/refunds", charge=charge["id"])
        return first["id"] == refund["id"]

    def _meant(self, found: Row, reading: Reading) -> Iterator[Row]:
        if bool(found.get("livemode", not self.source.test_mode)) == self.source.test_mode:
            reading.left_out["test objects" if not self.source.test_mode else "live objects"] += 1
        else:
            yield found

    def _list(self, path: str, **params: Any) -> Iterator[Row]:
        """Newest first; what is made meanwhile comes before what was read already."""
        after: dict[str, str] = {}
        while True:
            try:
                answer = self.client.call("GET", path, repeat=True, params={**params, "limit": PER_PAGE, **after})
            except Refused as refusal:
                if after and refusal.status in (400, 404):
                    raise RetriableError(f"{refusal}. It may have been deleted while it was read: try again.") from None
                raise
            entries = dig(answer, "data", kind=list)
            yield from entries
            if not answer.get("has_more") or not entries:
                return
            if after == {"starting_after": entries[-1]["id"]}:
                raise RetriableError(f"Stripe: the pages of {path} go round in circles. Try again.")
            after = {"starting_after": entries[-1]["id"]}


def _may_free_a_hold(refund: Row, charge: Row) -> bool:
    """Whether it is of a hold, or of as much as the capture of one left."""
    rest = charge["amount"] - charge["amount_captured"]
    return not charge.get("captured") or (rest > 0 and refund["amount"] == rest)


def _contract(subscription: Row) -> Iterator[Row]:
    """What a subscription says about the customer's contract, as it is now."""
    start, ended = subscription["start_date"], subscription.get("ended_at")
    period, due = subscription["current_period_start"], subscription["current_period_end"]
    leaving = subscription.get("cancel_at") or (due if subscription.get("cancel_at_period_end") else None)
    if start < period:
        yield _event(subscription, "contract", start, start)  # when it began; until when was in older events
    yield _event(subscription, "contract", period, period, ended or leaving or due)
    if subscription.get("canceled_at"):
        given = subscription["canceled_at"]
        yield _event(subscription, "notice", given, given, ended or leaving)
    if ended:
        yield _event(subscription, "termination", ended, ended)


def _event(subscription: Row, kind: str, number: int, occurred: int, scheduled: int | None = None) -> Row:
    return {
        "event_id": f"{subscription['id']}:{kind}:{number}",
        "customer_id": subscription["customer"],
        "event_type": kind,
        "occurred_at": _moment(occurred),
        "scheduled_for": _moment(scheduled) if scheduled else None,
    }


def _is_taken_back(event: Row) -> bool:
    """Whether a subscription is cancelled no more."""
    before = part(part(event, "data"), "previous_attributes").get("canceled_at")
    return before is not None and part(part(event, "data"), "object").get("canceled_at") is None


def _email(charge: Row) -> str | None:
    return part(charge, "billing_details").get("email") or charge.get("receipt_email")


def _amount(units: int, currency: str) -> Decimal:
    """Smallest units as an amount: 1000 is 10.00 USD, 1000 JPY and 1.000 KWD."""
    code = currency.upper()
    return Decimal(units).scaleb(0 if code in NO_DECIMALS else -3 if code in THREE_DECIMALS else -2)


def _at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _moment(seconds: int) -> str:
    return _at(seconds).isoformat()
