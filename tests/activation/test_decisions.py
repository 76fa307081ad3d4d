"""Ten thousand random histories are decided as a few lines of Python decide them; nobody who opted out is exported.

People opt out in the twins of the vendors and in folders of files, which is pulled, decided, exported and read as ever.
"""

import csv
import hashlib
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

import psycopg
import pytest
from decision_oracle import LIMITS, NIGHT, Person, Record, World, decide
from decision_warehouse import MODELS, build, compiled, connect, fill, given, pointed_at, rows, settings
from tools import connections, every_tool, places, tell

from perennial import config, paths
from perennial.activation import export, opt_outs
from perennial.config import Config
from perennial.config.destinations import Destinations
from perennial.connections import Connection
from perennial.errors import FatalError

pytestmark = pytest.mark.server

PEOPLE = 10_000
COMMON = {"label": {"en": "x", "zh": "x"}, "objective": "retain", "purpose": "marketing"}
BOTH = ["email_files", "sms_files"]
AUDIENCES = {
    "best": COMMON | {"destinations": BOTH, "priority": 10, "holdout": 0.1, "budget": 300, "where": {"tier": ["A"]}},
    "plan": COMMON | {"destinations": BOTH, "priority": 20, "playbook": {"stages": ["silent", "lost", "new"]}},
    "few": COMMON | {"destinations": BOTH, "priority": 20, "cool_down_days": 5, "where": {"orders": {"at_most": 3}}},
    "asked": COMMON | {"destinations": ["email_files"], "priority": 5, "valid_days": 1},
    "foreign": COMMON | {"destinations": ["email_files"], "priority": 1},
    "twice": COMMON | {"destinations": ["sms_files"], "priority": 1},
    "divided": COMMON | {"destinations": ["email_files"], "priority": 1},
    "missing": COMMON | {"destinations": ["email_files"], "priority": 1},
    "leaking": COMMON | {"destinations": ["email_files"], "priority": 1},
    "writing": COMMON | {"destinations": ["email_files"], "priority": 1},
    "nobody": COMMON | {"destinations": BOTH, "where": {"country": {"is": ["XX"]}}},
    "service": COMMON
    | {"destinations": BOTH, "purpose": "service", "cool_down_days": 0, "where": {"tier": ["A", "B"]}},
}
QUERIES = {
    "asked": "select customer_key from marts.customer_360 where count_orders = 7",
    "foreign": "select customer_key from marts.customer_360 where count_orders = 8 union all select 'no such key'",
    "twice": "select customer_key from marts.customer_360, generate_series(1, 2) where count_orders = 9",
    # what fails when it is run
    "divided": "select customer_key from marts.customer_360 where 1 / (count_orders - 5) > 0",
    "missing": "select customer_key from marts.customer_360 where shoe_size = 44",
    "leaking": "select email::int::text as customer_key from pii.input_customers where email is not null",
    "writing": "with gone as (delete from marts.customer_360 returning customer_key) select customer_key from gone",
}
FAILED = {
    "divided": "division by zero",
    "missing": 'column "shoe_size" does not exist',
    "leaking": "invalid input syntax for type integer",
    "writing": "WITH clause containing a data-modifying statement must be at the top level",
}

LIMITED = {
    channel: dict(zip(("per_day", "per_7_days", "per_30_days"), numbers, strict=True))
    for channel, numbers in LIMITS.items()
}
READ = {
    "audience_verdicts": "audience, destination, customer_key, channel, verdict, reason",
    "audience_waterfall": "*",
    "audience_problems": "*",
    "int_former_keys": "*",
    "int_audience_candidates": "customer_key, is_held_out_everywhere",
}


def key_of(record: Record) -> str:
    return hashlib.md5(f"{record.source}:{record.id}".encode()).hexdigest()


def world(chance: Random) -> World:
    """People with one or two records, some of whom share an address or merged lately, and what they went through."""
    start, people, contacts = datetime(2017, 1, 1), [], []

    def moment() -> datetime:
        return start + timedelta(hours=chance.randrange(6000))

    for number in range(PEOPLE):
        emails = [chance.choice([None, f"p{number}@example.com", f"house{number // 7}@example.com"]) for _ in range(2)]
        phones = [chance.choice([None, f"+1555{number:07}", f"+1666{1 + number // 9:07}"]) for _ in range(2)]
        count = chance.choice([1, 1, 2])
        records = [Record(("shop", "web")[n], f"c{number}", emails[n], phones[n], moment()) for n in range(count)]
        former = [key_of(records[1])] if count == 2 and chance.random() < 0.5 else []
        stage = chance.choice(["silent", "lost", "new", "mature", "prospect"])
        person = Person(
            key=key_of(records[0]),
            records=records,
            stage=stage,
            tier="N" if stage == "prospect" else chance.choice("ABC"),
            stage_since=NIGHT - timedelta(days=chance.randrange(100)),
            ordered_on=None if stage == "prospect" else NIGHT - timedelta(days=chance.randrange(200)),
            orders=0 if stage == "prospect" else chance.randrange(1, 10),
            country=chance.choice(["US", "FR", None]),
            clv=chance.choice([None, 10.0, 20.0, round(chance.random() * 100, 2)]),
            former=former,
        )
        people.append(person)
        # who has a former key was certainly decided on under it
        keys = [*former, *chance.choices([person.key, *former], k=chance.choice([0, 0, 1, 2, 4]))]
        for key in keys:
            night = NIGHT - timedelta(days=chance.choice([0, 1, 2, 3, 5, 6, 7, 8, 13, 14, 28, 29, 30, 31, 60, 90]))
            if key != person.key:
                night = min(night, NIGHT - timedelta(days=1))
            audience = chance.choice([*AUDIENCES, "gone"])
            day = night + timedelta(days=chance.choice([1, 1, 1, 2]))
            contacts.append((key, audience, chance.choice(["email", "sms"]), night, day))
    records = [record for person in people for record in person.records]
    statements = [
        (r.source, r.id, channel, purpose, chance.choice(["granted", "granted", "granted", "denied"]), moment())
        for r in records
        for channel in ("email", "sms")
        for purpose in ("marketing", "service")
        for _ in range(chance.choice([0, 1, 1, 2]))
    ]
    opt_outs = []
    for record in chance.sample(records, len(records) // 6):
        reason = chance.choice(["unsubscribed", "complaint", "bounced", "blocked"])
        opt_outs += [(c, a, reason) for c, a in (("email", record.email), ("sms", record.phone)) if a]
    return World(people, statements, list(dict.fromkeys(opt_outs)), list(dict.fromkeys(contacts)))


def put(session: psycopg.Connection, told: World) -> None:
    """All of it as the models read it; tools write addresses in their own ways."""
    records = [(p, r) for p in told.people for r in p.records]
    fill(
        session,
        "intermediate.int_customer_keys",
        "source, source_customer_id, known_on, customer_key",
        ((r.source, r.id, "2017-01-01", p.key) for p, r in records),
    )
    fill(
        session,
        "pii.input_customers",
        "source, source_customer_id, email, phone, changed_at",
        ((r.source, r.id, r.email, r.phone, r.changed) for _, r in records),
    )
    session.execute(
        "insert into pii.stg_customers (source, customer_id, email, phone) "
        "select source, source_customer_id, email, phone from pii.input_customers"
    )
    fill(
        session,
        "input.input_consents",
        "source, source_customer_id, channel, purpose, status, changed_at, changed_on",
        ((*s, s[-1].date()) for s in told.statements),
    )
    ledger = {(night, a, f"{c}_files", c, key): day for key, a, c, night, day in told.contacts}
    fill(
        session,
        "activation.contact_ledger",
        "as_of, audience, destination, channel, customer_key, contacted_on",
        ((*k, day) for k, day in ledger.items()),
    )
    told.contacts[:] = [(key, a, c, night, day) for (night, a, _, c, key), day in ledger.items()]
    fill(
        session,
        "marts.customer_360",
        "as_of, customer_key, stage, abc_tier, stage_since, last_ordered_on, count_orders, country, clv_365d",
        ((NIGHT, p.key, p.stage, p.tier, p.stage_since, p.ordered_on, p.orders, p.country, p.clv) for p in told.people),
    )


def members(told: World) -> dict[str, list[Person]]:
    """Whom each audience means."""
    means = {
        "best": lambda p: p.tier == "A",
        "plan": lambda p: p.stage in ("silent", "lost", "new"),
        "few": lambda p: p.orders <= 3,
        "asked": lambda p: p.orders == 7,
        "foreign": lambda p: p.orders == 8,
        "twice": lambda p: p.orders == 9,
        **dict.fromkeys(FAILED, lambda p: False),
        "nobody": lambda p: False,
        "service": lambda p: p.tier in ("A", "B"),
    }
    return {name: [p for p in told.people if mean(p)] for name, mean in means.items()}


def pulled(session: psycopg.Connection, told: World, chance: Random) -> list[dict]:
    """Most of them say it in a tool, which is asked; of the others it is known already, as tools write addresses."""
    here = len(told.opt_outs) // 5
    as_written = {"email": lambda a: f" {a.upper()}", "sms": lambda a: f"00{a[1:4]} {a[4:]}"}
    fill(
        session,
        "pii.opt_outs",
        "destination, channel, address, reason, at",
        (("tool", c, as_written[c](a), r, datetime(2017, 9, 1, tzinfo=UTC)) for c, a, r in told.opt_outs[:here]),
    )
    session.commit()
    with every_tool() as tools:
        said = tell(tools, told.opt_outs[here:], chance)
        found = Destinations.model_construct(destinations=places(tools))
        new = opt_outs.pull(NIGHT, replace(config.load(), destinations=found), connections(tools).get).new
        assert all(tool.twin is None or tool.twin.violations == [] for tool in tools.values())
    assert new == len(told.opt_outs) - here
    assert set(said) == set(tools), "somebody opted out in every tool"
    return rows(session, "select destination, count(*) from pii.opt_outs group by 1")


def exported(wanted: Config) -> list[tuple[str, str, str]]:
    """Channel, key and address of everybody in the files of the night."""
    with pytest.raises(FatalError, match="audience foreign is stopped"):
        export.run(NIGHT, wanted)
    found = []
    for place in wanted.destinations.destinations.values():
        for path in sorted((paths.state() / place.folder / str(NIGHT)).glob("*.csv")):
            with path.open(newline="") as file:
                found += [
                    (place.channel, r["customer_key"], r.get("email") or r["phone"]) for r in csv.DictReader(file)
                ]
    return found


@pytest.fixture(scope="module")
def decided(server: Connection, tmp_path_factory) -> dict:
    """The night decided in SQL, with the oracle's verdicts beside it."""
    told, chance = world(Random(6)), Random(7)
    with psycopg.connect(host=server.host, user=server.login, dbname="postgres", autocommit=True) as session:
        session.execute("create database decisions template template")
    to = Connection("postgres", server.host, server.port, server.login, database="decisions")
    with connect(to) as session:
        session.execute("set client_min_messages = warning")
        session.execute(given())
        put(session, told)
        session.commit()
        wanted = settings(AUDIENCES, QUERIES, limits=LIMITED)
        with pointed_at(to, tmp_path_factory.mktemp("decisions")):
            pulled(session, told, chance)
            build(session, compiled(wanted, to, NIGHT))
            session.commit()
            files = exported(wanted)
        found = {table: rows(session, f"select {columns} from {MODELS[table]}") for table, columns in READ.items()}
    with psycopg.connect(host=server.host, user=server.login, dbname="postgres", autocommit=True) as session:
        session.execute("drop database decisions with (force)")
    cells = {(c.stage, c.tier): c.model_dump() for c in config.load().playbook}
    asked = {name: audience | {"broken": name in ("foreign", "twice")} for name, audience in AUDIENCES.items()}
    return found | {"told": told, "files": files, "oracle": decide(told, asked, members(told), cells)}


def test_every_verdict_and_its_first_closed_gate_are_those_of_the_oracle(decided):
    found = {(v["audience"], v["destination"], v["customer_key"]): v["reason"] for v in decided["audience_verdicts"]}
    oracle = decided["oracle"]
    wrong = {
        key: (found.get(key), oracle.get(key))
        for key in found.keys() | oracle.keys()
        if found.get(key) != oracle.get(key)
    }
    assert Counter(wrong.values()) == {}
    assert len(found) > 20_000


def test_every_gate_closed_for_somebody(decided):
    gates = {row["reason"] for row in decided["audience_waterfall"]}
    assert gates - set(decided["oracle"].values()) == {"erased"}, "nobody of them was; tests/erasure has who is"


def test_nobody_with_an_opt_out_is_exported(decided):
    told = decided["told"]
    said_no = {(channel, address) for channel, address, reason in told.opt_outs if reason != "bounced"}
    addresses = {
        p.key: [("email", r.email) for r in p.records] + [("sms", r.phone) for r in p.records] for p in told.people
    }
    exported = [v for v in decided["audience_verdicts"] if v["verdict"] == "export"]
    assert len(exported) > 1_000
    for verdict in exported:
        given_ones = {a for a in addresses[verdict["customer_key"]] if a[0] == verdict["channel"]}
        assert not given_ones & said_no


def test_no_file_names_anybody_who_said_no_in_a_tool_or_to_a_source(decided):
    """By the files and the histories alone: whatever lies between, nobody is in a file after an opt-out."""
    told, files = decided["told"], decided["files"]
    people = {p.key: p for p in told.people}
    assert len(files) == sum(v["verdict"] == "export" for v in decided["audience_verdicts"]) > 1_000
    silenced = {(channel, address) for channel, address, reason in told.opt_outs if reason != "bounced"}
    gone = {(channel, address) for channel, address, _ in told.opt_outs}
    last = {}
    for source, number, channel, purpose, status, _ in sorted(told.statements, key=lambda s: (s[5], s[4] == "denied")):
        if purpose == "marketing":
            last[source, number, channel] = status
    for channel, key, address in files:
        assert (channel, address) not in gone
        given = {(channel, r.email if channel == "email" else r.phone) for r in people[key].records}
        assert not given & silenced
    marketing = {
        (v["channel"], v["customer_key"])
        for v in decided["audience_verdicts"]
        if v["verdict"] == "export" and v["audience"] != "service"
    }
    for channel, key in marketing:
        said = [last.get((r.source, r.id, channel)) for r in people[key].records]
        assert "granted" in said
        assert "denied" not in said


def test_the_waterfall_sums_to_whom_the_audience_means(decided):
    meant = Counter((v["audience"], v["destination"]) for v in decided["audience_verdicts"])
    exported = Counter(
        (v["audience"], v["destination"]) for v in decided["audience_verdicts"] if v["verdict"] == "export"
    )
    steps = defaultdict(list)
    for row in sorted(decided["audience_waterfall"], key=lambda r: r["gate"]):
        steps[row["audience"], row["destination"]].append(row)
    assert set(steps) == {(name, d) for name, audience in AUDIENCES.items() for d in audience["destinations"]}
    for at, rows_of_it in steps.items():
        assert sum(r["count_ended"] for r in rows_of_it) == rows_of_it[0]["count_before"] == meant[at]
        assert all(a["count_after"] == b["count_before"] for a, b in pairwise(rows_of_it))
        assert (rows_of_it[-1]["reason"], rows_of_it[-1]["count_ended"]) == ("export", exported[at])


def test_only_the_audience_whose_query_is_wrong_is_stopped_and_it_is_named(decided):
    problems = {(p["audience"], p["problem"]): p["count_rows"] for p in decided["audience_problems"]}
    twice = sum(p.orders == 9 for p in decided["told"].people) * 2
    failed = {(name, "query_failed"): 1 for name in FAILED}
    assert problems == {("foreign", "unknown_key"): 1, ("twice", "duplicate_key"): twice} | failed
    words = {p["audience"]: p["example"] for p in decided["audience_problems"] if p["problem"] == "query_failed"}
    assert words == FAILED, "what fails is named, without what people gave us"
    reasons = defaultdict(set)
    for verdict in decided["audience_verdicts"]:
        reasons[verdict["audience"]].add(verdict["reason"])
    assert reasons["foreign"] == reasons["twice"] == {"audience_stopped"}
    assert "export" in reasons["asked"]


def test_who_merged_with_somebody_held_out_is_held_out(decided):
    merged = {row["customer_key"] for row in decided["int_former_keys"]}
    held = {c["customer_key"] for c in decided["int_audience_candidates"] if c["is_held_out_everywhere"]}
    alone = {c["customer_key"] for c in decided["int_audience_candidates"]} - merged
    assert 0.03 < len(held & alone) / len(alone) < 0.07
    assert 0.07 < len(held & merged) / len(merged) < 0.13
