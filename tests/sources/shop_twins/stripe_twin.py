"""Stripe in miniature. What it does is said at https://docs.stripe.com, in these places:

api/pagination: limit (100 at most), starting_after an id, newest first, has_more.
api/events/list: the last 30 days, type or types; previous_attributes of what was updated.
api/versioning: the header Stripe-Version decides which fields there are.
api/expanding_objects: expand[] puts an object where its id stands, in lists below `data`.
changelog/basil: until then, what a capture leaves of a hold, and a hold that is cancelled, has a refund of its own.
api/errors: `error` with type, code and message; 401 for a wrong key, 403 for one that may not.
api/customers/delete, api/customers/list: who was deleted is listed no more; payments cannot be deleted.
currencies: smallest units; no decimals, two or three.
"""

from datetime import datetime, timedelta
from typing import Any

from http_twin import Answer
from shop_twins.server import Request, Twin, must

KEY = "sk_live_0123456789abcdef"
LISTS = ("charges", "refunds", "disputes", "invoices", "customers", "subscriptions", "events")
KEPT = timedelta(days=30)


class StripeTwin(Twin):
    """One account; `now` is the moment of whatever happens next."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.objects: dict[str, list[dict[str, Any]]] = {name: [] for name in LISTS}  # oldest first
        self.forbidden = ""
        self.key = KEY
        super().__init__()

    def add(self, kind: str, made_id: str, at: datetime, event: str | None = None, **fields: Any) -> dict[str, Any]:
        made = {"id": made_id, "created": int(at.timestamp()), "livemode": True} | fields
        self.objects[kind].append(made)
        self.objects[kind].sort(key=lambda o: o["created"])
        self.happens(event or f"{kind[:-1]}.created", made, at)
        return made

    def happens(self, event: str, subject: dict[str, Any], at: datetime, **before: Any) -> None:
        data = {"object": dict(subject)} | ({"previous_attributes": before} if before else {})
        made = {"id": f"evt_{len(self.objects['events'])}", "created": int(at.timestamp()), "livemode": True}
        self.objects["events"].append(made | {"type": event, "data": data})
        self.objects["events"].sort(key=lambda o: o["created"])

    def add_customer(self, number: int, at: datetime, **fields: Any) -> dict[str, Any]:
        fields = {"email": f"c{number}@example.com", "phone": None, "address": {"country": "US"}} | fields
        return self.add("customers", f"cus_{number}", at, "customer.created", **fields)

    def delete_customer(self, number: int, at: datetime) -> None:
        found = next(c for c in self.objects["customers"] if c["id"] == f"cus_{number}")
        self.objects["customers"].remove(found)
        self.happens("customer.deleted", found, at)

    def add_charge(self, number: int, customer: int | None, at: datetime, amount: int, **fields: Any) -> dict[str, Any]:
        fields = {
            "amount": amount, "amount_captured": amount, "currency": "usd", "status": "succeeded", "captured": True,
            "customer": f"cus_{customer}" if customer else None, "payment_intent": f"pi_{number}", "invoice": None,
            "billing_details": {"email": None, "phone": None, "address": {"country": None}}, "receipt_email": None,
        } | fields  # fmt: skip
        return self.add("charges", f"ch_{number}", at, "charge.succeeded", **fields)

    def add_subscription(
        self, number: int, customer: int, at: datetime, days: int = 30, **fields: Any
    ) -> dict[str, Any]:
        period = {
            "current_period_start": int(at.timestamp()),
            "current_period_end": int((at + timedelta(days)).timestamp()),
        }
        fields = {
            "customer": f"cus_{customer}", "status": "active", "start_date": int(at.timestamp()),
            "cancel_at": None, "cancel_at_period_end": False, "canceled_at": None, "ended_at": None,
        } | period | fields  # fmt: skip
        return self.add("subscriptions", f"sub_{number}", at, "customer.subscription.created", **fields)

    def answer(self, request: Request) -> Answer:
        if request.headers.get("authorization") != f"Bearer {self.key}":
            return _refusal(401, "Invalid API Key provided: sk_live_********cdef")
        must(request.headers.get("stripe-version") == "2025-02-24.acacia", "a pinned version")
        parts = request.path.strip("/").split("/")
        must(request.method == "GET" and parts[0] == "v1" and parts[1] in LISTS, "a list that is read")
        if parts[1] == self.forbidden:
            return _refusal(403, f"The provided key does not have the required permissions on {parts[1]}.")
        if len(parts) == 4:
            invoice = next(o for o in self.objects["invoices"] if o["id"] == parts[2])
            return self._page(invoice["all_lines"], request)
        found = self.objects[parts[1]]
        if len(parts) == 3:
            one = next((o for o in found if o["id"] == parts[2]), None)
            return Answer(200, self._expanded(one, request, "charge")) if one else _refusal(404, "No such object")
        if parts[1] == "events":
            types = request.lists.get("types[]") or []
            must(0 < len(types) <= 20, "one to twenty types")
            found = [e for e in found if e["type"] in types and e["created"] > (self.now - KEPT).timestamp()]
        if parts[1] == "subscriptions":
            must(request.query.get("status") == "all", "ended ones are listed by status=all only")
        if charge := request.query.get("charge"):
            found = [o for o in found if o["charge"] == charge]
        if since := request.query.get("created[gte]"):
            found = [o for o in found if o["created"] >= int(since)]
        return self._page(found[::-1], request)

    def _page(self, newest_first: list[dict[str, Any]], request: Request) -> Answer:
        size = int(request.query["limit"])
        must(size <= 100, "at most 100 on a page")
        start = 0
        if after := request.query.get("starting_after"):
            ids = [o["id"] for o in newest_first]
            if after not in ids:
                return _refusal(400, f"No such object: '{after}'")
            start = ids.index(after) + 1
        page = newest_first[start : start + size]
        shown = [{k: v for k, v in o.items() if k != "all_lines"} for o in page]
        shown = [self._expanded(o, request, "data.charge") for o in shown]
        return Answer(200, {"object": "list", "data": shown, "has_more": start + size < len(newest_first)})

    def _expanded(self, one: dict[str, Any], request: Request, path: str) -> dict[str, Any]:
        if path not in (request.lists.get("expand[]") or []):
            return one
        return one | {"charge": next((o for o in self.objects["charges"] if o["id"] == one["charge"]), None)}


def _refusal(status: int, message: str) -> Answer:
    return Answer(status, {"error": {"type": "invalid_request_error", "message": message}})
