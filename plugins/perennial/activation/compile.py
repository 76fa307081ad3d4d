"""Compile config/audiences.yml to SQL over `customers as c` and `lifecycle` of the dbt model `audience_members`."""

from perennial.config import Config
from perennial.config.audiences import Where
from perennial.config.conditions import Range

NUMBERS = {
    "orders": "c.count_orders",
    "days_since_first_order": "c.days_since_first_order",
    "days_since_last_order": "c.days_since_last_order",
}


def compile_audiences(config: Config) -> list[dict[str, object]]:
    """Every audience with its SQL condition and its destinations, in the order of the file."""
    channels = {name: d.channel for name, d in config.destinations.destinations.items()}
    return [
        {
            "name": name,
            "purpose": audience.purpose,
            "where": condition(audience.where),
            "targets": [{"destination": d, "channel": channels[d]} for d in audience.destinations],
        }
        for name, audience in config.audiences.audiences.items()
    ]


def condition(where: Where) -> str:
    """A SQL test of customer `c`; all given conditions must hold."""
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
        tests.append(_lifecycle(where.stage.model, f"l.stage in ({_texts(where.stage.is_)})"))
    if where.turning:
        turning = where.turning
        test = f"l.next_stage in ({_texts(turning.into)}) and l.next_stage_on <= l.as_of + {turning.within_days}"
        tests.append(_lifecycle(turning.model, test))
    return " and ".join(tests)


def _lifecycle(model: str, test: str) -> str:
    return (
        f"c.customer_key in (select l.customer_key from lifecycle as l where l.lifecycle_model = '{model}' and {test})"
    )


def _texts(values: list[str]) -> str:
    return ", ".join(f"'{value}'" for value in values)
