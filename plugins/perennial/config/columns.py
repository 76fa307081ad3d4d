"""Conditions over columns of marts.customer_360, checked against the types its yml declares."""

from collections.abc import Iterator
from datetime import date
from functools import cache
from typing import Annotated

import yaml
from pydantic import Field, model_validator

from perennial import paths
from perennial.entry import Entry

TABLE = "dbt_project/models/marts/customer/customer_360.yml"
KINDS = {
    "text": ("is", "is_not", "known"),
    "number": ("at_least", "at_most", "exactly", "known"),
    "date": ("at_least", "at_most", "exactly", "within_days", "within_past_days", "known"),
    "boolean": ("is", "known"),
}
Value = Annotated[float, Field(allow_inf_nan=False)] | date
Days = Annotated[int, Field(ge=0, le=36_500)]


class ColumnTest(Entry):
    """What a column must be; all given tests must hold. Null meets none of them but `known: false`.

    `within_days` and `within_past_days` ask for a day from the night on, or up to it, at most so many days away.
    """

    is_: list[str] | bool | None = Field(default=None, alias="is")
    is_not: list[str] | None = Field(default=None, min_length=1)
    at_least: Value | None = None
    at_most: Value | None = None
    exactly: Value | None = None
    within_days: Days | None = None
    within_past_days: Days | None = None
    known: bool | None = None

    @model_validator(mode="after")
    def _says_something(self) -> "ColumnTest":
        """At least one test is given, and `at_least` is not above `at_most`."""
        if not self.given:
            raise ValueError("needs a test, such as at_least, is or known")
        if self.is_ == []:
            raise ValueError("is: needs at least one value")
        low, high = self.at_least, self.at_most
        if low is not None and high is not None and type(low) is type(high) and low > high:
            raise ValueError(f"at_least {low} is more than at_most {high}: nothing is in between")
        return self

    @property
    def given(self) -> dict[str, object]:
        """The tests that were given, by the names they have in the file."""
        return {key: value for key, value in self.model_dump(by_alias=True).items() if value is not None}


@cache
def columns() -> dict[str, str]:
    """Kind of every column that conditions can name: text, number, date or boolean."""
    described = yaml.safe_load((paths.home() / TABLE).read_text("utf-8"))["models"][0]["columns"]
    kinds = {column["name"]: _kind(column["data_type"]) for column in described}
    return {name: kind for name, kind in kinds.items() if kind and name not in ("as_of", "customer_key")}


def _kind(data_type: str) -> str | None:
    if data_type.startswith(("numeric", "double", "bigint", "integer", "smallint", "real")):
        return "number"
    return data_type if data_type in ("text", "date", "boolean") else None


def problems(column: str, test: ColumnTest) -> Iterator[str]:
    """What is wrong with a test of a column."""
    kind = columns().get(column)
    if kind is None:
        yield f"customer_360 has no column '{column}' that can be asked; accepted: {', '.join(columns())}"
        return
    for key, value in test.given.items():
        if key not in KINDS[kind]:
            yield f"'{key}' does not fit {column}, which is a {kind}; accepted: {', '.join(KINDS[kind])}"
        elif key == "is" and isinstance(value, bool) != (kind == "boolean"):
            accepted = "true or false" if kind == "boolean" else "a list of texts"
            yield f"'is' of {column} is {value!r}; accepted: {accepted}"
        elif key in ("at_least", "at_most", "exactly") and isinstance(value, date) != (kind == "date"):
            accepted = "a date, such as 2018-01-31" if kind == "date" else f"a {kind}"
            yield f"'{key}' of {column} is {value}; accepted: {accepted}"
