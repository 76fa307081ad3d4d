"""Nothing goes to a server whose host key is not the pinned one, and nothing half sent looks finished."""

import builtins
import io
import logging
from collections.abc import Iterator

import paramiko
import pytest

from perennial.connections import Connection
from perennial.errors import ConfigError, FatalError, RetriableError
from perennial.places.sftp import Place, fingerprint
from servers import openssh, sftp

BIG = b"0123456789abcdef" * 40_000


@pytest.fixture
def server(state) -> Iterator[sftp.SftpServer]:
    made = sftp.SftpServer(state / "remote")
    (made.root / "drop").mkdir()
    yield made
    made.close()


def enter(connection: Connection, folder: str = "drop") -> list[str]:
    with Place(folder, connection, "gateway") as place:
        return [f.name for f in place.files()]


def put(server: sftp.SftpServer, content: bytes, name: str = "a.csv") -> None:
    with Place("drop", server.connection(), "gateway") as place:
        place.write(name, io.BytesIO(content))


@pytest.mark.parametrize("pin", ["line", "key", "fingerprint", "second of two", "other type"])
def test_a_pinned_key_opens_however_it_is_written(server, pin):
    rsa, ecdsa = server.host_keys
    written = {
        "line": sftp.public(rsa),
        "key": rsa.get_base64(),
        "fingerprint": f"{fingerprint(rsa.asbytes())}\n{fingerprint(ecdsa.asbytes())}",
        "second of two": f"{sftp.public(paramiko.ECDSAKey.generate())}\n\n{sftp.public(ecdsa)}\n",
        "other type": sftp.public(ecdsa),
    }
    assert enter(server.connection(extra={"host_key": written[pin]})) == []


def test_another_host_key_gets_neither_password_nor_file(server):
    other = server.connection(extra={"host_key": sftp.public(paramiko.RSAKey.generate(2048))})
    shown = fingerprint(server.host_keys[0].asbytes()).replace("+", r"\+")
    with pytest.raises(FatalError, match=rf"shows the host key ssh-rsa {shown}.*connection 'gateway'; nothing was"):
        enter(other)
    assert server.passwords == []


def test_a_host_key_of_a_type_that_the_server_has_not_is_refused(server):
    server.host_keys = server.host_keys[:1]
    pinned = server.connection(extra={"host_key": sftp.public(paramiko.ECDSAKey.generate())})
    with pytest.raises(FatalError, match="connection 'gateway' may be of a type"):
        enter(pinned)
    assert server.passwords == []


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ({"host_key": None}, "is missing"),
        ({"host_key": None, "no_host_key_check": "true", "allow_host_key_change": "true"}, "is missing"),
        ({"host_key": "AAAA!!"}, "is not readable"),
        ({"host_key": "let me in"}, "is not readable"),
    ],
)
def test_without_a_host_key_there_is_no_way_in(server, extra, said):
    with pytest.raises(ConfigError, match=f"'gateway': `host_key` in its extra {said}.*ssh-keyscan -p {server.port}"):
        enter(server.connection(extra=extra))
    assert server.sessions == []


def test_a_wrong_password_is_named_with_its_connection_and_not_shown(server, caplog):
    caplog.set_level(logging.DEBUG)
    with pytest.raises(FatalError, match="refuses login and password or key of connection 'gateway'") as caught:
        enter(server.connection(password="open-sesame"))
    assert "sesame" not in str(caught.value) + caplog.text


@pytest.mark.parametrize(("kind", "passphrase"), [("rsa", None), ("ecdsa", None), ("ecdsa", "four words")])
def test_a_private_key_of_the_connection_opens(server, kind, passphrase):
    key = paramiko.RSAKey.generate(2048) if kind == "rsa" else paramiko.ECDSAKey.generate()
    server.client_key = key
    extra = {"private_key": sftp.private(key, passphrase), "private_key_passphrase": passphrase}
    assert enter(server.connection(password="", extra=extra)) == []


@pytest.mark.parametrize("text", ["-----BEGIN OPENSSH PRIVATE KEY-----\nrubbish\n", "/home/me/.ssh/id_rsa"])
def test_a_private_key_that_cannot_be_read_is_not_shown(server, text):
    with pytest.raises(ConfigError, match="`private_key` in its extra cannot be read") as caught:
        enter(server.connection(password="", extra={"private_key": text}))
    assert text.strip() not in str(caught.value)


def test_without_password_and_key_nothing_is_tried(server):
    with pytest.raises(ConfigError, match="'gateway': needs a password, or `private_key`"):
        enter(server.connection(password=""))


def test_a_folder_that_is_not_there_is_no_empty_folder(server):
    with pytest.raises(FatalError, match=r"sftp://127.0.0.1/elsewhere: .*make that folder, or name another"):
        enter(server.connection(), "elsewhere")


def test_a_server_that_is_down_may_come_back(server):
    server.close()
    with pytest.raises(RetriableError, match="refused"):
        enter(server.connection())


def test_a_cut_in_the_middle_leaves_no_finished_file_and_the_next_run_replaces_what_it_left(server):
    put(server, b"yesterday")
    server.hang_up_after = server.written + 100_000
    with pytest.raises(RetriableError, match=r"drop/a.csv: the connection broke"):
        put(server, BIG)
    assert (server.root / "drop" / "a.csv").read_bytes() == b"yesterday"
    assert 0 < (server.root / "drop" / "a.csv.part").stat().st_size < len(BIG)
    server.hang_up_after = None
    put(server, BIG)
    assert [p.name for p in (server.root / "drop").iterdir()] == ["a.csv"]
    assert (server.root / "drop" / "a.csv").read_bytes() == BIG


def test_a_file_that_arrived_in_part_does_not_get_its_name(server):
    server.loses_writes = True
    with pytest.raises(RetriableError, match="0 of 640,000 bytes arrived"):
        put(server, BIG)
    assert not (server.root / "drop" / "a.csv").exists()


def test_one_refused_piece_among_many_is_noticed_though_the_size_is_right(server):
    server.refuses_from = 16 * 32_768
    with pytest.raises(RetriableError, match="Failure"):
        put(server, BIG)
    assert (server.root / "drop" / "a.csv.part").stat().st_size == len(BIG)
    assert not (server.root / "drop" / "a.csv").exists()


@pytest.mark.parametrize("size", [1, 5_000_000])
def test_a_full_disk_is_noticed_at_the_first_byte_and_the_last(server, size):
    server.full = True
    with pytest.raises(RetriableError, match=r"drop/a.csv"):
        put(server, b"x" * size)
    assert not (server.root / "drop" / "a.csv").exists()


@pytest.mark.parametrize("denied", ["drop/in", "drop/in/a.csv.part", "drop/in/a.csv"])
def test_a_missing_right_is_for_a_person_to_give(server, denied):
    server.denied.add(denied)
    with pytest.raises(FatalError, match=r"drop/in/a.csv: .*give the right to read and write"):
        put(server, b"x", "in/a.csv")
    assert not (server.root / "drop" / "in" / "a.csv").exists()


def test_a_server_that_cannot_replace_in_one_step_still_ends_with_the_new_file(server):
    server.can_replace = False
    for content in (b"first", b"second"):
        put(server, content)
    assert (server.root / "drop" / "a.csv").read_bytes() == b"second"
    assert [p.name for p in (server.root / "drop").iterdir()] == ["a.csv"]


def test_without_the_package_its_name_and_extra_are_told(server, monkeypatch):
    real = builtins.__import__

    def without(name, *args):
        if name.startswith("paramiko"):
            raise ImportError(name)
        return real(name, *args)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigError, match=r"paramiko is not installed. Install perennial\[sftp\]"):
        enter(server.connection())


@pytest.mark.parametrize("key", ["host_ed25519.pub", "host_rsa.pub"])
def test_openssh_opens_with_any_of_its_host_keys(state, key):
    assert enter(openssh.server().connection((openssh.server().folder / key).read_text()), str(state)) == []


def test_openssh_with_another_host_key_gets_nothing(state):
    with pytest.raises(FatalError, match="nothing was sent"):
        enter(openssh.server().connection((openssh.server().folder / "client.pub").read_text()), str(state))


def test_openssh_refuses_another_private_key(state):
    stranger = sftp.private(paramiko.ECDSAKey.generate())
    with pytest.raises(FatalError, match="refuses login"):
        enter(openssh.server().connection(private_key=stranger), str(state))


def test_a_full_disk_of_openssh_leaves_yesterdays_file(state):
    (state / "a.csv").write_bytes(b"yesterday")
    (state / "a.csv.part").symlink_to("/dev/full")
    with Place(str(state), openssh.server().connection(), "gateway") as place, pytest.raises(RetriableError):
        place.write("a.csv", io.BytesIO(BIG))
    assert (state / "a.csv").read_bytes() == b"yesterday"
