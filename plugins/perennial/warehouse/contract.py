"""The contract every source maps into: entities, their columns, and what makes a row acceptable.

`raw.<entity>` has exactly these columns (sql/), a test holds the two together. A row that breaks the contract goes to
`quarantine.rejected_rows`; nothing is dropped.
"""

from dataclasses import dataclass
from typing import Literal

Type = Literal["text", "timestamp", "date", "number", "whole", "currency", "currency_code", "rate"]


@dataclass(frozen=True)
class Column:
    """One contract column.

    `past` marks timestamps of things that happened: never later than the extraction. `positive` marks amounts whose
    sign says nothing: a negative one would turn its meaning round. `declared` marks columns whose accepted values are
    the ones the source's mapping names.
    """

    name: str
    type: Type = "text"
    required: bool = False
    choices: tuple[str, ...] = ()
    past: bool = False
    positive: bool = False
    declared: bool = False


@dataclass(frozen=True)
class Entity:
    """One raw table. `key` is the natural id within a source; `version` orders versions of a row, if delivered."""

    name: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    version: str | None = None

    @property
    def dated(self) -> str | None:
        """The column that tells when it happened, where every row has one."""
        return next((c.name for c in self.columns if c.type == "timestamp" and c.required and c.past), None)


def _entity(name: str, key: str, *columns: Column, version: str | None = None) -> Entity:
    return Entity(name, tuple(key.split()), columns, version)


ENTITIES: dict[str, Entity] = {
    entity.name: entity
    for entity in (
        _entity(
            "customers",
            "customer_id",
            Column("customer_id", required=True),
            Column("email"),
            Column("phone"),
            Column("country"),
            Column("acquisition_source"),
            Column("loyalty_number"),
            Column("email_verified", choices=("true", "false")),
            Column("registered_at", "timestamp", required=True, past=True),
            Column("changed_at", "timestamp"),
            version="changed_at",
        ),
        _entity(
            "orders",
            "order_id",
            Column("order_id", required=True),
            Column("customer_id", required=True),
            Column("ordered_at", "timestamp", required=True, past=True),
            Column("status", required=True, choices=("placed", "cancelled")),
            Column("cancelled_at", "timestamp", past=True),
            Column("amount", "number", required=True),
            Column("currency", "currency", required=True),
            Column("changed_at", "timestamp"),
            version="changed_at",
        ),
        _entity(
            "order_lines",
            "order_id line_no",
            Column("order_id", required=True),
            Column("line_no", "whole", required=True),
            Column("product_id"),
            Column("category"),
            Column("quantity", "number"),
            Column("amount", "number", required=True),
            Column("changed_at", "timestamp"),
            version="changed_at",
        ),
        _entity(
            "refunds",
            "refund_id",
            Column("refund_id", required=True),
            Column("order_id", required=True),
            Column("refunded_at", "timestamp", required=True, past=True),
            Column("amount", "number", required=True, positive=True),
            Column("currency", "currency", required=True),
        ),
        _entity(
            "consents",
            "customer_id channel purpose changed_at",
            Column("customer_id", required=True),
            Column("channel", required=True, choices=("email", "sms")),
            Column("purpose", required=True),
            Column("status", required=True, choices=("granted", "denied")),
            Column("changed_at", "timestamp", required=True),
        ),
        _entity(
            "events",
            "event_id",
            Column("event_id", required=True),
            Column("customer_id", required=True),
            Column("event_type", required=True, declared=True),
            Column("occurred_at", "timestamp", required=True, past=True),
            Column("scheduled_for", "timestamp"),
            Column("changed_at", "timestamp"),
            version="changed_at",
        ),
        # what one unit of `base` was worth in `currency` from that day on; told again, a rate replaces the earlier one
        _entity(
            "exchange_rates",
            "base currency rated_on",
            Column("base", "currency_code", required=True),
            Column("currency", "currency_code", required=True),
            Column("rated_on", "date", required=True),
            Column("rate", "rate", required=True),
        ),
        _entity(
            "links",
            "customer_id other_source other_customer_id",
            Column("customer_id", required=True),
            Column("other_source", required=True),
            Column("other_customer_id", required=True),
            Column("status", choices=("linked", "unlinked")),
            Column("changed_at", "timestamp"),
            version="changed_at",
        ),
    )
}
