"""Audience files on servers and in buckets: whole or not there, the same again changes nothing, nothing overwritten."""

import csv
import hashlib
import io
import json
from collections.abc import Iterator

import pytest
from test_audience_files import ADDRESS, NIGHT, ann
from twins.harness import outcomes_of

from perennial.connections import Connection
from perennial.destinations import files as module
from perennial.destinations.base import Change, Delivery, Member
from perennial.destinations.files import Destination, Settings
from perennial.errors import FatalError, RetriableError
from perennial.places import registry
from servers import openssh, s3, sftp
from servers.s3 import Fault

UNTIL = NIGHT.replace(day=3, month=10)
CSV, MANIFEST = f"{NIGHT}/lost.csv", f"{NIGHT}/lost.manifest.json"


class Elsewhere:
    """A destination of files at a place, and what stands there."""

    def __init__(self, folder: str, connection: Connection, server: sftp.SftpServer | s3.S3Server):
        self.folder, self.connection, self.server = folder, connection, server

    def destination(self) -> Destination:
        known = {"kind": "files", "channel": "email", "folder": self.folder, "connection": "elsewhere"}
        return Destination(Settings(**known), self.connection)

    def deliver(self, *people: Member, until=UNTIL) -> dict:
        made = self.destination()
        given = [Change("add", person) for person in people]
        told = Delivery("plan", NIGHT, until, "lost", given, lambda: iter(people), ("stage", "abc_tier"))
        assert [o.status for o in outcomes_of(made, told)] == ["done"] * len(people)
        return made.receipt

    def stands(self) -> dict[str, bytes]:
        found = {}
        with registry.at(self.folder, self.connection, "elsewhere") as place:
            for file in place.files(str(NIGHT)):
                with place.read(file.name) as stream:
                    found[file.name] = stream.read()
        return found


@pytest.fixture
def server(state) -> Iterator[Elsewhere]:
    made = sftp.SftpServer(state / "remote")
    (made.root / "audiences").mkdir()
    yield Elsewhere("audiences", made.connection(), made)
    made.close()


@pytest.fixture
def bucket(state) -> Elsewhere:
    made = s3.server()
    return Elsewhere(f"{made.bucket()}/audiences", made.connection(), made)


@pytest.fixture
def sshd(state, tmp_path) -> Elsewhere:
    made = openssh.server()
    (tmp_path / "remote").mkdir()
    return Elsewhere(str(tmp_path / "remote"), made.connection(), made)


@pytest.fixture(params=["server", "bucket", "sshd"])
def there(request) -> Elsewhere:
    return request.getfixturevalue(request.param)


def test_file_and_manifest_arrive_and_prove_each_other(there):
    receipt = there.deliver(ann(), ann(key="k2"))
    found = there.stands()
    assert list(found) == [CSV, MANIFEST]
    manifest = json.loads(found[MANIFEST])
    assert manifest["sha256"] == hashlib.sha256(found[CSV]).hexdigest() == receipt["sha256"]
    assert (manifest["file"], manifest["rows"], manifest["bytes"]) == ("lost.csv", 2, len(found[CSV]))
    assert (manifest["valid_until"], manifest["holds"], manifest["schema_version"]) == ("2017-10-03", "everybody", 2)
    assert receipt["path"].split("://")[0] in ("sftp", "s3")
    assert ADDRESS["email"].encode() not in found[MANIFEST]


def test_the_same_again_writes_nothing(there, monkeypatch):
    there.deliver(ann())
    before = there.stands()
    kind = type(there.destination()._place())
    monkeypatch.setattr(kind, "write", lambda *args: pytest.fail("written again"))
    assert there.deliver(ann())["path"].endswith(CSV)
    assert there.stands() == before


def test_nobody_left_is_a_file_with_its_header(there):
    there.deliver(ann())
    path = there.deliver()["path"]
    name = path[path.index(str(NIGHT)) :]
    assert there.stands()[name] == b"customer_key,email,stage,abc_tier\n"


def test_who_opted_out_is_told_by_files_there_too(there):
    with registry.at(there.folder, there.connection, "elsewhere") as place:
        assert list(there.destination().opt_outs(None)) == []
        place.write("optouts/a.csv", io.BytesIO(b"\xef\xbb\xbfemail,reason\nAnn@Example.com,complaint\n"))
        place.write("optouts/b.csv", io.BytesIO(b"phone,at\n+14135550101,2017-09-01T10:00:00Z\n"))
        place.write("optouts/notes.txt", io.BytesIO(b"not for us"))
        arrived = {f.name: f.changed_at for f in place.files("optouts")}
    found = list(there.destination().opt_outs(None))
    assert [(o.address, o.channel, o.reason) for o in found] == [
        ("ann@example.com", "email", "complaint"),
        ("+14135550101", "sms", "unsubscribed"),
    ]
    assert found[0].at == arrived["optouts/a.csv"]


def test_an_opt_out_file_that_is_no_utf_8_is_named(there):
    with registry.at(there.folder, there.connection, "elsewhere") as place:
        place.write("optouts/a.csv", io.BytesIO("email\nänn@example.com\n".encode("latin-1")))
    with pytest.raises(FatalError, match=r"optouts/a.csv: is not CSV in UTF-8") as caught:
        list(there.destination().opt_outs(None))
    assert "@" not in str(caught.value)


def test_in_a_bucket_what_came_out_otherwise_follows_under_the_next_number(bucket):
    first = bucket.deliver(ann(), ann(key="k2"))
    second = bucket.deliver(ann())
    assert second["path"].endswith(f"{NIGHT}/lost.2.csv")
    assert bucket.deliver(ann()) == second
    third = bucket.deliver(ann(), ann(key="k2"))  # as the first, and still the newest word
    assert third["path"].endswith(f"{NIGHT}/lost.3.csv")
    assert third["sha256"] == first["sha256"]
    found = bucket.stands()
    assert len(found) == 6
    assert json.loads(found[f"{NIGHT}/lost.2.manifest.json"])["file"] == "lost.2.csv"


def test_in_a_bucket_the_same_people_with_another_last_day_are_another_file(bucket):
    bucket.deliver(ann())
    bucket.deliver(ann(), until=UNTIL.replace(day=9))
    assert json.loads(bucket.stands()[f"{NIGHT}/lost.2.manifest.json"])["valid_until"] == "2017-10-09"
    assert json.loads(bucket.stands()[MANIFEST])["valid_until"] == "2017-10-03"


def test_on_a_server_what_came_out_otherwise_replaces_the_file(server):
    server.deliver(ann(), ann(key="k2"))
    server.deliver(ann())
    found = server.stands()
    assert list(found) == [CSV, MANIFEST]
    assert [row["customer_key"] for row in csv.DictReader(found[CSV].decode().splitlines())] == ["k1"]


def test_a_file_of_somebody_else_in_a_bucket_stays(bucket):
    bucket.server.client.put_object(Bucket=bucket.folder.split("/")[0], Key=f"audiences/{CSV}", Body=b"precious")
    bucket.deliver(ann())
    assert bucket.stands()[CSV] == b"precious"
    assert f"{NIGHT}/lost.2.csv" in bucket.stands()


def test_an_answer_of_the_bucket_that_was_lost_is_no_second_file(bucket):
    bucket.server.faults.append(Fault("PUT", 503, "SlowDown", times=1, after=True))
    bucket.deliver(ann())
    assert list(bucket.stands()) == [CSV, MANIFEST]


def test_somebody_who_writes_at_the_same_time_wins_and_the_next_run_follows(bucket, monkeypatch):
    real = module._same
    monkeypatch.setattr(module, "_same", lambda place, name, content: None)  # looked before the other wrote
    name = f"audiences/{CSV}"
    bucket.server.client.put_object(Bucket=bucket.folder.split("/")[0], Key=name, Body=b"precious")
    with pytest.raises(RetriableError, match=r"lost.csv: somebody else wrote it at the same time"):
        bucket.deliver(ann())
    monkeypatch.setattr(module, "_same", real)
    assert bucket.deliver(ann())["path"].endswith("lost.2.csv")
    assert bucket.stands()[CSV] == b"precious"


def test_a_run_that_ended_before_the_manifest_is_completed_by_the_next(there):
    def no_manifest(place, name, content):
        if name.endswith(".json"):
            raise KeyboardInterrupt
        real(place, name, content)

    real = module._write
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_write", no_manifest)
        with pytest.raises(KeyboardInterrupt):
            there.deliver(ann())
    assert list(there.stands()) == [CSV]
    there.deliver(ann())
    assert list(there.stands()) == [CSV, MANIFEST]


def test_a_connection_that_broke_on_the_way_acknowledges_nobody(server):
    server.server.hang_up_after = 0
    made = server.destination()
    told = Delivery("p", NIGHT, UNTIL, "lost", [Change("add", ann())], lambda: iter([ann()]), ("stage", "abc_tier"))
    outcomes = []
    with pytest.raises(RetriableError):
        outcomes.extend(made.deliver(told))
    assert outcomes == []
    assert made.receipt == {}
    assert [p.name for p in (server.server.root / "audiences" / str(NIGHT)).iterdir()] == ["lost.csv.part"]
    server.server.hang_up_after = None
    server.deliver(ann())
    assert list(server.stands()) == [CSV, MANIFEST]
