"""config/value.yml: what a customer is worth, and how her future is forecast."""

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from perennial.config.files import Entry

Candidate = Literal["mbg", "bg", "mbg_blend", "bg_blend"]


class Abc(Entry):
    """Which value makes a tier, up to which cumulative shares, and how far beyond a border a tier is left."""

    basis: Literal["revenue", "margin", "clv"]
    a_until: float = Field(gt=0, lt=1)
    b_until: float = Field(gt=0, lt=1)
    hysteresis: float = Field(ge=0, lt=0.5)

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if self.a_until >= self.b_until:
            raise ValueError(f"a_until is {self.a_until} and b_until {self.b_until}; A ends before B does")
        widest = min(self.a_until, (self.b_until - self.a_until) / 2, 1 - self.b_until)
        if self.hysteresis and self.hysteresis >= widest - 1e-9:
            raise ValueError(
                f"hysteresis is {self.hysteresis}; accepted: less than {widest:.4g}, so that every tier can be "
                "reached and left"
            )
        return self


Cuts = Annotated[list[float], Field(min_length=4, max_length=4)]


class RfmCuts(Entry):
    """The four values of each measure at which the next score begins, ascending; recency in days."""

    recency: Cuts
    frequency: Cuts
    monetary: Cuts

    @field_validator("recency", "frequency", "monetary")
    @classmethod
    def _ascend(cls, cuts: list[float]) -> list[float]:
        if sorted(set(cuts)) != cuts:
            raise ValueError(f"{cuts} do not ascend; give four cuts, each higher than the one before")
        return cuts


class Rfm(Entry):
    """How recency, frequency and monetary value are scored."""

    method: Literal["quantile", "fixed"]
    cuts: RfmCuts | None = None
    grid: Literal["mean", "median"]
    new_days: int = Field(ge=0, le=365)

    @model_validator(mode="after")
    def _cut(self) -> Self:
        if (self.method == "fixed") != (self.cuts is not None):
            told = "with" if self.cuts else "without"
            raise ValueError(f"method is {self.method} {told} cuts; accepted: fixed with cuts, quantile without")
        return self


class Offers(Entry):
    """From when on a category has a cycle of its own, what makes a rule, and how many suggestions are made."""

    min_order_days: int = Field(ge=2, le=100)
    window_days: int = Field(ge=28, le=3650)
    min_customers: int = Field(ge=5)
    significance: float = Field(gt=0, lt=1)
    prior_customers: int = Field(ge=0)
    suggestions: int = Field(ge=1, le=20)


class Value(Entry):
    """The whole file."""

    margin: float = Field(gt=0, le=1)
    discount_rate: float = Field(ge=0, le=1)
    candidates: list[Candidate] = Field(min_length=1)
    backtest_days: int = Field(ge=28, le=365)
    abc: Abc
    rfm: Rfm
    offers: Offers

    @field_validator("candidates")
    @classmethod
    def _once(cls, names: list[str]) -> list[str]:
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"'{min(twice)}' is listed twice; name every candidate once")
        return names
