"""What holds for every kind of place that the registry finds; OpenSSH is asked besides the test's own SFTP server."""

import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from perennial.connections import Connection
from perennial.errors import ConfigError
from perennial.places import registry, search
from perennial.places.base import Listing, Place
from servers import openssh, s3, sftp

Made = tuple[str, Connection | None, Callable[[], None]]
BIG = bytes(range(256)) * 4096  # a megabyte: many packets of every protocol


def local(folder: Path) -> Made:
    return "drop", None, lambda: None


def in_process(folder: Path) -> Made:
    server = sftp.SftpServer(folder / "remote")
    (folder / "remote" / "drop").mkdir()
    return "drop", server.connection(), server.close


def real_sshd(folder: Path) -> Made:
    server = openssh.server()
    (folder / "remote").mkdir()
    return str(folder / "remote"), server.connection(), lambda: None


def bucket(folder: Path) -> Made:
    server = s3.server()
    return f"{server.bucket()}/some/folder", server.connection(), lambda: None


EXAMPLES = {"local": [local], "sftp": [in_process, real_sshd], "s3": [bucket]}
MAKERS = [maker for makers in EXAMPLES.values() for maker in makers]


@pytest.fixture(params=MAKERS, ids=lambda m: m.__name__)
def place(request, state) -> Iterator[Place]:
    folder, connection, close = request.param(state)
    with registry.at(folder, connection, "drop_off") as made:
        yield made
    close()


def text(place: Place, name: str) -> bytes:
    with place.read(name) as stream:
        return stream.read()


def test_every_place_has_an_example():
    assert EXAMPLES.keys() == registry.kinds().keys()


def test_what_is_written_is_read_whatever_its_size(place):
    for name, content in (("empty.csv", b""), ("a/b/small.csv", b"x\n"), ("a/big.csv", BIG)):
        place.write(name, io.BytesIO(content))
        assert text(place, name) == content


def test_files_are_listed_by_name_with_size_and_moment_and_without_other_folders(place):
    for name in ("b.csv", "a.csv", "in/c.csv", "in/deep/d.csv"):
        place.write(name, io.BytesIO(b"123"))
    assert [f.name for f in place.files()] == ["a.csv", "b.csv"]
    (found,) = place.files("in")
    assert (found.name, found.size) == ("in/c.csv", 3)
    assert datetime.now(UTC) - found.changed_at < timedelta(minutes=1)


def test_a_folder_that_is_not_there_has_no_files(place):
    assert place.files("optouts") == []


def test_a_look_tells_files_and_folders_and_nothing_of_a_folder_that_is_not_there(place):
    for name in ("b.csv", "in/c.csv", "in/deep/d.csv", "in/deeper/still/e.csv"):
        place.write(name, io.BytesIO(b"123"))
    assert ([f.name for f in place.look().files], place.look().folders) == (["b.csv"], ["in"])
    assert place.look("in").folders == ["in/deep", "in/deeper"]
    assert place.look("none") == Listing()


def test_files_of_others_are_found_by_name_and_folder_and_only_whole_ones(place):
    wanted = ("a.csv", "2026-01/a.csv", "2026-01/b.csv", "2026-02/a.csv", "2026-02/deep/a.csv", "odd[1]/a.csv")
    for name in (*wanted, "x.csv.part", "x.csv.TMP", ".x.csv", ".hidden/x.csv", "x.txt"):
        place.write(name, io.BytesIO(b""))

    def found(pattern: str) -> list[str]:
        return [f.name for f in search.find(place, pattern)]

    assert found("*.csv") == ["a.csv"]
    assert found("2026-*/a.csv") == ["2026-01/a.csv", "2026-02/a.csv"]
    assert found("2026-01/*.csv") == ["2026-01/a.csv", "2026-01/b.csv"]
    assert found("**/deep/*") == ["2026-02/deep/a.csv"]
    assert found("**/*.csv") == sorted(wanted)
    assert found("none/*.csv") == []


def test_a_file_that_is_not_there_is_said_to_be_missing(place):
    with pytest.raises(FileNotFoundError), place.read("none.csv"):
        pass


def test_writing_again_replaces_the_file_or_where_nothing_is_replaced_is_refused(place):
    place.write("a.csv", io.BytesIO(b"first"))
    if place.write_once:
        with pytest.raises(FileExistsError):
            place.write("a.csv", io.BytesIO(b"second"))
        assert text(place, "a.csv") == b"first"
    else:
        place.write("a.csv", io.BytesIO(b"second"))
        assert text(place, "a.csv") == b"second"
    assert [f.name for f in place.files()] == ["a.csv"]


def test_names_may_hold_any_letters(place):
    place.write("流失 & Ärger.csv", io.BytesIO(b"x"))
    assert [f.name for f in place.files()] == ["流失 & Ärger.csv"]
    assert text(place, "流失 & Ärger.csv") == b"x"


def test_nothing_is_left_in_the_scratch_folder(place, state):
    place.write("a.csv", io.BytesIO(BIG))
    with place.read("a.csv"):
        assert not (state / "scratch").exists() or not list((state / "scratch").iterdir())


def test_a_connection_that_leads_nowhere_is_named():
    with pytest.raises(ConfigError, match=r"connection 'mail' is of type 'smtp'; files go to types aws, s3, sftp, ssh"):
        registry.at("x", Connection("smtp"), "mail")
