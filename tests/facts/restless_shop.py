"""A shop that tells every night what changed: orders, refunds, rates, records, statements, also of days long gone."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from uuid import UUID

import psycopg

from compiled_models import fill

COLUMNS = {
    "orders": "order_id, customer_id, ordered_at, status, cancelled_at, amount, currency",
    "refunds": "refund_id, order_id, refunded_at, amount, currency",
    "customers": "customer_id, email, country, registered_at",
    "exchange_rates": "base, currency, rated_on, rate",
    "consents": "customer_id, channel, purpose, status, changed_at",
}


@dataclass
class Shop:
    """What happened so far; `tell` delivers what nobody was told yet."""

    chance: Random
    customers: int
    begins: date
    orders: dict[str, list] = field(default_factory=dict)
    refunds: dict[str, list] = field(default_factory=dict)
    news: dict[str, list[tuple]] = field(default_factory=lambda: {entity: [] for entity in COLUMNS})
    batches: int = 0

    def open(self, night: date, orders: int) -> None:
        """Everybody registers, some with the address of somebody else, and orders before the night."""
        for who in range(self.customers):
            self._register(who, self.begins, with_email=0.3)
        for _ in range(orders):
            self._order(self.begins + timedelta(days=self.chance.randrange((night - self.begins).days)))
        for day in range((night - self.begins).days + 1):
            self._rate(self.begins + timedelta(days=day))

    def happen(self, night: date, times: int) -> None:
        """So many things, each tonight, long ago or some days ahead."""
        kinds = [self._late_order, self._late_order, self._change, self._change, self._refund, *[self._meet] * 4]
        for _ in range(times):
            self.chance.choice([*kinds, self._say])(night)
        self._rate(night)
        self._rate(self._day(night, self.begins))

    def tell(self, session: psycopg.Connection, as_of: date) -> None:
        """One batch per entity; one in three belongs to an earlier night, as those of a backfill do."""
        for entity, rows in self.news.items():
            self.batches += 1
            batch = f"shop.{entity}.{self.batches}"
            of = as_of - timedelta(days=self.chance.choice([0, 0, 40]))
            session.execute(
                "insert into ops.batches values (%s, 'shop', %s, %s, %s, %s, %s, %s, 0, 0, '')",
                [batch, entity, of, datetime.combine(as_of, time(), UTC), *[len(rows)] * 3],
            )
            # of two attempts at a night the later one tells the newer version
            numbered = ((*row, "shop", UUID(int=n), batch, 10_000 * self.batches + n) for n, row in enumerate(rows))
            fill(session, f"raw.{entity}", f"{COLUMNS[entity]}, source, payload_hash, batch_id, row_no", numbered)
            rows.clear()

    def _day(self, night: date, since: date) -> date:
        """Tonight, on a day before, or some nights ahead."""
        return self.chance.choice(
            [night, since + timedelta(days=self.chance.randint(0, max((night - since).days, 0))), night + timedelta(2)]
        )

    def _moment(self, day: date) -> datetime:
        return datetime.combine(day, time(self.chance.randrange(24)), UTC)

    def _order(self, day: date) -> None:
        currency = self.chance.choice(["USD", "USD", "USD", "EUR", "CNY"])
        name = f"o{len(self.orders)}"
        self.orders[name] = [
            self._who(),
            self._moment(day),
            "placed",
            None,
            self.chance.randint(0, 9999) / 100,
            currency,
        ]
        self._told("orders", name)

    def _late_order(self, night: date) -> None:
        self._order(self._day(night, self.begins))

    def _change(self, night: date) -> None:
        """It is cancelled, placed after all, costs something else, or was somebody else's."""
        name = self.chance.choice(sorted(self.orders))
        order, what = self.orders[name], self.chance.choice(["cancel", "cancel", "cost", "move"])
        if what == "cost":
            order[4] = self.chance.randint(0, 9999) / 100
        elif what == "move":
            order[0] = self._who()
        elif order[2] == "cancelled":
            order[2:4] = "placed", None
        else:
            seen = self._moment(self._day(night, order[1].date()))
            order[2:4] = "cancelled", self.chance.choice([None, seen])
        self._told("orders", name)

    def _refund(self, night: date) -> None:
        """Something is given back, or an earlier refund was of another order, or of another amount."""
        of = self.chance.choice(sorted(self.orders))
        order = self.orders[of]
        name = f"r{self.chance.randrange(len(self.refunds) + 3)}"
        at = self._moment(self._day(night, order[1].date()))
        self.refunds[name] = [of, at, round(order[4] * self.chance.choice([0.25, 0.5, 1]), 2)]
        self.news["refunds"].append((name, *self.refunds[name], self.chance.choice([order[5], "USD"])))

    def _meet(self, night: date) -> None:
        """Somebody gets an address that somebody else may have, or is registered on another day."""
        self._register(self.chance.randrange(self.customers + 5), self._day(night, self.begins), with_email=0.8)

    def _register(self, who: int, day: date, with_email: float) -> None:
        email = f"{self.chance.randrange(self.customers // 3)}@x.org" if self.chance.random() < with_email else None
        self.news["customers"].append((f"c{who}", email, self.chance.choice(["US", None]), self._moment(day)))

    def _say(self, night: date) -> None:
        at = self._moment(self._day(night, self.begins))
        self.news["consents"].append((self._who(), "email", "marketing", self.chance.choice(["denied", "granted"]), at))

    def _rate(self, day: date) -> None:
        """One in four is not told."""
        for currency in ("EUR", "CNY"):
            if self.chance.random() < 0.75:
                rate = self.chance.randint(1, 20) / 10
                self.news["exchange_rates"].append((currency, "USD", day, rate))

    def _who(self) -> str:
        return f"c{self.chance.randrange(self.customers)}"

    def _told(self, entity: str, name: str) -> None:
        self.news[entity].append((name, *getattr(self, entity)[name]))


def said(session: psycopg.Connection, query: str) -> set[str]:
    """Its rows as text; all different."""
    rows: Iterable = session.execute(f"select cast(said as text) from ({query}) as said").fetchall()
    found = {row for (row,) in rows}
    assert len(found) == len(rows)
    return found
