"""Rows that are plainly right, found in Arrow: what PostgreSQL would surely accept, and read the same.

A row is either plain or left to rowcheck.py, which alone says what is wrong. So a rule here may be narrower than its
twin there, never wider; a test holds the two together with hostile rows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from perennial.sources.base import PHONE_COLUMN, Exclusion
from perennial.sources.base import Column as Origin
from perennial.sources.base import Entity as Mapping
from perennial.sources.cursor import CLOCK_DRIFT
from perennial.warehouse import payload_hash, plain_values
from perennial.warehouse.contract import Column, Entity

TYPES = ("text", "timestamp", "number", "whole", "currency")
MOST_BYTES = 1 << 28  # of a batch: joined texts have to fit into 2 GB
SPOILT = "\ufffd"


@dataclass(frozen=True)
class Plain:
    """Plain rows: values by contract column (text, or int64 as binary_copy.py takes it), and a hash each."""

    values: dict[str, pa.Array]
    hashes: np.ndarray

    def __len__(self) -> int:
        return len(self.hashes)


class Finder:
    """Finds the plain rows of one batch; `offsets` tells what a local day is in UTC, see local_days.py."""

    def __init__(
        self,
        entity: Entity,
        mapping: Mapping,
        currencies: tuple[str, ...],
        extracted_at: str,
        offsets: Callable[[np.ndarray], np.ndarray],
    ) -> None:
        self._columns = [c for c in entity.columns if c.name in mapping.columns]
        self._origins, self._exclude = mapping.columns, mapping.exclude
        self._currencies, self._offsets = currencies, offsets
        latest = datetime.fromisoformat(extracted_at) + CLOCK_DRIFT
        self._latest = int(latest.timestamp() * 1_000_000)

    @property
    def can(self) -> bool:
        """Whether rows of that entity can be plain at all."""
        said = [text for o in self._origins.values() for text in (o.constant, *(o.values or {}).values()) if text]
        return all(c.type in TYPES for c in self._columns) and not any(SPOILT in t or "\0" in t for t in said)

    def find(self, rows: pa.RecordBatch) -> tuple[Plain | None, np.ndarray]:
        """The plain rows, and which they are; None where there are none."""
        count = rows.num_rows
        if rows.nbytes > MOST_BYTES:
            return None, np.zeros(count, bool)
        is_plain = _Both(count)
        if "_problem" in rows.schema.names:
            is_plain.also(rows.column("_problem").is_null())
        for rule in self._exclude:
            is_plain.also(_kept(rule, rows.column(rule.column)))
        texts = {c.name: self._mapped(self._origins[c.name], rows, is_plain) for c in self._columns}
        values = {c.name: self._value(c, texts[c.name], is_plain) for c in self._columns}
        if not is_plain.everywhere:
            wanted = pa.array(is_plain.mask)
            texts = {name: text.filter(wanted) for name, text in texts.items()}
            values = {name: value.filter(wanted) for name, value in values.items()}
        if not is_plain.mask.any():
            return None, is_plain.mask
        return Plain(values, payload_hash.payload_hashes(list(texts.values()))), is_plain.mask

    def _mapped(self, origin: Origin, rows: pa.RecordBatch, is_plain: "_Both") -> pa.Array:
        """Twin of rowcheck.mapped."""
        if origin.constant is not None:
            return pa.repeat(pa.scalar(origin.constant, pa.string()), rows.num_rows)
        text = rows.column(PHONE_COLUMN if origin.as_ == "phone" else origin.from_)
        is_plain.also(plain_values.is_clean(text))
        text = plain_values.without_blanks(text)
        if origin.values:
            meant = pa.array(list(origin.values.values()), pa.string())
            places = pc.index_in(text, value_set=pa.array(list(origin.values), pa.string()))
            text = pc.coalesce(meant.take(places), text)
        if origin.as_ == "email_key":
            is_plain.also(pc.string_is_ascii(text))
            text = payload_hash.email_keys(pc.if_else(pc.string_is_ascii(text), text, None))
        return text

    def _value(self, column: Column, text: pa.Array, is_plain: "_Both") -> pa.Array:
        """The value of a column; rows in which a rule of the contract might be broken are noted in `is_plain`."""
        origin = self._origins[column.name]
        if column.required and text.null_count:
            is_plain.also(text.is_valid())
        accepted = column.choices or (tuple(origin.values.values()) if column.declared and origin.values else ())
        if accepted:
            is_plain.also(_one_of(text, accepted))
        if column.type == "currency":
            is_plain.also(_one_of(text, self._currencies))
        if column.type not in ("number", "whole", "timestamp"):
            return text
        if column.type == "number":
            value = plain_values.cents(text) if origin.as_ == "cents" else plain_values.ten_thousandths(text)
        elif column.type == "whole":
            value = plain_values.whole(text)
        else:
            value = plain_values.moments(text, self._offsets)
        is_plain.also(pc.equal(value.is_null(), text.is_null()))
        if column.positive:
            is_plain.also(pc.greater_equal(value, 0))
        if column.past:
            is_plain.also(pc.less_equal(value, self._latest))
        return value


class _Both:
    """Rows of which everything asked so far is true. Null, where a rule does not apply, is true."""

    def __init__(self, count: int) -> None:
        self.mask, self.everywhere = np.ones(count, bool), True

    def also(self, told: pa.Array | None) -> None:
        """None says it of all rows at once."""
        if told is None:
            return
        found = pc.fill_null(told, True).to_numpy(zero_copy_only=False)
        if not found.all():
            self.mask &= found
            self.everywhere = False


def _one_of(text: pa.Array, accepted: tuple[str, ...]) -> pa.Array:
    return pc.or_(pc.is_in(text, value_set=pa.array(accepted, pa.string())), text.is_null())


def _kept(rule: Exclusion, text: pa.Array) -> pa.Array:
    """Whether a rule surely leaves a row alone: small letters beyond ASCII are PostgreSQL's to make."""
    name, words = rule.test
    small = pc.ascii_lower(pc.ascii_trim(text, " "))
    if name in ("equals", "one_of"):
        hit = pc.is_in(small, value_set=pa.array(words, pa.string()))
    else:
        tests = {"starts_with": pc.starts_with, "ends_with": pc.ends_with, "contains": pc.match_substring}
        hit = tests[name](small, words[0])
    clean = plain_values.is_clean(text)
    kept = pc.and_(pc.invert(hit), pc.string_is_ascii(text))
    return kept if clean is None else pc.and_(kept, clean)
