"""config/value.yml: what a customer is worth, and how her future is forecast."""

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from perennial.entry import Entry

Candidate = Literal["mbg", "bg", "mbg_blend", "bg_blend"]


class Abc(Entry):
    """Which value makes a tier, up to which cumulative shares, and how far beyond a border a tier is left."""

    basis: Literal["revenue", "margin", "clv"]
    a_until: float = Field(gt=0, lt=1)
    b_until: float = Field(gt=0, lt=1)
    hysteresis: float = Field(ge=0, lt=0.5)

    @model_validator(mode="after")
    def _apart(self) -> Self:
        """`a_until` is below `b_until`; every tier can be reached and left in spite of `hysteresis`."""
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
        """Each cut is higher than the one before."""
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
        """`cuts` are given if `method` is `fixed`, and only then."""
        if (self.method == "fixed") != (self.cuts is not None):
            told = "with" if self.cuts else "without"
            raise ValueError(f"method is {self.method} {told} cuts; accepted: fixed with cuts, quantile without")
        return self


class Loss(Entry):
    """Lost is who spends in `days`, or `cycles` of hers, at most this share of what she spent in as many before."""

    days: int = Field(ge=28, le=365)
    cycles: float = Field(ge=0, le=100)
    share: float = Field(ge=0, lt=1)


class Risk(Entry):
    """How fast a pace forgets, in days, and how surely a forecast below what would be a loss means one."""

    pace_days: float = Field(gt=0, le=365)
    certainty: float = Field(gt=0, le=20)


class Reasons(Entry):
    """What a warning is given for; see config/value.yml."""

    overdue_cycles: float = Field(ge=1, le=100)
    overdue_days: int = Field(ge=0, le=365)
    pace_left: float = Field(ge=0, lt=1)
    no_order_days: Literal[30, 90, 365]
    no_order_chance: float = Field(gt=0, le=1)


class EarlyWarning(Entry):
    """Who is warned of, how often, and what for."""

    tiers: list[Literal["A", "B", "C"]] = Field(min_length=1)
    nightly_budget: int = Field(ge=0)
    cool_down_days: int = Field(ge=0, le=3650)
    due_days: int = Field(ge=0, le=365)
    loss: Loss
    risk: Risk
    reasons: Reasons

    @model_validator(mode="after")
    def _overdue_is_before_lost(self) -> Self:
        """A silence is told while there is still something to lose: what she spent within her loss."""
        if self.loss.cycles <= self.reasons.overdue_cycles:
            raise ValueError(
                f"loss.cycles is {self.loss.cycles:g} and reasons.overdue_cycles {self.reasons.overdue_cycles:g}; "
                "accepted: more cycles for a loss, or who orders seldom is lost before she is overdue"
            )
        if self.loss.days <= self.reasons.overdue_days:
            raise ValueError(
                f"loss.days is {self.loss.days} and reasons.overdue_days {self.reasons.overdue_days}; "
                "accepted: more days for a loss, or who orders often is lost before she is overdue"
            )
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
    early_warning: EarlyWarning
    offers: Offers

    @field_validator("candidates")
    @classmethod
    def _once(cls, names: list[str]) -> list[str]:
        """`candidates` names each once."""
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise ValueError(f"'{min(twice)}' is listed twice; name every candidate once")
        return names
