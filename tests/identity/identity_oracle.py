"""Who is who by the rules of config/identity.yml, with plain sets and a loop per rule. Shares no code with the SQL."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

Id = tuple[str, str]
Pair = frozenset  # of two ids


@dataclass(frozen=True)
class Record:
    """A customer record as the input layer has it; None: it does not say."""

    id: Id
    known_on: date
    email: str | None = None
    phone: str | None = None
    loyalty_number: str | None = None
    verified: bool = True


@dataclass(frozen=True)
class Rules:
    """Limits as (people, records); what says nothing of a person."""

    email: tuple[int, int]
    phone: tuple[int, int]
    loyalty_number: tuple[int, int]
    roles: frozenset[str] = frozenset()
    placeholders: frozenset[str] = frozenset()


@dataclass
class Resolved:
    """The key of every record, what joined it to the record of that key, and what keeps it apart from others."""

    keys: dict[Id, str]
    joined_by: dict[Id, str | None]
    blocks: set[tuple[Id, str, str]]


def key_of(record: Id) -> str:
    return hashlib.md5(":".join(record).encode()).hexdigest()


def resolve(
    records: Iterable[Record], same: set[Pair], links: set[Pair], different: set[Pair], rules: Rules
) -> Resolved:
    """Everybody at once, from nothing."""
    everybody = {r.id: r for r in records}
    said = {
        "email": {i: _email(r, rules) for i, r in everybody.items()},
        "phone": {i: _phone(r, rules) for i, r in everybody.items()},
        "loyalty_number": {i: _loyalty(r, rules) for i, r in everybody.items()},
    }
    blocks: set[tuple[Id, str, str]] = set()
    counts = {}
    for level in said:
        holders = defaultdict(set)
        for i, value in said[level].items():
            if value is not None:
                holders[value].add(i)
        counts[level] = {}
        for value, ids in holders.items():
            if _few(level, ids, said, rules):
                counts[level][value] = ids
            else:
                blocks |= {(i, level, "shared_by_too_many") for i in ids}
    shares = {
        "override": [set(p) for p in same],
        "link": [set(p) for p in links],
        **{level: list(values.values()) for level, values in counts.items()},
    }
    emails = {i: {r.email} - {None} if _is_an_address(r, rules) else set() for i, r in everybody.items()}
    group = {i: frozenset([i]) for i in everybody}
    steps = {}
    for level, together in shares.items():
        for component in _components(set(group.values()), [s & everybody.keys() for s in together], group):
            reason = _against(level, component, different, emails, group)
            if reason:
                blocks |= {(i, level, reason) for part in component for i in part}
            else:
                merged = frozenset().union(*component)
                group |= dict.fromkeys(merged, merged)
        steps[level] = dict(group)
    keys, joined = {}, {}
    for i in everybody:
        anchor = min(group[i], key=lambda m: (everybody[m].known_on, m))
        keys[i] = key_of(anchor)
        joined[i] = next((level for level in steps if anchor in steps[level][i]), None) if i != anchor else None
    return Resolved(keys, joined, blocks)


def _components(groups: set[frozenset], together: list[set[Id]], group: dict[Id, frozenset]) -> list[set[frozenset]]:
    """Sets of more than one group that hang together."""
    left = [{group[i] for i in ids} for ids in together]
    found: list[set[frozenset]] = []
    for part in left:
        if len(part) < 2:
            continue
        touching = [f for f in found if f & part]
        found = [f for f in found if not f & part] + [part.union(*touching)]
    return found


def _against(level: str, component: set[frozenset], different: set[Pair], emails: dict, group: dict) -> str | None:
    members = frozenset().union(*component)
    for pair in different:
        if pair <= members and len({group[i] for i in pair}) == 2:
            return "declared_different"
    if level in ("phone", "loyalty_number"):
        of_parts = [set().union(*(emails[i] for i in part)) for part in component]
        if set().union(*of_parts) not in of_parts:
            return "different_emails"
    return None


def _few(level: str, ids: set[Id], said: dict, rules: Rules) -> bool:
    people, most = getattr(rules, level)
    if level == "email":
        phones = {said["phone"][i] for i in ids} - {None}
        cards = {said["loyalty_number"][i] for i in ids} - {None}
        count = max(len(phones), len(cards))
    else:
        count = len({said["email"][i] or i for i in ids})
    return len(ids) <= most and count <= people


def _is_an_address(record: Record, rules: Rules) -> bool:
    """Also one that is no evidence tells people apart; a placeholder is none."""
    return not rules.placeholders & {record.email, (record.email or "").partition("@")[2]}


def _email(record: Record, rules: Rules) -> str | None:
    if record.email is None or not record.verified or not _is_an_address(record, rules):
        return None
    return None if record.email.split("@")[0].split("+")[0] in rules.roles else record.email


def _phone(record: Record, rules: Rules) -> str | None:
    phone = record.phone
    return None if phone is None or phone in rules.placeholders or len(set(phone[-7:])) == 1 else phone


def _loyalty(record: Record, rules: Rules) -> str | None:
    card = record.loyalty_number
    return None if card is None or len(card) < 4 or len(set(card)) == 1 or card in rules.placeholders else card
