"""National phone numbers made international, where it is stated of which country they are: nothing is guessed.

The source's entry says `default_country`. A customer's own country, where it is delivered as a code of two letters,
comes before it; `own` means that there is no other. What is no valid number there stays as it was delivered, and is
counted.
"""

from dataclasses import dataclass, field

import phonenumbers
import pyarrow as pa
import pyarrow.compute as pc

from perennial.sources.base import OWN_COUNTRY, Entity, Settings
from perennial.sources.base import PHONE_COLUMN as COMPLETED
from perennial.warehouse.masking import shown

BETWEEN = "\x1f"


def international(phone: str, country: str | None) -> str | None:
    """A number as + and digits (E.164), or None if it is none. `country`: ISO code of what has no + in front."""
    try:
        number = phonenumbers.parse(phone, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


@dataclass
class Phones:
    """Completes the numbers of one batch, as a column of its own: what was delivered stays what it was."""

    column: str
    country: str | None  # source column
    default: str | None
    invalid: dict[str, int] = field(default_factory=dict)  # rows, by masked number

    @classmethod
    def of(cls, source: Settings, entity: str) -> "Phones | None":
        """None where there is nothing to complete."""
        origins = source.entities[entity].columns
        phone, country = origins.get("phone"), origins.get("country")
        if source.default_country is None or phone is None or phone.from_ is None:
            return None
        default = None if source.default_country == OWN_COUNTRY else source.default_country
        if country is not None and country.constant:
            default = country.constant
        return cls(phone.from_, country.from_ if country else None, default)

    def mapped(self, mapping: Entity) -> Entity:
        """The mapping of rows that `complete` was given."""
        phone = mapping.columns["phone"].model_copy(update={"as_": "phone"})
        return mapping.model_copy(update={"columns": mapping.columns | {"phone": phone}})

    def complete(self, rows: pa.RecordBatch, again: bool = False) -> pa.RecordBatch:
        """The rows with their numbers completed, each distinct one once; rows seen `again` were counted."""
        delivered = rows.column(self.column)
        own = rows.column(self.country) if self.country else pa.nulls(rows.num_rows, pa.string())
        both = pc.binary_join_element_wise(
            delivered, own, BETWEEN, null_handling="replace", null_replacement=""
        ).dictionary_encode()
        found = [self._one(*pair.rsplit(BETWEEN, 1)) for pair in both.dictionary.to_pylist()]
        valid = pa.array(found, pa.string()).take(both.indices)
        if not again:
            self._count(delivered, valid)
        return rows.append_column(COMPLETED, pc.coalesce(valid, delivered))

    def notes(self) -> list[str]:
        """What a person should know, without a number in it."""
        rows = sum(self.invalid.values())
        said = ", ".join(list(self.invalid)[:3])
        return [f"phone numbers that are valid in no stated country: {rows:,}, such as {said}"] if rows else []

    def _one(self, phone: str, country: str) -> str | None:
        own = country.strip().upper()
        return international(phone, own if own in phonenumbers.SUPPORTED_REGIONS else self.default)

    def _count(self, delivered: pa.Array, valid: pa.Array) -> None:
        given = pc.fill_null(pc.not_equal(pc.utf8_trim_whitespace(delivered), ""), False)
        for number in delivered.filter(pc.and_(given, valid.is_null())).to_pylist():
            masked = shown(number, is_contact=True)
            self.invalid[masked] = self.invalid.get(masked, 0) + 1
