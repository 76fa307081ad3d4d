"""What it costs to decide who is written to, and to tell a file and a campaign tool.

    python bench/activation.py --customers 1000000 --drt /tmp/drt/bin/drt

People are made up; the dbt models, the export and the destinations are the real ones, Klaviyo is the twin of the tests.
`decide`: 20 audiences, all models from contacts to the waterfall, on the first night and on one whose facts changed
for one person in fifty. `files`, `klaviyo`: plan and deliver an audience, each in a process of its own, the peak of
whose memory is told; `again` is a night on which one in a hundred changed. With --drt (an environment of its own with
`pip install "drt-core[postgres]"`) the same people go through that tool as well. Prints JSON lines; `load` is that of
the machine.
"""

import argparse
import os
import subprocess
import sys
import time
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import psutil
import yaml
from common import build, say, scratch_warehouse, superuser
from marts import mark, of_sessions, on_the_clock

from perennial import config, embedded, paths
from perennial.clock import wall_clock
from perennial.config.audiences import Audiences
from perennial.config.columns import TABLE
from perennial.embedded.process import pid_file
from perennial.warehouse import database

HERE = Path(__file__).parent
NIGHT = date(2017, 9, 30)
PREPARED = ("int_latest_consents", "int_shared_denials", "consents", "int_audience_targets", "customer_contacts")
PREPARED += ("int_wishes", "int_opt_outs", "int_former_keys", "int_contacts")
DECIDED = ("int_audience_queries", "audience_problems", "int_audience_candidates")
DECIDED += ("int_reach", "int_audience_gates", "int_audience_decisions", "audience_verdicts", "audience_waterfall")
STAGES = ("lost", "silent", "new", "declining", "rising", "mature")
TIERS = (["A"], ["B"], ["C"], ["A", "B"])
PEOPLE = """
    create schema if not exists clv;
    create table intermediate.int_customer_keys (
        source text, source_customer_id text, known_on date, customer_key text
    );
    create table pii.stg_customers (source text, customer_id text, email text, phone text);
    create table pii.input_customers (
        source text, source_customer_id text, email text, phone text, changed_at timestamptz,
        is_email_verified boolean default true
    );
    create table pii.int_given_addresses (
        source text, source_customer_id text, channel text, address text, given_on date
    );
    create table input.input_consents (
        source text, source_customer_id text, channel text, purpose text, status text, changed_at timestamptz,
        changed_on date
    );
    create table intermediate.int_gone_records (source text, source_customer_id text, customer_key text);
    create table intermediate.int_inherited_denials (
        customer_key text, channel text, purpose text, source text, changed_on date, changed_at timestamptz
    );
    create table marts.customer_lifecycle (
        as_of date, customer_key text, lifecycle_model text, stage text, next_stage text, next_stage_on date
    );
    insert into intermediate.int_customer_keys
        select 'shop', n, '2017-01-01', md5('shop:' || n) from generate_series(1, %(n)s) as n;
    insert into pii.input_customers
        select 'shop', n, case when n %% 20 <> 0 then 'p' || n || '@example.com' end,
            case when n %% 3 <> 0 then '+1555' || lpad(n::text, 7, '0') end, '2017-01-01'
        from generate_series(1, %(n)s) as n;
    insert into pii.stg_customers select source, source_customer_id, email, phone from pii.input_customers;
    insert into pii.int_given_addresses
        select source, source_customer_id, channel, address, '2017-01-01'
        from pii.input_customers
        cross join lateral (values ('email', email), ('sms', phone)) as given (channel, address)
        where address is not null;
    insert into input.input_consents
        select 'shop', n, channel, 'marketing',
            case when (n + length(channel)) %% 3 = 0 then 'denied' else 'granted' end, '2017-01-01', '2017-01-01'
        from generate_series(1, %(n)s) as n, unnest(array['email', 'sms']) as channel;
    insert into marts.customer_360 (as_of, customer_key, country, stage, abc_tier, stage_since, last_ordered_on,
            count_orders, days_since_last_order, p_no_order_90d, clv_365d, stages)
        select '2017-09-30', md5('shop:' || n), (array['US', 'FR', 'CN', null])[1 + n %% 4],
            (array['prospect', 'lost', 'silent', 'new', 'declining', 'rising', 'mature'])[1 + n %% 7],
            (array['A', 'B', 'C'])[1 + n %% 3], date '2017-05-01' + n %% 100, date '2017-03-01' + n %% 200, n %% 30,
            213 - n %% 200, (hashint4(n) & 1023) / 1024.0, hashint4(n + 1) & 1023,
            jsonb_build_object('ecommerce', (array['lost', 'silent', 'new', 'mature'])[1 + (n / 7) %% 4])
        from generate_series(1, %(n)s) as n;
    insert into pii.opt_outs
        select 'tool', 'email', 'p' || n * 50 || '@example.com', 'unsubscribed', '2017-09-01'
        from generate_series(1, %(n)s / 50) as n;
    insert into activation.contact_ledger
        select date '2017-09-30' - n %% 40 - 1, 'a' || n %% 20, 'email_files', 'email', md5('shop:' || n),
            date '2017-09-30' - n %% 40
        from generate_series(1, %(n)s) as n;
    analyze
"""
CHANGED = """
    update marts.customer_360 set as_of = '2017-10-01';
    update marts.customer_360 set stage = 'lost', last_ordered_on = '2017-10-01'
        where hashtext(customer_key) %% 50 = 0;
    analyze
"""
ADDRESSED = """
    insert into activation.audience_members
        select '2017-09-30', 'all', md5(n::text), 'export', 'email', 'marketing', 'there', '2017-10-01'
        from generate_series(1, %(n)s) as n;
    insert into pii.customer_contacts
        select md5(n::text), 'p' || n || '@example.com', null from generate_series(1, %(n)s) as n;
    insert into marts.customer_360
        select '2017-09-30', md5(n::text), 'silent', 'A', n %% 9 from generate_series(1, %(n)s) as n;
    analyze
"""
NEXT_NIGHT = """
    update activation.audience_members set as_of = '2017-10-01';
    update marts.customer_360 set as_of = '2017-10-01',
        stage = case when hashtext(customer_key) %% 100 = 0 then 'lost' else stage end;
    analyze
"""


def audiences() -> Audiences:
    """Twenty of many kinds: cells of the playbook, conditions over columns, stages; with holdouts and budgets."""
    found = {}
    for n in range(20):
        said = {"label": {"en": "x", "zh": "x"}, "objective": "retain", "purpose": "marketing", "priority": 10 + n}
        said["destinations"] = ["email_files", "sms_files"] if n % 3 == 0 else ["email_files"]
        said["holdout"] = 0.1 if n % 2 else 0
        if n < 6:
            said["playbook"] = {"stages": [STAGES[n]]}
        elif n < 12:
            said |= {"where": {"orders": {"at_least": n}, "p_no_order_90d": {"at_least": 0.05 * n}}, "budget": 5000}
        elif n < 16:
            stage = {"model": "ecommerce", "is": [STAGES[n - 12] if n < 15 else "mature"]}
            said["where"] = {"stage": stage, "days_since_last_order": {"at_most": 100}}
        else:
            country, lately = {"is": ["US", "FR"]}, {"within_past_days": 60}
            said["where"] = {"tier": TIERS[n - 16], "country": country, "last_ordered_on": lately}
        found[f"a{n}"] = said
    return Audiences.model_validate({"audiences": found})


def decide(people: int) -> None:
    """Seconds of every model, of the clock from the first to the last, and of CPU, on two nights."""
    described = yaml.safe_load((paths.home() / TABLE).read_text("utf-8"))["models"][0]["columns"]
    columns = ", ".join(f"{column['name']} {column['data_type']}" for column in described)
    settings = replace(config.load(), audiences=audiences())
    with superuser() as cursor:
        cursor.execute(f"create table marts.customer_360 ({columns})")
        cursor.execute(PEOPLE, {"n": people})
        for night, what in ((NIGHT, "first night"), (NIGHT + timedelta(days=1), "next night")):
            if night != NIGHT:
                cursor.execute(CHANGED, {})
            mark(night, build_started_at=wall_clock())
            for part, models in (("prepare", PREPARED), ("decide", DECIDED)):
                before = server_cpu()
                for name, seconds in build(settings, night, models).items():
                    say("activation", f"{name}, {what}", seconds)
                told("activation", f"{part}, {what}, {people:,} people", on_the_clock(night), before)
            mark(night, built_at=wall_clock())
        cursor.execute("select count(*) from activation.audience_verdicts where valid_to = 'infinity'")
        say("activation", "verdicts that hold", 0, rows=cursor.fetchone()[0])


def server_cpu() -> float:
    """CPU seconds of the server's sessions and workers that have ended."""
    time.sleep(0.5)  # until it has noticed that they did
    return of_sessions(psutil.Process(int(pid_file()[0])).cpu_times())


def told(bench: str, figure: str, seconds: float, before: float, **more: float) -> None:
    """One JSON line with the CPU of the server since, and how busy the machine is."""
    say(bench, figure, seconds, server_cpu=round(server_cpu() - before, 1), load=os.getloadavg()[0], **more)


def exported(kind: str, people: int, drt: str | None) -> None:
    """One audience to one destination on two nights, each in a process of its own."""
    from verdicts import TABLES

    name = f"export_{kind}_{people}"
    embedded.ensure_database(name)
    os.environ["AIRFLOW_CONN_WAREHOUSE"] = embedded.connection(name).to_json()
    database.migrate()
    twin = None
    if kind == "klaviyo":
        from twins.klaviyo_twin import KlaviyoTwin

        twin = KlaviyoTwin()
    with superuser() as cursor:
        cursor.execute(TABLES)
        cursor.execute(ADDRESSED, {"n": people})
        for night, what in ((NIGHT, ""), (NIGHT + timedelta(days=1), ", again")):
            if night != NIGHT:
                cursor.execute(NEXT_NIGHT, {})
            before, started = server_cpu(), time.monotonic()
            child = [sys.executable, HERE / "exporting.py", kind, str(night), twin.url if twin else "-"]
            said = subprocess.run(child, check=True, capture_output=True, text=True).stdout
            seconds, cpu, megabytes = map(float, said.split()[-3:])
            more = {"bulk_requests": twin.count("POST /api/profile-bulk-import-jobs")} if twin else {}
            more |= {"cpu": cpu, "peak_megabytes": megabytes, "process": round(time.monotonic() - started, 1)}
            told("activation", f"{kind}, {people:,} people{what}", seconds, before, **more)
        if drt:
            from peer import through_drt

            through_drt(drt, kind, people, name)
    if twin:
        twin.stop()
    os.environ.pop("AIRFLOW_CONN_WAREHOUSE")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--customers", type=int, default=200_000)
    parser.add_argument("--drt", help="the command of drt-core, to measure it in the same run")
    parser.add_argument("--only", choices=("decide", "files", "klaviyo"))
    asked = parser.parse_args()
    sys.path[:0] = [str(HERE.parent / "tests"), str(HERE.parent / "tests" / "destinations")]
    with scratch_warehouse():
        if asked.only in (None, "decide"):
            decide(asked.customers)
        for kind, most in (("files", asked.customers), ("klaviyo", min(100_000, asked.customers))):
            for people in sorted({10_000, 100_000, most}) if asked.only in (None, kind) else ():
                if people <= most:
                    exported(kind, people, asked.drt if people == most else None)


if __name__ == "__main__":
    main()
