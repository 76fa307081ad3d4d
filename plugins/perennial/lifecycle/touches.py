"""What a customer did, from the ledger: orders, refunds and cancellations, by day."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import psycopg

LEDGER = """
    select event_on, event_type, source, order_id, ordered_on, amount from intermediate.int_ledger
    where customer_key = %s and event_on <= %s order by event_on, event_type, source, order_id, event_id
"""


@dataclass(frozen=True)
class Touch:
    """A row of the ledger: an order and its amount, or what a refund or cancellation took away again (negative)."""

    event_on: date
    event_type: str
    source: str
    order_id: str
    ordered_on: date
    amount: Decimal


@dataclass(frozen=True)
class Touches:
    """The ledger of some days, added up. Money given back counts on the day it was given back."""

    order_days: int
    net_spend: float
    refunds: int
    refunded: float
    cancellations: int
    cancelled: float


def read_touches(session: psycopg.Connection, key: str, on: date) -> list[Touch]:
    """The customer's ledger up to a day, oldest first."""
    return [Touch(**row) for row in session.execute(LEDGER, [key, on])]


def added_up(touches: list[Touch]) -> Touches:
    """Days with an order, and money in and out."""
    refunds = [t.amount for t in touches if t.event_type == "refund"]
    cancelled = [t.amount for t in touches if t.event_type == "cancellation"]
    return Touches(
        order_days=len({t.event_on for t in touches if t.event_type == "order" and t.amount > 0}),
        net_spend=float(sum(t.amount for t in touches)),
        refunds=len(refunds),
        refunded=float(sum(-amount for amount in refunds)),
        cancellations=len(cancelled),
        cancelled=float(sum(-amount for amount in cancelled)),
    )


def counted(touches: list[Touch]) -> list[date]:
    """The days of the orders that count: bought, and something of what was paid is left. A cancelled one has none."""
    orders: dict[tuple[str, str], list[Touch]] = {}
    for touch in touches:
        orders.setdefault((touch.source, touch.order_id), []).append(touch)
    return [
        rows[0].ordered_on
        for rows in orders.values()
        if sum(t.amount for t in rows) > 0 and any(t.event_type == "order" and t.amount > 0 for t in rows)
    ]
