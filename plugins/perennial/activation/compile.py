"""Compile audiences to what the dbt models are told: SQL over `customers as c`, settings, send times.

`c` is a row of marts.customer_360; `lifecycle` is marts.customer_lifecycle, for stages to come in other models.
"""

from datetime import date

from perennial.activation.send_times import ready_at, send_times
from perennial.config import Config
from perennial.config.audiences import MARKETING, Audience, Cells, InStage, Turning, Where
from perennial.config.columns import ColumnTest
from perennial.config.conditions import Range

NUMBERS = {
    "orders": "c.count_orders",
    "days_since_first_order": "c.days_since_first_order",
    "days_since_last_order": "c.days_since_last_order",
}
COOL_DOWN_DAYS = 30  # of an audience that says nothing


def compile_activation(config: Config, as_of: date) -> dict[str, object]:
    """The variables of the models in dbt_project/models/**/activation."""
    holdout = config.audiences.holdout
    return {
        "audiences": compile_audiences(config),
        "playbook": [
            cell.model_dump(exclude={"offer_cost"})
            | {"cost_share": cell.cost_share, "cost_amount": cell.cost_amount, "exit_days": cell.exit_days}
            for cell in config.playbook
        ],
        "limits": [{"channel": name, **limit} for name, limit in config.audiences.limits.model_dump().items()],
        "holdout": {
            "salt": holdout.salt,
            "universal": buckets(holdout.universal),
            "effect_days": holdout.effect_days,
        },
        "ready_at": ready_at(config.sources.business, as_of).isoformat(),
        "send_times": send_times(config.quiet_hours, config.sources.business, as_of),
    }


def compile_audiences(config: Config) -> list[dict[str, object]]:
    """Every audience with its SQL condition or query, settings and destinations, in the order of the file."""
    channels = {name: d.channel for name, d in config.destinations.destinations.items()}
    audiences = config.audiences
    return [
        {
            "audience": name,
            "label_en": audience.label.en,
            "label_zh": audience.label.zh,
            "number": number,
            "purpose": audience.purpose,
            "is_marketing": audience.purpose == MARKETING,
            "where": condition(audience, config.lifecycle.default),
            "query": audiences.queries.get(name),
            "is_playbook": audience.playbook is not None,
            "priority": audience.priority,
            "holdout": buckets(audience.holdout),
            "effect_days": audience.effect_days,
            "cool_down_days": _cool_down_days(audience),
            "budget": audience.budget,
            "valid_days": audience.valid_days,
            "respects_quiet_hours": audience.quiet_hours == "respect",
            "targets": [{"destination": d, "channel": channels[d]} for d in audience.destinations],
        }
        for number, (name, audience) in enumerate(audiences.audiences.items(), 1)
    ]


def buckets(share: float) -> int:
    """How many of 10,000 buckets a share is."""
    return round(share * 10_000)


def _cool_down_days(audience: Audience) -> int | None:
    if audience.cool_down_days is None and audience.playbook is None:
        return COOL_DOWN_DAYS
    return audience.cool_down_days


def condition(audience: Audience, default: str) -> str | None:
    """A SQL test of customer `c`; all given conditions must hold. None where a query says who belongs to it."""
    if audience.is_query:
        return None
    tests = [*_cells(audience.playbook)] if audience.playbook else []
    return " and ".join([*tests, *(_where(audience.where, default) if audience.where else [])])


def _cells(cells: Cells) -> list[str]:
    tests = [f"c.stage in ({_texts(cells.stages)})"] if cells.stages else []
    return tests + ([f"c.abc_tier in ({_texts(cells.tiers)})"] if cells.tiers else [])


def _where(where: Where, default: str) -> list[str]:
    tests = []
    if where.tier:
        tests.append(f"c.abc_tier in ({_texts(where.tier)})")
    for key, column in NUMBERS.items():
        bounds: Range | None = getattr(where, key)
        if bounds and bounds.low is not None:
            tests.append(f"{column} >= {bounds.low}")
        if bounds and bounds.high is not None:
            tests.append(f"{column} <= {bounds.high}")
    if where.stage:
        tests.append(_stage(where.stage, default))
    if where.turning:
        tests.append(_turning(where.turning, default))
    return tests + [part for name, test in (where.columns or {}).items() for part in _column(f"c.{name}", test)]


def _stage(asked: InStage, default: str) -> str:
    stage = "c.stage" if asked.model == default else f"c.stages ->> '{asked.model}'"
    return f"{stage} in ({_texts(asked.is_)})"


def _turning(asked: Turning, default: str) -> str:
    test = (
        "{0}.next_stage in (" + _texts(asked.into) + ") and {0}.next_stage_on <= {0}.as_of + " + str(asked.within_days)
    )
    if asked.model == default:
        return test.format("c")
    return (
        f"c.customer_key in (select l.customer_key from lifecycle as l where l.lifecycle_model = '{asked.model}' "
        f"and {test.format('l')})"
    )


def _column(column: str, test: ColumnTest) -> list[str]:
    compiled = {
        "is": lambda v: f"{column} is {str(v).lower()}" if isinstance(v, bool) else f"{column} in ({_texts(v)})",
        "is_not": lambda v: f"{column} not in ({_texts(v)})",
        "at_least": lambda v: f"{column} >= {_value(v)}",
        "at_most": lambda v: f"{column} <= {_value(v)}",
        "exactly": lambda v: f"{column} = {_value(v)}",
        "within_days": lambda v: f"{column} between c.as_of and c.as_of + {v}",
        "within_past_days": lambda v: f"{column} between c.as_of - {v} and c.as_of",
        "known": lambda v: f"{column} is {'not null' if v else 'null'}",
    }
    return [compiled[key](value) for key, value in test.given.items()]


def _value(value: float | date) -> str:
    return f"date '{value}'" if isinstance(value, date) else f"{value:.17g}"


def _texts(values: list[str]) -> str:
    return ", ".join("'" + value.replace("'", "''") + "'" for value in values)
