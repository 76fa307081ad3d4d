"""Random people on random nights are who an oracle says that shares no code with the SQL."""

from datetime import date, timedelta
from random import Random

import pytest
from identity_nights import Nights
from identity_oracle import resolve
from identity_world import INPUT, World, rules_of, settings, tell

pytestmark = pytest.mark.server

FIRST = date(2017, 5, 1)
LIMITS = {
    "email": {"people": 2, "records": 7},
    "phone": {"people": 3, "records": 6},
    "loyalty_number": {"people": 3, "records": 6},
}
WORLDS, NIGHTS = 8, 6


def told(nights: Nights, world: World) -> list:
    """The same world in another order every time."""
    rows = list(world.records.values())
    world.chance.shuffle(rows)
    tell(nights.session, rows)
    pairs = [(what, p) for what in ("same", "links", "different") for p in getattr(world, what)]
    nights.decided([({"same": "override", "links": "link"}.get(what, what), pair) for what, pair in pairs])
    return rows


def test_incremental_nights_equal_the_oracle_and_a_full_build_of_shuffled_rows(warehouse, session):
    settled = settings(**LIMITS)
    merged, blocked, joined = 0, set(), set()
    session.execute(INPUT)
    nights = Nights(session, settled, warehouse)
    for seed in range(WORLDS):
        world = World(Random(seed), 300, date(2017, 1, 1))
        world.born(world.size)
        world.happen(60)
        session.execute("truncate ops.nights, pii.int_identity")
        for number in range(NIGHTS):
            as_of = FIRST + timedelta(days=number)
            world.happen(world.chance.choice([1, 10, 40]))
            expected = resolve(told(nights, world), world.same, world.links, world.different, rules_of(settled))
            nights.build(as_of, finished=number % 3 != 2)
            found = nights.state()
            assert {i: row[0] for i, row in found.items()} == expected.keys, (seed, number)
            assert {i: row[1] for i, row in found.items()} == expected.joined_by, (seed, number)
            blocks = {(i, *b.split(":")[:2]) for i, row in found.items() if row[2] for b in row[2].split(",")}
            assert blocks == expected.blocks, (seed, number)
            merged += len(expected.keys) - len(set(expected.keys.values()))
            blocked |= {(level, reason) for _, level, reason in blocks}
            joined |= set(expected.joined_by.values())
        told(nights, world)
        with session.transaction(force_rollback=True):
            nights.build(as_of, full=True)
            assert nights.state() == found, seed
    # the worlds are rich enough for the comparison to mean something
    assert merged > 50 * WORLDS
    assert joined == {None, "override", "link", "email", "phone", "loyalty_number"}
    assert blocked >= {
        ("link", "declared_different"),
        ("email", "declared_different"),
        ("phone", "different_emails"),
        ("loyalty_number", "different_emails"),
        ("email", "shared_by_too_many"),
        ("phone", "shared_by_too_many"),
    }
