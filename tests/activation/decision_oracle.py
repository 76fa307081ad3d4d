"""Who is written to and why not, in plain Python that shares no code with the SQL."""

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

NIGHT = date(2017, 9, 30)
SEND_ON = {
    "US": date(2017, 10, 1),
    "FR": date(2017, 10, 2),
    None: date(2017, 10, 1),
}  # the first of October is a Sunday
LIMITS = {"email": (1, 2, 3), "sms": (1, 1, 2)}
GRAVEST = ("complaint", "unsubscribed", "blocked", "bounced")


@dataclass
class Record:
    """A customer as a source knows her."""

    source: str
    id: str
    email: str | None
    phone: str | None
    changed: datetime


@dataclass
class Person:
    """Everything that is known of somebody."""

    key: str
    records: list[Record]
    stage: str
    tier: str
    stage_since: date
    ordered_on: date | None
    orders: int
    country: str | None
    clv: float | None
    former: list[str] = field(default_factory=list)


@dataclass
class World:
    """All people, and what happened."""

    people: list[Person]
    statements: list[tuple]  # source, id, channel, purpose, status, at
    opt_outs: list[tuple]  # channel, address, reason
    contacts: list[tuple]  # key of that night, audience, channel, night, day


def held_out(keys: list[str], of: str, share: float) -> bool:
    draws = [int(hashlib.md5(f"perennial|{of}|{key}".encode()).hexdigest()[:8], 16) % 10_000 for key in keys]
    return min(draws) < share * 10_000


def address(person: Person, channel: str, yes: set[tuple], purposes: set[str]) -> str | None:
    """Of her addresses one that she said yes to for all of these purposes, then the one changed last."""
    kind = "email" if channel == "email" else "phone"
    usable = [r for r in person.records if getattr(r, kind)]
    if len(person.records) > 1:
        said = {(getattr(r, kind), p) for r in usable for p in purposes if (r.source, r.id, channel, p) in yes}
        usable = [r for r in usable if all((getattr(r, kind), p) in said for p in purposes)]
    usable.sort(key=lambda r: (-r.changed.timestamp(), r.source, r.id))
    return getattr(usable[0], kind) if usable else None


def decide(world: World, audiences: dict, members: dict[str, list[Person]], cells: dict) -> dict[tuple, str]:
    """(audience, destination, key) -> reason; `audiences` in the order of the file, as dicts."""
    denied, granted = defaultdict(set), defaultdict(set)
    latest: dict[tuple, tuple] = {}
    for source, id_, channel, purpose, status, at in world.statements:
        key = (source, id_, channel, purpose)
        latest[key] = max(latest.get(key, (datetime.min, "")), (at, "0" if status == "granted" else "1"))
    statements = defaultdict(list)
    for key, said in latest.items():
        statements[key[:2]].append((key, said))
    yes = {key for key, said in latest.items() if said[1] == "0"}
    by_email, by_phone = defaultdict(set), defaultdict(set)
    for person in world.people:
        for record in person.records:
            by_email[record.email].add(person.key)
            by_phone[record.phone].add(person.key)
    for person in world.people:
        for record in person.records:
            for (_, _, channel, purpose), (_, said) in statements[record.source, record.id]:
                if said == "0":
                    granted[channel, purpose].add(person.key)
                else:
                    denied[channel, purpose] |= {person.key} | (by_email[record.email] if record.email else set())
                    if channel == "sms" and record.phone:
                        denied[channel, purpose] |= by_phone[record.phone]
    used = {
        (person.key, channel): address(
            person,
            channel,
            yes,
            {p for (c, p), whom in granted.items() if c == channel and person.key in whom - denied[c, p]},
        )
        for person in world.people
        for channel in ("email", "sms")
    }
    outs: dict[tuple, set] = defaultdict(set)
    said_no = defaultdict(set)
    for channel, written, reason in world.opt_outs:
        said_no[channel, written].add(reason)
    for person in world.people:
        for channel in ("email", "sms"):
            for record in person.records:
                own = record.email if channel == "email" else record.phone
                for reason in said_no.get((channel, own), ()):
                    if reason != "bounced" or own == used[person.key, channel]:
                        outs[person.key, channel].add(reason)
    contacts = defaultdict(set)
    now_of = {old: p.key for p in world.people for old in p.former}
    for key, audience, channel, night, day in world.contacts:
        if night < NIGHT:
            contacts[now_of.get(key, key), channel].add((audience, night, day))

    verdicts: dict[tuple, str | None] = {}
    ranks: dict[tuple, tuple] = {}
    budgets: dict[tuple, tuple] = {}
    for number, (name, audience) in enumerate(audiences.items()):
        for person in members[name]:
            cell = cells.get((person.stage, person.tier)) if audience.get("playbook") else None
            for destination in audience["destinations"]:
                channel = "sms" if destination.startswith("sms") else "email"
                if audience.get("playbook") and (cell is None or cell["channel"] not in (channel, "both")):
                    continue
                own = sorted(night for a, night, _ in contacts[person.key, channel] if a == name)
                last = own[-1] if own else None
                standing = last is not None and (NIGHT - last).days < audience.get("valid_days", 3)
                known = (denied, granted, outs, contacts, used)
                verdict = _gate(person, name, audience, cell, channel, own, standing, known, audiences)
                key = (name, destination, person.key)
                verdicts[key] = verdict
                ranks[key] = (not standing, audience.get("priority", 100), number)
                budget = audience.get("budget", cell["budget"] if cell else None)
                of = None if "budget" in audience or not cell else (person.stage, person.tier)
                budgets[key] = (budget, of, standing, -(person.clv if person.clv is not None else -1.0), person.key)

    best: dict[tuple, tuple] = {}
    for key, verdict in verdicts.items():
        if verdict is None and audiences[key[0]]["purpose"] == "marketing":
            at = (key[2], "sms" if key[1].startswith("sms") else "email")
            best[at] = min(best.get(at, ranks[key]), ranks[key])
    for key, verdict in list(verdicts.items()):
        at = (key[2], "sms" if key[1].startswith("sms") else "email")
        if verdict is None and audiences[key[0]]["purpose"] == "marketing" and ranks[key] != best[at]:
            verdicts[key] = "other_audience"
    queues = defaultdict(set)
    for key, verdict in verdicts.items():
        budget, of, standing, worth, person = budgets[key]
        if verdict is None and budget is not None and not standing:
            queues[key[0], of].add((worth, person))
    for key, verdict in list(verdicts.items()):
        budget, of, standing, worth, person = budgets[key]
        if verdict is None:
            late = budget is not None and not standing and sorted(queues[key[0], of]).index((worth, person)) >= budget
            verdicts[key] = "budget" if late else "export"
    return verdicts


def _gate(person, name, audience, cell, channel, own, standing, known, audiences) -> str | None:
    denied, granted, outs, contacts, used = known
    marketing, purpose = audience["purpose"] == "marketing", audience["purpose"]
    if audience.get("broken"):
        return "audience_stopped"
    if used[person.key, channel] is None:
        return "no_address"
    if person.key in denied[channel, purpose]:
        return "consent_denied"
    if person.key not in granted[channel, purpose]:
        return "no_consent"
    for reason in GRAVEST:
        if reason in outs[person.key, channel]:
            return reason
    keys = [person.key, *person.former]
    if marketing and held_out(keys, "everywhere", 0.05):
        return "holdout_universal"
    if marketing and held_out(keys, name, audience.get("holdout", 0)):
        return "holdout"
    rest = audience.get("cool_down_days", cell["cool_down_days"] if cell else 30)
    pace = audience.get("cool_down_days", cell["cadence_days"] if cell else 30)
    ordered = bool(own and person.ordered_on and person.ordered_on > own[-1])
    if ordered and cell and cell["exit_rule"] == "ordered" and (NIGHT - own[-1]).days < rest:
        return "exited"
    if cell and cell["exit_rule"].startswith("days:"):
        stay = [night for night in own if night >= person.stage_since]
        if stay and NIGHT - stay[0] >= timedelta(int(cell["exit_rule"][5:])):
            return "exited"
    if standing:
        return None
    if own and (NIGHT - own[-1]).days < (pace if own[-1] >= person.stage_since else rest):
        return "cool_down"
    if marketing:
        day = SEND_ON[person.country]
        written = [d for a, _, d in contacts[person.key, channel] if audiences.get(a, {}).get("purpose") != "service"]
        for days, limit, reason in zip((1, 7, 30), LIMITS[channel], ("1_day", "7_days", "30_days"), strict=True):
            if sum((day - d).days < days for d in written) >= limit:
                return f"limit_{reason}"
    return None
