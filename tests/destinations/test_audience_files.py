"""Audience files are whole, private, and exist also for nobody."""

import csv
import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from twins.harness import outcomes_of

from perennial.destinations.base import Change, Delivery, Member
from perennial.destinations.files import Destination, Settings
from perennial.errors import FatalError

NIGHT = date(2017, 9, 30)
ADDRESS = {"email": "ann@example.com", "sms": "+14135550101"}


def ann(channel: str = "email", key: str = "k1") -> Member:
    return Member(key, ADDRESS[channel], {"stage": "lost", "abc_tier": "A"})


def folder(channel: str = "email") -> Destination:
    return Destination(Settings(kind="files", channel=channel, folder="audiences/x"), None)


def deliver(channel: str, members: list[Member], changes: Iterable[Change] = ()):
    """Deliver; the file, what the destination can prove, and the outcomes."""
    place = folder(channel)
    delivery = Delivery("plan", NIGHT, date(2017, 10, 3), "lost", changes, lambda: iter(members), ("stage", "abc_tier"))
    found = list(outcomes_of(place, delivery))
    return Path(place.receipt["path"]), place.receipt, found


def deliver_with(members: list[Member], given: Iterable[Change] = (), attributes=("stage", "abc_tier"), **settings):
    """The same with other settings."""
    known = {"kind": "files", "channel": "email", "folder": "audiences/x", "attributes": attributes} | settings
    place = Destination(Settings(**known), None)
    delivery = Delivery("plan", NIGHT, date(2017, 10, 3), "lost", given, lambda: iter(members), attributes)
    found = list(outcomes_of(place, delivery))
    return Path(place.receipt["path"]), place.receipt, found


@pytest.mark.parametrize(("channel", "address"), [("email", "email"), ("sms", "phone")])
def test_a_file_holds_the_address_of_its_channel_and_no_other(state, channel, address):
    path, receipt, _ = deliver(channel, [ann(channel)])
    with path.open(newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert receipt["rows"] == 1
    assert row == {"customer_key": "k1", address: ADDRESS[channel], "stage": "lost", "abc_tier": "A"}


def test_the_manifest_tells_rows_and_hash(state):
    path, receipt, _ = deliver("email", [ann(), ann(key="k2")])
    manifest = json.loads(path.with_suffix(".manifest.json").read_text())
    assert (manifest["rows"], manifest["audience"], manifest["as_of"]) == (2, "lost", "2017-09-30")
    assert manifest["valid_until"] == "2017-10-03"
    assert manifest["sha256"] == receipt["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()


def test_an_empty_audience_still_writes_its_header_over_yesterdays_members(state):
    deliver("email", [ann()])
    path, *_ = deliver("email", [])
    assert path.read_text() == "customer_key,email,stage,abc_tier\n"
    assert json.loads(path.with_suffix(".manifest.json").read_text())["rows"] == 0


def test_delivering_the_same_again_does_not_touch_the_file(state):
    path, *_ = deliver("email", [ann()])
    before = path.stat().st_mtime_ns, path.stat().st_ino
    deliver("email", [ann()])
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == before


def test_only_the_owner_can_look_into_the_folder_and_nothing_half_written_stays(state):
    path, *_ = deliver("email", [ann()])
    assert path.parent.stat().st_mode & 0o077 == 0
    assert sorted(p.name for p in path.parent.iterdir()) == ["lost.csv", "lost.manifest.json"]


def test_a_kill_while_writing_leaves_yesterdays_file_whole(state, monkeypatch):
    path, *_ = deliver("email", [ann()])
    before = path.read_text()

    def members():
        yield ann()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        deliver("email", members())
    assert path.read_text() == before


def test_every_change_is_acknowledged_once_the_file_is_whole(state):
    changes = [Change("add", ann()), Change("remove", ann(key="k2"))]
    path, _, found = deliver("email", [ann()], changes)
    assert path.exists()
    assert [(o.customer_key, o.op, o.status) for o in found] == [("k1", "add", "done"), ("k2", "remove", "done")]


def told(state, text: str, name: str = "a.csv") -> list:
    place = state / "audiences" / "x" / "optouts"
    place.mkdir(parents=True, exist_ok=True)
    (place / name).write_text(text)
    return list(folder().opt_outs(None))


def test_who_opted_out_elsewhere_is_told_by_a_file(state):
    found = told(
        state, "email,phone,reason,at\n Ann@Example.com ,,complaint,2017-09-01T10:00:00+02:00\n,+14135550101,,\n"
    )
    assert [(o.address, o.channel, o.reason) for o in found] == [
        ("ann@example.com", "email", "complaint"),
        ("+14135550101", "sms", "unsubscribed"),
    ]
    assert found[0].at == datetime(2017, 9, 1, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("address\nann@example.com\n", "no column `email` or `phone`"),
        ("email\nann@example.com\nann\n", "a.csv:3: the email is none"),
        ("phone\n0413 555\n", "a.csv:2: the phone is none"),
        ("email,reason\nann@example.com,bored\n", "reason 'bored'; accepted: unsubscribed, complaint"),
        ("email,at\nann@example.com,yesterday\n", "at 'yesterday' is no moment"),
        ("email,at\nann@example.com,2017-09-30T10:00:00\n", "is no moment"),
    ],
)
def test_an_opt_out_that_cannot_be_read_stops_the_night_and_names_its_place(state, text, said):
    with pytest.raises(FatalError, match=said) as raised:
        told(state, text)
    assert "ann@" not in str(raised.value)
