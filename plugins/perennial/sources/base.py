"""What a source is: a system that tells of customers, orders and what else the contract knows.

A kind of source is one module of this package with two things:

    Settings(base.Settings)   what config/sources.yml says; `kind` is a Literal with the module's name
    open(...)                 reads; see the protocol below

and for the weekly sweep, which holds all ids against ours, at least one of two more:

    ids(...)                  reads the keys of everything there is; then Settings is one of base.SweptSettings
    NOT_SWEPT                 why not, by entity

The registry finds it, and so does the contract test. Errors name the source and what to do, never a row or a key.
"""

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, Literal, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from perennial.connections import Connection
from perennial.entry import Entry, Identifier, Misplaced
from perennial.landing import Extract
from perennial.warehouse import contract

RESERVED = (
    "_row_no",
    "_file",
    "_line",
    "_problem",
    "_text",
    "_rejected_in",
    "_rejected_row",
    "_phone",
    "_may_be_unknown",
)
PHONE_COLUMN = "_phone"  # numbers with their country's code, added while loading; see warehouse/phones.py
OWN_COUNTRY = "own"
MAY_BE_UNKNOWN = "_may_be_unknown"  # column of swept ids


def _known_zone(name: str) -> str:
    """an IANA time zone such as Europe/Paris"""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"is '{name}'; accepted: an IANA time zone such as Europe/Paris or Asia/Shanghai") from None
    return name


def _known_country(name: str) -> str:
    """an ISO country code of two letters such as DE, or own"""
    if name != OWN_COUNTRY and name not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError(
            f"is '{name}'; accepted: an ISO country code such as DE or \"NO\" (in quotes), or {OWN_COUNTRY}"
        )
    return name


Zone = Annotated[str, AfterValidator(_known_zone)]
# what YAML reads as a number or as true is a word all the same
Word = Annotated[str, BeforeValidator(lambda v: str(v) if isinstance(v, bool | int) else v), Field(min_length=1)]
TESTS = ("equals", "one_of", "starts_with", "ends_with", "contains")


class Column(Entry):
    """Where the value of one contract column comes from: a source column, perhaps transformed, or a constant."""

    from_: str | None = Field(default=None, alias="from")  # source column
    as_: Literal["cents", "email_key"] | None = Field(default=None, alias="as")
    values: dict[str, str] | None = None  # what it means, by what stands there
    constant: str | None = None  # the same in all rows

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return {"from": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_origin(self) -> "Column":
        """Either `from` or `constant`."""
        if self.from_ in RESERVED:
            raise ValueError(f"'{self.from_}' is a name of ours; give the column another name with a query")
        if (self.from_ is None) == (self.constant is None):
            raise ValueError("needs either 'from' (a source column) or 'constant'")
        return self


class Exclusion(Entry):
    """Rows that shall not count, such as test orders and those of the staff, by one source column; case is ignored."""

    column: str
    equals: Word | None = None
    one_of: list[Word] | None = Field(default=None, min_length=1)
    starts_with: Word | None = None
    ends_with: Word | None = None
    contains: Word | None = None

    @model_validator(mode="after")
    def _one_test(self) -> "Exclusion":
        """Exactly one test is given."""
        if self.column in RESERVED:
            raise ValueError(f"'{self.column}' is a name of ours; give the column another name with a query")
        given = [name for name in TESTS if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"needs exactly one of {', '.join(TESTS)}")
        return self

    @property
    def test(self) -> tuple[str, list[str]]:
        """Which test, and the words it asks for, in small letters."""
        name = next(name for name in TESTS if getattr(self, name) is not None)
        words = getattr(self, name)
        return name, [word.lower() for word in (words if isinstance(words, list) else [words])]


class Unpivot(Entry):
    """Columns that become rows, as a file of exchange rates needs it, which has one column per currency."""

    columns: list[str] = Field(min_length=1)
    name: str = Field(min_length=1)  # column that gets the name of the column
    value: str = Field(min_length=1)  # column that gets what stands in it


class Entity(Entry):
    """One kind of row of a source: what to read, how it maps to the contract, and which rows do not count."""

    table: str | None = None  # of a database, with its schema; or give a query
    query: str | None = None  # one select, which runs in the source
    cursor: str | None = None  # column that tells when a row changed; without it all is read every night
    unpivot: Unpivot | None = None  # of files
    columns: dict[str, Column]  # by column of the contract; a text alone is `from`
    exclude: list[Exclusion] = Field(default_factory=list)

    @property
    def read(self) -> list[str]:
        """The source columns that are mapped or decide whether a row counts."""
        mapped = [c.from_ for c in self.columns.values() if c.from_]
        return list(dict.fromkeys([*mapped, *(rule.column for rule in self.exclude)]))


class Settings(Entry):
    """What every source is told. Secrets stand in the connection, never here."""

    kind: str
    connection: Identifier | None = None  # of Airflow, with address and secrets
    timezone: Zone  # how times without a zone are meant
    # whose numbers those without + are; a customer's own country comes first, `own`: only that
    default_country: Annotated[Word, AfterValidator(_known_country)] | None = None
    overlap_days: float = Field(default=3, ge=0, le=366)  # what changed so long before the cursor is read again
    entities: dict[str, Entity]

    @model_validator(mode="after")
    def _fits_the_contract(self) -> "Settings":
        """`entities` and their `columns` are those of the contract, and every required column is there."""
        for name, entity in self.entities.items():
            self._check_entity(name, entity)
        return self

    def _check_entity(self, name: str, entity: Entity) -> None:
        if entity.unpivot and self.kind != "files":
            raise ValueError(f"entities.{name}: 'unpivot' is for files; write a query instead")
        if name not in contract.ENTITIES:
            raise ValueError(f"entities: unknown entity '{name}'; accepted: {', '.join(contract.ENTITIES)}")
        known = {c.name: c for c in contract.ENTITIES[name].columns}
        for column, origin in entity.columns.items():
            if column not in known:
                raise ValueError(f"entities.{name}.columns: unknown column '{column}'; accepted: {', '.join(known)}")
            for target in (origin.values or {}).values():
                if known[column].choices and target not in known[column].choices:
                    raise ValueError(
                        f"entities.{name}.columns.{column}.values: '{target}'; accepted: "
                        f"{', '.join(known[column].choices)}"
                    )
            if known[column].declared and not origin.constant and not origin.values:
                raise Misplaced(
                    "needs 'values' that name every type it delivers, or a 'constant': models are checked against them",
                    *("entities", name, "columns", column),
                )
        missing = [c.name for c in known.values() if c.required and c.name not in entity.columns]
        if missing:
            raise ValueError(f"entities.{name}.columns: missing {', '.join(missing)}; map or give a constant")


class SweptSettings(Settings):
    """What a source is told whose ids are held against ours once a week, see sweep.py."""

    # when that is; the day of the night, as_of
    sweep: Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "never"] = "sunday"
    may_miss: float = Field(default=0.1, ge=0, le=1)  # share of the rows that may be gone, or unseen, without a stop


class Connector(Protocol):
    """A kind of source. `open` yields (entity, extract) pairs, consistent with each other where the system allows it.

    `positions` holds, per entity, the cursor stored after the last loaded batch (None the first time). Each extract is
    read to its end before the next pair is asked for.

    `ids` yields the same of every entity it is asked for, all there are, with the columns that are still mapped: key
    and date. A row with something in MAY_BE_UNKNOWN exists, and `open` may never have told of it. Where the system
    hides orders by age, the extract's position has `hidden_before`, a moment.
    """

    def open(
        self, name: str, source: Any, connection: Connection | None, positions: dict[str, Any], as_of: date
    ) -> Iterator[tuple[str, Extract]]: ...
