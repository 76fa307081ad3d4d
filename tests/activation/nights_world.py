"""Nights in a row at random: people say no, say yes, move, merge and are erased; plans wait, are rejected and stopped.

What ought to be true afterwards is kept here in plain Python, beside the tables that the export reads.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from random import Random

import psycopg

from perennial.warehouse.database import connect
from verdicts import NIGHT

CHANNELS = ("email", "sms")
REASONS = ("unsubscribed", "complaint", "bounced")
EMPTY = """
    truncate activation.audience_members, activation.audience_problems, pii.customer_contacts, marts.customer_360,
        intermediate.int_customer_keys, pii.int_given_addresses, intermediate.int_former_keys, activation.consents
"""


class World:
    """People by key, what each said, and whom each audience wants tonight."""

    def __init__(self, chance: Random, targets: dict[str, tuple[str, str]], people: int = 14):
        self.chance, self.targets = chance, targets  # audience -> destination, channel
        self.records = {f"k{n:02}": f"k{n:02}" for n in range(people)}  # record -> person
        self.now: dict[tuple[str, str], str] = {}  # person and channel -> address
        self.given: dict[str, set[tuple[str, str]]] = defaultdict(set)  # record -> channel and address, ever
        self.moves = 0
        for key in self.records:
            for channel in CHANNELS:
                self.move(key, channel)
        self.wishes: set[tuple[str, str]] = set()
        self.bounced: set[tuple[str, str]] = set()
        self.erased: set[tuple[str, str]] = set()
        self.denied: set[tuple[str, str]] = set()  # person and channel
        self.held_out = frozenset(chance.sample(sorted(self.records), 2))
        self.wanted: dict[str, set[str]] = {audience: set() for audience in targets}
        self.stopped: set[str] = set()
        self.as_of: date = NIGHT - timedelta(days=1)

    @property
    def people(self) -> list[str]:
        return sorted(set(self.records.values()))

    def move(self, key: str, channel: str) -> None:
        """She has another address from now on, once in a while one that others have, too."""
        self.moves += 1
        number = self.chance.choice([900, 1000 + self.moves, 1000 + self.moves, 1000 + self.moves])
        self.now[key, channel] = f"p{number}@example.com" if channel == "email" else f"+1413555{number:04}"
        self.given[key].add((channel, self.now[key, channel]))

    def is_silenced(self, key: str, channel: str, address: str) -> bool:
        """Whether she must not be written to there."""
        ever = {one for record, person in self.records.items() if person == key for one in self.given[record]}
        if (key, channel) in self.denied or (channel, address) in self.erased | self.bounced | self.wishes:
            return True
        return any(one[0] == channel and one in self.wishes for one in ever)

    def somebody_says(self, tell: Callable[[str, str, str], bool], *, late: bool = False) -> None:
        """A few things happen; `tell` lets an address opt out in a tool, if one has that reason.

        `late`: after everybody was decided on.
        """
        for key in self.chance.sample(self.people, 3):
            channel = self.chance.choice(CHANNELS)
            what = self.chance.choice(
                ["opts out", "opts out", "denies", "is erased"] + ([] if late else ["says yes", "moves", "merges"])
            )
            address = self.now[key, channel]
            if what == "opts out":
                reason = self.chance.choice(REASONS)
                if tell(channel, address, reason):
                    (self.bounced if reason == "bounced" else self.wishes).add((channel, address))
            elif what == "denies":
                self.denied.add((key, channel))
            elif what == "is erased" and self.chance.random() < 0.3:
                self.erased |= {(way, self.now[key, way]) for way in CHANNELS}
            elif what == "says yes":
                self.denied.discard((key, channel))
            elif what == "moves":
                self.move(key, channel)
            elif what == "merges" and self.chance.random() < 0.5:
                self._merge(key)

    def _merge(self, key: str) -> None:
        if key in self.held_out:
            return
        into = self.chance.choice([one for one in self.people if one != key and one not in self.held_out])
        self.records |= {record: into for record, person in self.records.items() if person == key}
        self.denied |= {(into, channel) for person, channel in self.denied if person == key}
        self.denied -= {(key, channel) for channel in CHANNELS}

    def next_night(self) -> date:
        """Decide anew: some come, some go, nobody who said no, nobody who is held out."""
        self.as_of += timedelta(days=1)
        self.stopped = {audience for audience in self.targets if self.chance.random() < 0.2}
        for audience, (_, channel) in self.targets.items():
            may = {
                key
                for key in self.people
                if key not in self.held_out and not self.is_silenced(key, channel, self.now[key, channel])
            }
            stay = {key for key in self.wanted[audience] & may if self.chance.random() < 0.8}
            self.wanted[audience] = stay | {key for key in may if self.chance.random() < 0.4}
        return self.as_of

    def write(self, *, decided: bool = True) -> None:
        """All of it as the export reads it; not `decided`: only what was said since."""
        with connect() as session:
            if decided:
                session.execute(EMPTY)
                self._decided(session)
            session.execute("delete from activation.consents")
            _fill(session, "activation.consents", ((*who, "marketing", "denied") for who in self.denied))
            for channel, address in self.erased:
                session.execute(
                    "insert into pii.erased_addresses select 'e', %s::text, pii.erasure_hash(%s, %s) "
                    "on conflict do nothing",
                    [channel, channel, address],
                )

    def _decided(self, session: psycopg.Connection) -> None:
        ways = {key: [self.now[key, channel] for channel in CHANNELS] for key in self.people}
        _fill(session, "pii.customer_contacts", ((key, *both) for key, both in ways.items()))
        _fill(session, "marts.customer_360", ((self.as_of, key, "lost", "A", 3) for key in self.people))
        _fill(session, "intermediate.int_customer_keys", (("shop", *pair) for pair in self.records.items()))
        _fill(session, "pii.int_given_addresses", (("shop", r, *one) for r, ever in self.given.items() for one in ever))
        former = (pair for pair in self.records.items() if pair[0] != pair[1])
        _fill(session, "intermediate.int_former_keys", former)
        for audience, (destination, channel) in self.targets.items():
            at = (channel, "marketing", destination, self.as_of)
            wanted = set() if audience in self.stopped else self.wanted[audience]
            _fill(session, "activation.audience_members", ((self.as_of, audience, k, "export", *at) for k in wanted))
            held = ((self.as_of, audience, k, "exclude", *at) for k in self.held_out & set(self.people))
            _fill(session, "activation.audience_members", held)
        problems = ((self.as_of, audience, "query_failed", "x") for audience in self.stopped)
        _fill(session, "activation.audience_problems", problems)


def _fill(session: psycopg.Connection, table: str, rows: Iterable[tuple]) -> None:
    for row in rows:
        session.execute(f"insert into {table} values ({', '.join(['%s'] * len(row))})", row)
