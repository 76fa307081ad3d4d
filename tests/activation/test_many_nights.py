"""Whatever happens in many nights: whoever said no is in no list, whoever is held out was never in one."""

import contextlib
from dataclasses import replace
from random import Random

import pytest
import shelf
from nights_world import World
from shelf import Destination
from tools import connections, every_tool, places

from http_twin import Answer
from perennial import config
from perennial.activation import approval, export, opt_outs
from perennial.config import Config
from perennial.config.destinations import Destinations
from perennial.destinations import base, registry
from perennial.errors import PerennialError
from perennial.warehouse.database import connect
from verdicts import TABLES

pytestmark = pytest.mark.server

NIGHTS = 5
KNOWN = "select * from pii.destination_members order by destination, audience, customer_key"
MEMBERS = "select customer_key, address, is_sure from pii.destination_members where audience = %s"


def settings(targets: dict[str, tuple[str, str]], found: dict[str, base.Settings]) -> Config:
    """The shipped configuration with these audiences and destinations."""
    shipped = config.load()
    one = next(iter(shipped.audiences.audiences.values()))
    audiences = {
        audience: one.model_copy(update={"destinations": [to], "purpose": "marketing"})
        for audience, (to, _) in targets.items()
    }
    return replace(
        shipped,
        audiences=shipped.audiences.model_copy(update={"audiences": audiences}),
        destinations=Destinations.model_construct(destinations=found),
    )


class Shelves:
    """Lists in memory that break in many ways."""

    def __init__(self):
        shelf.clean()
        self.targets = {"one": ("first", "email"), "two": ("second", "email"), "three": ("third", "sms")}
        guards = base.Guards(from_members=3)
        found = {to: shelf.Settings(kind="shelf", channel=way, guards=guards) for to, way in self.targets.values()}
        self.settings, self.lookup = settings(self.targets, found), lambda _: None

    def opt_out(self, channel: str, address: str, reason: str) -> bool:
        with connect() as session:
            session.execute(
                "insert into pii.opt_outs values ('first', %s, %s, %s, '2018-01-05 09:00+00') on conflict do nothing",
                [channel, address, reason],
            )
        return True

    def break_something(self, chance: Random, keys: list[str]) -> None:
        which = chance.choice(["reject", "fail", "mute", "break", "nothing"])
        if which in ("reject", "fail"):
            setattr(Destination, which, set(chance.sample(keys, 4)))
        elif which == "mute":
            Destination.mute = {chance.choice(["email", "sms"])}
        elif which == "break":
            Destination.break_after = len(Destination.told) + chance.randrange(6)

    def mend(self) -> None:
        Destination.reject, Destination.fail, Destination.mute = set(), set(), set()
        Destination.break_after = None

    def listed(self, audience: str) -> set[str] | None:
        return set(Destination.shelf.get(audience, {}))

    def calls(self) -> int:
        return len(Destination.told)

    def check(self) -> None:
        """Nothing else to look at."""


class Tools:
    """The twins of all vendors and folders of files; each has an audience of its own."""

    def __init__(self, tools: dict):
        self.tools = tools
        self.targets = {f"of_{name}": (name, tool.channel) for name, tool in tools.items()}
        guards = base.Guards(from_members=3)
        found = {
            name: place.model_copy(update={"guards": guards, "attributes": ("stage", "orders")})
            for name, place in places(tools).items()
        }
        self.settings, self.lookup = settings(self.targets, found), connections(tools).get
        self.silenced: dict[str, set[str]] = {name: set() for name in tools}

    def opt_out(self, channel: str, address: str, reason: str) -> bool:
        knows = [name for name, t in self.tools.items() if t.twin and t.channel == channel and reason in t.reasons]
        if not knows:
            return False
        name = knows[len(address + reason) % len(knows)]
        self.tools[name].opt_out(address, reason)
        self.silenced[name].add(address)
        return True

    def break_something(self, chance: Random, keys: list[str]) -> None:
        tool = chance.choice([tool for tool in self.tools.values() if tool.twin])
        tool.twin.fail(Answer(chance.choice([401, 500]), {}), tool.bulk, times=1000)

    def mend(self) -> None:
        for tool in self.tools.values():
            if tool.twin:
                tool.twin.faults.clear()

    def listed(self, audience: str) -> set[str] | None:
        name = self.targets[audience][0]
        made = registry.make(self.settings.destinations.destinations[name], self.lookup(name))
        found = None if self.tools[name].twin is None else made.readback(audience)
        return None if found is None else set(found)

    def calls(self) -> int:
        return 0

    def check(self) -> None:
        for name, tool in self.tools.items():
            if tool.twin:
                assert tool.twin.violations == []
                assert self.silenced[name] <= tool.opted_out(), "nobody was subscribed again"


def lived(shop, seed: int, rows) -> None:
    """Several nights; after each the lists are looked at, and the same night again tells nobody anything."""
    chance = Random(seed)
    world = World(chance, shop.targets)
    names = world.people
    for _ in range(NIGHTS):
        world.somebody_says(shop.opt_out)
        as_of = world.next_night()
        world.write()
        waiting = export.plans(as_of, shop.settings)
        for name in waiting:
            decision = chance.choice([approval.approve, approval.approve, approval.reject, None])
            with connect() as session:
                assert decision is None or decision(session, name, "ann")
        world.somebody_says(shop.opt_out, late=True)
        world.write(decided=False)
        shop.break_something(chance, names)
        sent(shop, as_of)
        shop.mend()
        sent(shop, as_of)
        look(shop, world, rows)
        before = (shop.calls(), {a: shop.listed(a) for a in shop.targets}, rows(KNOWN))
        sent(shop, as_of)
        assert before == (
            shop.calls(),
            {a: shop.listed(a) for a in shop.targets},
            rows(KNOWN),
        )


def sent(shop, as_of) -> None:
    pulled = opt_outs.pull(as_of, shop.settings, shop.lookup)
    with contextlib.suppress(PerennialError):  # an audience is stopped, or something broke
        export.run(as_of, shop.settings, shop.lookup, pulled.silent)


def look(shop, world: World, rows) -> None:
    for audience, (_, channel) in shop.targets.items():
        known = [(row["customer_key"], row["address"]) for row in rows(MEMBERS, audience)]
        listed = shop.listed(audience)
        if listed is not None:
            assert listed <= {address for _, address in known}, "nobody we do not know is there"
            assert listed >= {row["address"] for row in rows(MEMBERS, audience) if row["is_sure"]}
        for key, address in known:
            person = world.records[key]
            assert key not in world.held_out
            if not world.is_silenced(person, channel, address):
                continue
            # an address may be somebody else's, too, who never said no
            others = {world.records[k] for k, a in known if a == address} - {person}
            assert any(not world.is_silenced(one, channel, address) for one in others), (audience, key)
    shop.check()


@pytest.fixture
def prepared(warehouse, time):
    with connect() as session:
        session.execute(TABLES)
        session.execute("insert into pii.erasure_salt values ('salt', true)")
        session.execute("insert into ops.erasures values ('e', '2017-10-01 00:00+00', 'ann', null, 1, 1)")


@pytest.mark.parametrize("seed", range(6))
def test_in_lists_that_break(prepared, rows, monkeypatch, seed):
    monkeypatch.setattr(registry, "kinds", lambda: {"shelf": shelf.MODULE})
    lived(Shelves(), seed, rows)


def test_in_the_twins_of_all_vendors(prepared, rows):
    with every_tool() as tools:
        lived(Tools(tools), 1, rows)
