"""What the report costs: everybody's rows are made up, as wide as the marts are; then it is written.

    python bench/report.py --customers 1000000

Prints one JSON line per figure; `cpu` is what this process and the server needed, `load` that of the whole machine.
The tables have the columns of the models' yml files, and no index; they are vacuumed, as those of a night were read by
its tests before.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

import psutil
from common import scratch_warehouse

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "report"))
import report_warehouse as small

from perennial import config
from perennial.embedded.process import pid_file
from perennial.report import build, facts, registry
from perennial.warehouse import database

STAGES = "(array['prospect', 'lost', 'silent', 'rising', 'mature'])"
TIERS = "(array['A', 'B', 'C', 'N'])"
EVERYBODY = f"""
    truncate marts.customer_360, marts.customer_abc, marts.customer_clv, marts.fct_orders;
    insert into marts.customer_360 (
        as_of, customer_key, sources, known_on, stage, abc_tier, value_12m, clv_365d, next_stage, next_stage_on, stages,
        rfm_group, rfm_cell, quadrant, first_ordered_on, last_ordered_on
    )
    select
        %(as_of)s, md5(cast(n as text)), 'shop', %(as_of)s, {STAGES}[1 + n %% 5], {TIERS}[1 + n %% 4],
        n %% 1000, n %% 700, 'silent', %(as_of)s + n %% 90,
        jsonb_build_object('ecommerce', 'mature', 'user', 'active', 'telecom', 'user'),
        'champions', 'important', 'a', %(as_of)s, %(as_of)s
    from generate_series(1, %(customers)s) as n;
    insert into marts.customer_abc (as_of, customer_key, basis, value_12m, revenue_share_cum, abc_tier)
    select
        %(as_of)s, md5(cast(n as text)), 'revenue', n, n / cast(%(customers)s as numeric), {TIERS}[1 + n %% 4]
    from generate_series(1, %(customers)s) as n;
    insert into marts.customer_clv (as_of, customer_key, historic_revenue, clv_365d, fit_status, model_used)
    select %(as_of)s, md5(cast(n as text)), n, n %% 90000, 'ok', 'mbg_mle' from generate_series(1, %(customers)s) as n;
    insert into marts.fct_orders (customer_key, source, order_id, ordered_on, net_amount, is_valid, currency)
    select md5(cast(n as text)), 'shop', cast(n as text), %(as_of)s - cast(n / 3000 as integer), n %% 100, true, 'USD'
    from generate_series(1, %(customers)s * 10) as n
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--customers", type=int, default=1_000_000)
    asked = parser.parse_args()
    with scratch_warehouse():
        database.migrate()
        with database.connect() as session:
            timed("nobody, no night", lambda: build.build(session, config.load(), None))
            small.fill(session)
            given = {"as_of": f"'{small.NIGHT}'::date", "customers": str(asked.customers)}
            session.execute((EVERYBODY % given).encode())
            session.commit()
            session.autocommit = True
            session.execute("vacuum analyze")
            session.autocommit = False
            about = facts.night(session, config.load(), small.NIGHT)
            for name, section in registry.load().items():
                timed(f"queries of {name}", lambda s=section: facts.rows(session, s.QUERIES, about))
            page = timed(
                f"{asked.customers:,} customers, ten orders each",
                lambda: build.build(session, config.load(), small.NIGHT),
            )
            print(json.dumps({"bench": "report", "figure": "size", "bytes": len(page.encode())}))


def timed(name: str, work):
    """Do it, and print the seconds."""
    began, needed = time.monotonic(), processor()
    found = work()
    figures = {"seconds": time.monotonic() - began, "cpu": processor() - needed, "load": os.getloadavg()[0]}
    rounded = {figure: round(value, 2) for figure, value in figures.items()}
    print(json.dumps({"bench": "report", "figure": name} | rounded), flush=True)
    return found


def processor() -> float:
    """Seconds that this process, the server, its sessions and its ended workers took of all cores so far."""
    server = psutil.Process(int(pid_file()[0]))
    ended = server.cpu_times()
    alive = [psutil.Process().cpu_times(), *(session.cpu_times() for session in server.children())]
    return ended.children_user + ended.children_system + sum(times.user + times.system for times in alive)


if __name__ == "__main__":
    main()
