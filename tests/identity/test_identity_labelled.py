"""People whose records are known to be theirs: hardly anybody is taken for somebody else, and how many are found."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from math import comb
from random import Random

import pytest
from identity_nights import Nights
from identity_oracle import Id, Record
from identity_world import INPUT, settings, tell

pytestmark = pytest.mark.server

NIGHT = date(2017, 5, 1)


@dataclass
class Labelled:
    """Records, and whose each really is."""

    chance: Random
    records: list[Record]
    person: dict[Id, int]
    people: int = 0

    def somebody(self, **said) -> dict:
        """What a new person has."""
        self.people += 1
        own = {"email": f"p{self.people}@mail{self.people % 7}.org", "phone": f"+4930{self.people:07}"}
        card = f"L{self.people:06}" if self.chance.random() < 0.4 else None
        return {"person": self.people, **own, "loyalty_number": card} | said

    def tells(self, who: dict, **said) -> None:
        """One more record of hers, which leaves out what it leaves out."""
        record_id = (self.chance.choice(["shop", "till", "crm"]), str(len(self.records)))
        shown = {name: said.get(name, who[name]) for name in ("email", "phone", "loyalty_number")}
        known = date(2016, 1, 1) + timedelta(days=self.chance.randrange(400))
        self.records.append(Record(record_id, known, **shown, verified=said.get("verified", True)))
        self.person[record_id] = who["person"]


def labelled(seed: int, people: int) -> Labelled:
    """Guests, families, mailboxes of firms, new addresses, numbers given away, typing errors, placeholders."""
    world = Labelled(Random(seed), [], {})
    chance = world.chance
    for number in range(people):
        who, kind = world.somebody(), chance.random()
        if kind < 0.35:  # an account, and a till that knows a card or a number only
            world.tells(who)
            if chance.random() < 0.5:
                world.tells(who, email=None)
        elif kind < 0.55:  # a guest, under a new id each time
            for _ in range(chance.randint(2, 15)):
                world.tells(who, phone=chance.choice([who["phone"], None]), loyalty_number=None)
        elif kind < 0.65:  # a family with one telephone, each with an address
            for _ in range(chance.randint(2, 4)):
                world.tells(world.somebody(phone=who["phone"]), loyalty_number=None)
        elif kind < 0.70:  # an office where everybody orders with one address
            shared = chance.choice([f"info@firm{number}.org", f"bestellung@firm{number}.org", f"we@firm{number}.org"])
            for _ in range(chance.randint(7, 12)):
                world.tells(world.somebody(), email=shared, loyalty_number=None)
        elif kind < 0.78:  # a new address, the old card or number
            world.tells(who)
            world.tells(who, email=f"new{number}@mail.org", phone=who["phone"])
        elif kind < 0.84:  # a number that was somebody else's before
            world.tells(who, loyalty_number=None)
            world.tells(world.somebody(phone=who["phone"]), loyalty_number=None)
        elif kind < 0.90:  # what cashiers type
            placeholder = chance.choice(["+11111111111", "+1234567890", "+490000000000"])
            world.tells(who, email=None, phone=placeholder, loyalty_number=chance.choice([None, "0000", "GUEST"]))
        elif kind < 0.95:  # a typing error in an address that nobody verified, which is somebody's
            world.tells(who)
            world.tells(who, email=f"p{chance.randint(1, world.people)}@mail1.org", phone=None, verified=False)
        else:
            world.tells(who, phone=None, loyalty_number=None)
    # two of one household without addresses, which nothing tells apart
    for _ in range(people // 500):
        who = world.somebody(email=None)
        world.tells(who, loyalty_number=None)
        world.tells(world.somebody(email=None, phone=who["phone"]), loyalty_number=None)
    return world


def pairs(sizes: Counter) -> int:
    return sum(comb(size, 2) for size in sizes.values())


def test_precision_is_at_least_99_percent_and_recall_is_told(warehouse, session, record_property):
    session.execute(INPUT)
    nights, world = Nights(session, settings(), warehouse), labelled(7, 3000)
    tell(session, world.records)
    nights.build(NIGHT)
    found = {record: row[0] for record, row in nights.state().items()}
    assert found.keys() == world.person.keys()
    same = pairs(Counter((found[r], world.person[r]) for r in found))
    precision = same / pairs(Counter(found.values()))
    recall = same / pairs(Counter(world.person.values()))
    record_property("precision", precision)
    record_property("recall", recall)
    print(f"{len(found):,} records of {world.people:,} people: precision {precision:.4f}, recall {recall:.4f}")
    assert precision >= 0.99
    assert recall >= 0.95
