"""Audience files are whole, private, and exist also for nobody."""

import csv
import hashlib
import json
from datetime import date

import pytest

from perennial.config.destinations import Destination
from perennial.destinations.registry import DESTINATIONS

NIGHT = date(2017, 9, 30)
ANN = {"customer_key": "k1", "email": "ann@example.com", "phone": "+14135550101", "stage": "lost", "abc_tier": "A"}


def deliver(channel: str, members: list[dict]):
    settings = Destination(kind="files", channel=channel, folder="audiences/x")
    return DESTINATIONS["files"].deliver(settings, "lost", NIGHT, members)


@pytest.mark.parametrize(("channel", "address"), [("email", "email"), ("sms", "phone")])
def test_a_file_holds_the_address_of_its_channel_and_no_other(state, channel, address):
    path, rows, _ = deliver(channel, [ANN])
    with path.open(newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert rows == 1
    assert row == {"customer_key": "k1", address: ANN[address], "stage": "lost", "abc_tier": "A"}


def test_the_manifest_tells_rows_and_hash(state):
    path, rows, digest = deliver("email", [ANN, ANN | {"customer_key": "k2"}])
    manifest = json.loads(path.with_suffix(".manifest.json").read_text())
    assert (manifest["rows"], manifest["audience"], manifest["as_of"]) == (2, "lost", "2017-09-30")
    assert manifest["sha256"] == digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert rows == 2


def test_an_empty_audience_still_writes_its_header_over_yesterdays_members(state):
    deliver("email", [ANN])
    path, rows, _ = deliver("email", [])
    assert rows == 0
    assert path.read_text() == "customer_key,email,stage,abc_tier\n"
    assert json.loads(path.with_suffix(".manifest.json").read_text())["rows"] == 0


def test_delivering_the_same_again_does_not_touch_the_file(state):
    path, *_ = deliver("email", [ANN])
    before = path.stat().st_mtime_ns, path.stat().st_ino
    deliver("email", [ANN])
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == before


def test_only_the_owner_can_look_into_the_folder_and_nothing_half_written_stays(state):
    path, *_ = deliver("email", [ANN])
    assert path.parent.stat().st_mode & 0o077 == 0
    assert sorted(p.name for p in path.parent.iterdir()) == ["lost.csv", "lost.manifest.json"]


def test_a_kill_while_writing_leaves_yesterdays_file_whole(state, monkeypatch):
    path, *_ = deliver("email", [ANN])
    before = path.read_text()

    def members():
        yield ANN
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        deliver("email", members())
    assert path.read_text() == before


def test_no_destination_can_subscribe_anybody():
    from pathlib import Path

    import perennial.destinations as package

    code = "\n".join(p.read_text().lower() for p in Path(package.__file__).parent.glob("*.py"))
    code = code.replace("none of them can subscribe anybody", "")
    assert "subscri" not in code
    assert "opt_in" not in code
