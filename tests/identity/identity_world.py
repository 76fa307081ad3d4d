"""A warehouse whose input layer a test writes itself, and customers who change from night to night."""

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from random import Random

import psycopg
from identity_oracle import Id, Pair, Record, Rules

from compiled_models import fill
from perennial import config
from perennial.config import Config
from perennial.config.identity import Identity
from perennial.config.overrides import Override

INPUT = """
create schema if not exists input;
create schema if not exists intermediate;
create table pii.input_customers (
    source text, source_customer_id text, email text, phone text, registered_on date, loyalty_number text,
    is_email_verified boolean
);
create table input.input_orders (source text, order_id text, source_customer_id text, ordered_on date);
create table input.input_links (
    source text, source_customer_id text, other_source text, other_source_customer_id text
);
create table input.input_consents (
    source text, source_customer_id text, channel text, purpose text, status text, changed_at timestamptz,
    changed_on date, received_on date
)
"""


def settings(overrides: list[tuple[str, Id, Id]] = (), hold: list[str] = (), **levels: dict) -> Config:
    """The shipped configuration with other limits, overrides (verdict, one, other) and merges that wait."""
    shipped = config.load()
    said = shipped.identity.model_dump()
    said["evidence"] |= levels
    rows = [
        Override(verdict=v, source=a[0], customer_id=a[1], other_source=b[0], other_customer_id=b[1], reason="a test")
        for v, a, b in overrides
    ]
    return replace(shipped, identity=Identity.model_validate(said | {"hold": list(hold)}), overrides=rows)


def tell(session: psycopg.Connection, records: list[Record], links: set[Pair] = frozenset()) -> None:
    """What the sources say now. Who has nothing to say of herself is known by an order only."""
    session.execute("truncate pii.input_customers, input.input_orders, input.input_links")
    spoken = [r for r in records if r.email or r.phone or r.loyalty_number]
    fill(
        session,
        "pii.input_customers",
        "source, source_customer_id, email, phone, registered_on, loyalty_number, is_email_verified",
        [(*r.id, r.email, r.phone, r.known_on, r.loyalty_number, r.verified) for r in spoken],
    )
    silent = [r for r in records if not (r.email or r.phone or r.loyalty_number)]
    fill(
        session,
        "input.input_orders",
        "source, order_id, source_customer_id, ordered_on",
        [
            (r.id[0], f"{n}/{day}", r.id[1], r.known_on + timedelta(days=day))
            for n, r in enumerate(silent)
            for day in (3, 0)
        ],
    )
    fill(
        session,
        "input.input_links",
        "source, source_customer_id, other_source, other_source_customer_id",
        [(*one, *other) for one, other in (sorted(pair) for pair in links)],
    )


@dataclass
class World:
    """Everything the sources say of many customers, and what somebody decided."""

    chance: Random
    size: int
    begins: date
    records: dict[Id, Record] = field(default_factory=dict)
    links: set[Pair] = field(default_factory=set)
    same: set[Pair] = field(default_factory=set)
    different: set[Pair] = field(default_factory=set)

    def born(self, number: int) -> None:
        for _ in range(number):
            who = (self.chance.choice(["shop", "crm", "till"]), str(len(self.records)))
            self.records[who] = self._anew(Record(who, self._day()))

    def happen(self, times: int) -> None:
        """So many things change: what a record says, when it was known, that it is there, who is linked with whom."""
        for _ in range(times):
            what = self.chance.choice(
                ["say", "say", "say", "born", "gone", "late", "link", "unlink", "same", "different"]
            )
            who, other = self.chance.sample(sorted(self.records), 2)
            if what == "say":
                self.records[who] = self._anew(self.records[who])
            elif what == "born":
                self.born(1)
            elif what == "gone":
                self.records[who] = replace(self.records[who], email=None, phone=None, loyalty_number=None)
                if self.chance.random() < 0.5:
                    del self.records[who]
            elif what == "late":
                self.records[who] = replace(self.records[who], known_on=self._day())
            elif what == "link":
                self.links.add(Pair([who, other]))
            elif what == "unlink" and self.links:
                self.links.remove(self.chance.choice(sorted(self.links, key=sorted)))
            elif what == "same":
                self._decide(what, Pair([who, other]))
            elif what == "different":
                self._decide(what, Pair([who, self.chance.choice(self._near(who) or [other])]))

    def _near(self, who: Id) -> list[Id]:
        """Who shares her address or is linked with her."""
        linked = {i for pair in self.links if who in pair for i in pair}
        email = self.records[who].email
        return sorted((linked | {i for i, r in self.records.items() if email and r.email == email}) - {who})

    def _decide(self, what: str, pair: Pair) -> None:
        """As overrides.problems lets: never different of who is the same through others."""
        getattr(self, what).add(pair)
        for bad in [p for p in self.different if self._reaches(*sorted(p))]:
            self.different.remove(bad)

    def _reaches(self, one: Id, other: Id) -> bool:
        seen, ahead = {one}, [one]
        while ahead:
            at = ahead.pop()
            for pair in self.same:
                if at in pair and (new := pair - seen):
                    seen |= new
                    ahead += new
        return other in seen

    def _anew(self, record: Record) -> Record:
        few = max(self.size // 3, 10)

        def pick(make, nothing: float):
            popular = self.chance.random() < 0.15
            return (
                None if self.chance.random() < nothing else make(self.chance.randint(0, few // 30 if popular else few))
            )

        return replace(
            record,
            email=pick(
                lambda n: ["info@example.com", "test@test.com", "x@noemail.com"][n % 3] if n < 3 else f"p{n}@x.org", 0.4
            ),
            phone=pick(lambda n: "+49" + (str(n % 10) * 9 if n < 3 else f"30{n:07}"), 0.4),
            loyalty_number=pick(lambda n: ["123", "0000", "GUEST"][n % 3] if n < 3 else f"L{n:05}", 0.6),
            verified=self.chance.random() < 0.9,
        )

    def _day(self) -> date:
        return self.begins + timedelta(days=self.chance.randint(0, 100))


def rules_of(told: Config) -> Rules:
    """The same for the oracle."""
    said, holders = told.identity, told.identity.placeholders
    limits = {name: (e.people, e.records) for name, e in said.evidence}
    nothing = {*holders.emails, *holders.email_domains, *holders.phones, *holders.loyalty_numbers}
    return Rules(**limits, roles=frozenset(said.role_addresses), placeholders=frozenset(nothing))
