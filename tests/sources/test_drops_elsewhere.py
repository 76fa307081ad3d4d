"""Drop folders on an SFTP server and in a bucket are read as one here is; what is known is not fetched again."""

import gzip
import itertools
import os
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from drop_reading import Drop, csv, row

from perennial.clock import wall_clock
from perennial.connections import Connection
from perennial.errors import ConfigError, FatalError, RetriableError
from perennial.places.base import Place
from perennial.sources import sweep
from servers import s3, sftp

SECONDS = itertools.count()


class Elsewhere(Drop):
    """A drop whose files are put by somebody else's client."""

    put_there: Callable[[str, bytes], None]
    take_away: Callable[[str], None]

    def put(self, name: str, content: bytes) -> None:
        self.put_there(name, content)


@pytest.fixture(params=["sftp", "s3"])
def drop(request, state) -> Iterator[Elsewhere]:
    made = Elsewhere(state)
    if request.param == "sftp":
        server = sftp.SftpServer(state / "remote")
        folder = server.root / "drop"
        folder.mkdir()
        made.own = {"files": "*", "connection": "supplier"}
        made.put_there = lambda name, content: _written(folder / name, content)
        made.take_away = lambda name: (folder / name).unlink()
    else:
        server = s3.server()
        bucket = server.bucket()
        made.own = {"files": "*", "connection": "supplier", "folder": f"{bucket}/in"}
        made.put_there = lambda name, content: server.client.put_object(Bucket=bucket, Key=f"in/{name}", Body=content)
        made.take_away = lambda name: server.client.delete_object(Bucket=bucket, Key=f"in/{name}")
    made.connection = server.connection()
    yield made
    if request.param == "sftp":
        server.close()


def _written(path: Path, content: bytes) -> None:
    """An hour ago, each file in a second of its own."""
    path.write_bytes(content)
    at = wall_clock().timestamp() - 3600 + next(SECONDS)
    os.utime(path, (at, at))


@pytest.fixture
def fetched(drop, monkeypatch) -> list[str]:
    """Names of the files that were fetched."""
    from perennial.places import s3 as bucket
    from perennial.places import sftp as server

    names: list[str] = []
    for place in (bucket.Place, server.Place):
        monkeypatch.setattr(place, "read", _noting(place.read, names))
    return names


def _noting(read: Callable, names: list[str]) -> Callable:
    def noted(self: Place, name: str):
        names.append(name)
        return read(self, name)

    return noted


def test_files_are_read_wherever_they_lie_and_fetched_once(drop, fetched, state):
    drop.put("a.csv", csv(row(1)))
    drop.put("b.csv.gz", gzip.compress(csv(row(2))))
    drop.put("c.csv.tmp", csv(row(3)))
    found = drop.read()
    assert (found.numbers, found.problems) == (["1", "2"], [None, None])
    again = drop.read(found.position)
    assert (again.rows, fetched) == ([], ["a.csv", "b.csv.gz"])
    drop.put("a.csv", csv(row(1, "11.00")))
    assert [r["amount"] for r in drop.read(found.position).rows] == ["11.00"]
    assert list((state / "scratch").iterdir()) == []


def test_a_file_that_was_written_just_now_is_looked_into_once_more(state):
    """Times of SFTP are whole seconds: written again in the same one, it would look as it did."""
    server = sftp.SftpServer(state / "remote")
    path = server.root / "a.csv"
    drop = Elsewhere(state)
    drop.own, drop.connection = {"files": "*", "connection": "supplier", "folder": "."}, server.connection()
    at = wall_clock().timestamp()
    seen = []
    position = None
    for amount in ("10.00", "20.00", "20.00"):
        path.write_bytes(csv(row(1, amount)))
        os.utime(path, (at, at))
        found = drop.read(position)
        seen.append([r["amount"] for r in found.rows])
        position = found.position
    server.close()
    assert seen == [["10.00"], ["20.00"], []]


def test_a_broken_file_takes_no_other_with_it(drop):
    drop.put("a.csv.gz", gzip.compress(csv(*map(row, range(500))))[:-30])
    drop.put("b.csv", csv(row(2)))
    found = drop.read()
    assert found.numbers == [None, "2"]
    assert "a.csv.gz: is a gzip file that ends too early" in found.notes[0]


def test_a_file_that_is_taken_away_is_nothing_that_is_gone_from_the_shop(drop):
    """Whoever keeps the folder took it away; no sweep asks for it, and what it held stays as it was."""
    drop.put("a.csv", csv(row(1), row(2)))
    first = drop.read()
    drop.take_away("a.csv")
    again = drop.read(first.position)
    assert (first.numbers, again.rows, again.notes) == (["1", "2"], [], [])
    assert not sweep.is_due(drop.settings(), date(2026, 1, 4))
    drop.put("a.csv", csv(row(1), row(2)))
    assert drop.read(again.position).rows == []


def test_no_connection_and_one_of_another_type_are_named(drop):
    drop.connection = None
    with pytest.raises(ConfigError, match=r"source 'market': connection 'supplier' is not configured. Set AIRFLOW_CO"):
        drop.read()
    drop.connection = Connection("smtp")
    with pytest.raises(ConfigError, match=r"source 'market': connection 'supplier' is of type 'smtp'"):
        drop.read()


def test_another_host_key_or_bucket_is_told_with_the_source(drop):
    if drop.connection.conn_type == "sftp":
        drop.connection = Connection(**vars(drop.connection) | {"extra": (("host_key", "SHA256:" + "A" * 43),)})
        with pytest.raises(FatalError, match=r"source 'market': .*which is not the `host_key` of connection 'supplie"):
            drop.read()
    else:
        with pytest.raises(FatalError, match=r"source 'market': s3://no-such-bucket/: .*there is no such bucket"):
            drop.read(folder="no-such-bucket")


def test_a_server_that_goes_away_between_files_is_tried_again(drop, monkeypatch):
    drop.put("a.csv", csv(row(1)))

    def broken(self, name):
        raise RetriableError(f"{name}: the connection broke")

    from perennial.places import registry

    for module in registry.kinds().values():
        monkeypatch.setattr(module.Place, "read", broken)
    with pytest.raises(RetriableError, match=r"source 'market': a\.csv: the connection broke"):
        drop.read()
