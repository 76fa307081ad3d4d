"""config/sources.yml: the systems orders come from and how their columns map to the contract."""

from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, model_validator

from perennial.entry import Entry, Identifier, Misplaced
from perennial.warehouse import contract


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"is '{name}'; accepted: an IANA time zone such as Europe/Paris or Asia/Shanghai") from None
    return name


RESERVED = ("_row_no", "_file", "_line", "_problem", "_text", "_rejected_in", "_rejected_row")
Zone = Annotated[str, AfterValidator(_known_zone)]


class Business(Entry):
    """What a day and an amount mean to this company."""

    timezone: Zone
    day_starts_at_hour: int = Field(default=0, ge=0, le=12)
    currency: str = Field(pattern=r"^[A-Z]{3}$")


class Column(Entry):
    """Where the value of one contract column comes from: a source column, perhaps transformed, or a constant."""

    from_: str | None = Field(default=None, alias="from")
    as_: Literal["cents", "email_key"] | None = Field(default=None, alias="as")
    values: dict[str, str] | None = None
    constant: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return {"from": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_origin(self) -> "Column":
        if self.from_ in RESERVED:
            raise ValueError(f"'{self.from_}' is a name of ours; give the column another name with a query")
        if (self.from_ is None) == (self.constant is None):
            raise ValueError("needs either 'from' (a source column) or 'constant'")
        return self


class Entity(Entry):
    """One kind of row of a source: what to read and how it maps to the contract."""

    table: str | None = None
    query: str | None = None
    cursor: str | None = None
    columns: dict[str, Column]


class Source(Entry):
    """One source system."""

    kind: Literal["sql", "files"]
    connection: Identifier | None = None
    folder: str | None = None
    files: str | None = Field(default=None, pattern=r"^[^/].*$")
    timezone: Zone
    overlap_days: float = Field(default=3, ge=0, le=366)
    entities: dict[str, Entity]

    @model_validator(mode="after")
    def _fits_its_kind(self) -> "Source":
        needed = {"sql": ("connection",), "files": ("folder", "files")}[self.kind]
        for key in needed:
            if getattr(self, key) is None:
                raise ValueError(f"a source of kind '{self.kind}' needs '{key}'")
        for name, entity in self.entities.items():
            self._check_entity(name, entity)
        return self

    def _check_entity(self, name: str, entity: Entity) -> None:
        if name not in contract.ENTITIES:
            raise ValueError(f"entities: unknown entity '{name}'; accepted: {', '.join(contract.ENTITIES)}")
        if self.kind == "sql" and (entity.table is None) == (entity.query is None):
            raise ValueError(f"entities.{name}: needs either 'table' or 'query'")
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


class Sources(Entry):
    """The whole file."""

    business: Business
    sources: dict[Identifier, Source] = Field(min_length=1)

    @property
    def event_types(self) -> list[str]:
        """Every event type that a source delivers, sorted."""
        found: set[str] = set()
        for source in self.sources.values():
            if "events" in source.entities:
                origin = source.entities["events"].columns["event_type"]
                found |= {origin.constant} if origin.constant else set(origin.values.values())
        return sorted(found)
