"""How long the timeline of one lifecycle model takes: all customers, and a night on which one in two hundred ordered.

    python bench/timeline.py --customers 200000 --orders 2000000

Orders are made up: frequencies fall off steeply, one in fifty is partly refunded. The dbt models are the real ones;
what dbt itself needs to start is left out. One hand-written GROUP BY over the same orders gives the machine's scale.
Prints one JSON line per figure and a table.
"""

import argparse
from dataclasses import replace
from datetime import date

from common import FACTS, FULL, NIGHT, ORDERED, SHOP, build, grouped_by_hand, mark, say, scratch_warehouse, superuser

from perennial import config
from perennial.clock import wall_clock
from perennial.config import Config

TIMELINE = (
    "int_order_states",
    "int_changed_customers",
    "int_touches",
    "int_episodes",
    "fct_timeline_revisions",
    "int_stays",
    "fct_lifecycle_timeline",
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--customers", type=int, default=200_000)
    parser.add_argument("--orders", type=int, default=2_000_000)
    parser.add_argument("--model", default="ecommerce")
    asked = parser.parse_args()
    with scratch_warehouse():
        measure(asked)


def measure(asked: argparse.Namespace) -> None:
    """Fill the input layer, build in full, let some order, build a night."""
    with superuser() as cursor:
        cursor.execute(SHOP, {"customers": asked.customers, "orders": asked.orders})
        by_hand = grouped_by_hand(cursor)
        settings = config.load()
        lifecycle = settings.lifecycle.model_copy(update={"enabled": [asked.model], "default": asked.model})
        settings = replace(settings, lifecycle=lifecycle)
        full = timed(settings, FULL, "--full-refresh")
        cursor.execute(ORDERED)
        night = timed(settings, NIGHT)
    figures = {f"{name} {what}": s for what, run in (("full", full), ("night", night)) for name, s in run.items()}
    for name, seconds in figures.items():
        say("timeline", name, seconds)
    print(f"\n{asked.orders:,} orders of {asked.customers:,} customers, model {asked.model}; GROUP BY {by_hand:.1f} s")
    print(f"{'':24}{'full s':>10}{'night s':>10}{'night/full':>12}")
    for name in (*FACTS, "facts", *TIMELINE, "timeline", "all"):
        share = night[name] / full[name] if full[name] else 0
        print(f"{name:24}{full[name]:>10.1f}{night[name]:>10.1f}{share:>12.3f}")
    print(f"full timeline: {full['all'] / by_hand:.1f} x the GROUP BY")


def timed(settings: Config, as_of: date, *options: str) -> dict[str, float]:
    """Seconds of every model, and their sums."""
    mark(as_of, build_started_at=wall_clock())
    seconds = build(settings, as_of, [*FACTS, *TIMELINE], *options)
    mark(as_of, built_at=wall_clock())
    facts, timeline = (sum(seconds[name] for name in names) for names in (FACTS, TIMELINE))
    return seconds | {"facts": facts, "timeline": timeline, "all": facts + timeline}


if __name__ == "__main__":
    main()
