"""config/value.yml: what a customer is worth, and how her future is forecast."""

from typing import Literal

from pydantic import Field, field_validator

from perennial.config.files import Entry

Candidate = Literal["mbg", "bg", "mbg_blend", "bg_blend"]


class Value(Entry):
    """The whole file."""

    margin: float = Field(gt=0, le=1)
    discount_rate: float = Field(ge=0, le=1)
    candidates: list[Candidate] = Field(min_length=1)
    backtest_days: int = Field(ge=28, le=365)

    @field_validator("candidates")
    @classmethod
    def _once(cls, names: list[str]) -> list[str]:
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"'{min(twice)}' is listed twice; name every candidate once")
        return names
