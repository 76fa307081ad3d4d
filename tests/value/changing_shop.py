"""A shop whose past changes from night to night: late orders, refunds, cancellations, persons that merge and part."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from random import Random

import psycopg

from compiled_models import fill
from identity_tables import LINKS

INPUT = f"""
create schema if not exists input;
{LINKS};
create schema if not exists intermediate;
create table pii.input_customers (
    source text, source_customer_id text, email text, phone text, country text, acquisition_source text,
    registered_on date, loyalty_number text, is_email_verified boolean
);
create table input.input_orders (
    source text, order_id text, source_customer_id text, ordered_at timestamptz, ordered_on date, cancelled_on date,
    gross_amount numeric(18, 4), currency text,
    original_currency text, original_amount numeric(18, 4), exchange_rate numeric(38, 16)
);
create table input.input_refunds (
    source text, refund_id text, order_id text, refunded_on date, amount numeric(18, 4)
);
create table intermediate.int_events (customer_key text, event_type text, event_on date, scheduled_on date)
"""


@dataclass
class Order:
    """What a source says of an order."""

    who: int
    on: date
    gross: Decimal
    cancelled_on: date | None = None
    refunds: list[tuple[date, Decimal]] = field(default_factory=list)


@dataclass
class Shop:
    """Everything the sources say; `happen` lets a night pass."""

    chance: Random
    customers: int
    begins: date
    emails: dict[int, str] = field(default_factory=dict)
    won_by: dict[int, str] = field(default_factory=dict)
    orders: list[Order] = field(default_factory=list)

    def happen(self, night: date, times: int) -> None:
        """So many things are told tonight; each happened tonight or long ago."""
        for _ in range(times):
            self.chance.choice([self._order, self._order, self._refund, self._cancel, self._meet])(night)

    def _ago(self, night: date, since: date) -> date:
        return night - timedelta(days=self.chance.choice([0, self.chance.randint(0, (night - since).days)]))

    def _order(self, night: date) -> None:
        who = int(self.customers * self.chance.random() ** 2)
        gross = Decimal(self.chance.choice([0, 500, 1999, self.chance.randint(1, 9999)])) / 100
        self.orders.append(Order(who, self._ago(night, self.begins), gross))

    def _refund(self, night: date) -> None:
        if self.orders:
            order = self.chance.choice(self.orders)
            share = self.chance.choice([Decimal("0.25"), Decimal("0.5"), Decimal(1), Decimal("1.5")])
            order.refunds.append((self._ago(night, order.on), order.gross * share))

    def _cancel(self, night: date) -> None:
        if self.orders:
            order = self.chance.choice(self.orders)
            order.cancelled_on = None if order.cancelled_on else self._ago(night, order.on)

    def _meet(self, night: date) -> None:
        """Somebody gets an address that others may have too, loses it, or says how she was won."""
        who = self.chance.randrange(self.customers)
        if self.emails.pop(who, None) is None:
            self.emails[who] = f"{self.chance.randrange(self.customers // 4)}@example.com"
        self.won_by[who] = self.chance.choice(["search", "flyer"])

    def tell(self, session: psycopg.Connection) -> None:
        """Replace what the input tables say."""
        session.execute("truncate pii.input_customers, input.input_orders, input.input_refunds")
        fill(
            session,
            "pii.input_customers",
            "source, source_customer_id, email, acquisition_source, registered_on",
            (("s", n, self.emails.get(n), self.won_by.get(n), self.begins) for n in range(self.customers)),
        )
        fill(
            session,
            "input.input_orders",
            "source, order_id, source_customer_id, ordered_on, cancelled_on, gross_amount",
            (("s", n, o.who, o.on, o.cancelled_on, o.gross) for n, o in enumerate(self.orders)),
        )
        refunds = [(f"{n}/{m}", n, *r) for n, o in enumerate(self.orders) for m, r in enumerate(o.refunds)]
        fill(
            session,
            "input.input_refunds",
            "source, refund_id, order_id, refunded_on, amount",
            (("s", *refund) for refund in refunds),
        )
