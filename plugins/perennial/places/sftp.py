"""A folder of an SFTP server whose host key is pinned.

The connection is of Airflow's type `sftp`: host, port, login, and a password or, in the extra, `private_key` with
`private_key_passphrase`. The extra's `host_key` names the server's key as `ssh-keyscan` prints it, or its fingerprint
(SHA256:...); several stand on lines of their own. There is no way to go without: a server that shows another key gets
neither the password nor a file. Keys and agents of this machine are not asked.
"""

import base64
import hashlib
import io
import posixpath
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, BinaryIO, Self

from perennial.connections import Connection
from perennial.errors import ConfigError, FatalError, RetriableError
from perennial.places.base import PART, File, Listing, missing, named, scratch

CONN_TYPES = ("sftp", "ssh")
TIMEOUT = 60  # seconds without an answer
CHUNK = 32_768  # bytes; what every server takes at once
RSA = ("rsa-sha2-512", "rsa-sha2-256")  # how a server signs with a key that is called ssh-rsa


class Place:
    """One session per use. Files appear by renaming."""

    write_once = False

    def __init__(self, folder: str, connection: Connection, name: str):
        self._root, self._connection, self._name = folder, connection, name
        self._transport: Any = None
        self._sftp: Any = None

    def __enter__(self) -> Self:
        with self._told(""):
            try:
                self._sign_in()
                self._sftp.stat(self._root)
            except BaseException:
                self.__exit__()
                raise
        return self

    def __exit__(self, *error: object) -> None:
        if self._transport:
            self._transport.close()

    def where(self, name: str) -> str:
        return f"sftp://{self._connection.host}/{posixpath.join(self._root, name).lstrip('/')}".rstrip("/")

    def look(self, folder: str = "") -> Listing:
        try:
            with self._told(folder, FileNotFoundError):
                found = self._sftp.listdir_attr(posixpath.join(self._root, folder))
        except FileNotFoundError:
            return Listing()
        found = sorted(found, key=lambda f: f.filename)
        whole = [f for f in found if stat.S_ISREG(f.st_mode or 0)]
        return Listing(
            [File(posixpath.join(folder, f.filename), f.st_size, _moment(f.st_mtime)) for f in whole],
            [posixpath.join(folder, f.filename) for f in found if stat.S_ISDIR(f.st_mode or 0)],
        )

    def files(self, folder: str = "") -> list[File]:
        return self.look(folder).files

    @contextmanager
    def read(self, name: str) -> Iterator[BinaryIO]:
        with scratch() as file:
            with self._told(name, FileNotFoundError):
                self._sftp.getfo(posixpath.join(self._root, name), file)
            file.seek(0)
            yield file

    def write(self, name: str, content: BinaryIO) -> None:
        path = posixpath.join(self._root, name)
        with self._told(name):
            self._make_folders(posixpath.dirname(name))
            with self._sftp.open(path + PART, "wb") as file:
                size = _send(content, file)
            arrived = self._sftp.stat(path + PART).st_size
            if arrived != size:
                raise RetriableError(f"{self.where(name)}: {arrived:,} of {size:,} bytes arrived")
            self._rename(path + PART, path)

    def _make_folders(self, folder: str) -> None:
        path = self._root
        for part in filter(None, folder.split("/")):
            path = posixpath.join(path, part)
            try:
                self._sftp.stat(path)
            except FileNotFoundError:
                self._sftp.mkdir(path)

    def _rename(self, part: str, path: str) -> None:
        try:
            self._sftp.posix_rename(part, path)
        except PermissionError:
            raise
        except OSError:  # not every server can replace a file in one step
            with suppress(FileNotFoundError):
                self._sftp.remove(path)
            self._sftp.rename(part, path)

    def _sign_in(self) -> None:
        import paramiko

        known = self._connection
        pinned = _pinned(dict(known.extra).get("host_key", ""), self._name, known)
        self._transport = paramiko.Transport(socket.create_connection((known.host, known.port or 22), TIMEOUT))
        options = self._transport.get_security_options()
        if types := [t for t in options.key_types if t in {t for types, _ in pinned for t in types}]:
            options.key_types = types  # a server with several keys shows the one that is pinned
        self._transport.start_client(timeout=TIMEOUT)
        shown = self._transport.get_remote_server_key()
        if fingerprint(shown.asbytes()) not in {pin for _, pin in pinned}:
            raise FatalError(
                f"{known.host} shows the host key {shown.get_name()} {fingerprint(shown.asbytes())}, which is not the "
                f"`host_key` of connection '{self._name}'; nothing was sent. Put it there only if those who run the "
                "server confirm it."
            )
        self._authenticate()
        self._sftp = paramiko.SFTPClient.from_transport(self._transport)
        self._sftp.get_channel().settimeout(TIMEOUT)

    def _authenticate(self) -> None:
        known, extra = self._connection, dict(self._connection.extra)
        if not known.password and not extra.get("private_key"):
            raise ConfigError(f"connection '{self._name}': needs a password, or `private_key` in its extra")
        if extra.get("private_key"):
            key = _private_key(extra["private_key"], extra.get("private_key_passphrase"), self._name)
            self._transport.auth_publickey(known.login, key)
        if known.password and not self._transport.is_authenticated():
            self._transport.auth_password(known.login, known.password)
        if not self._transport.is_authenticated():
            raise FatalError(f"{known.host} asks connection '{self._name}' for more than it has")

    @contextmanager
    def _told(self, name: str, *expected: type[OSError]) -> Iterator[None]:
        try:
            import paramiko
        except ImportError:
            raise missing("paramiko", "sftp") from None
        where = self.where(name)
        try:
            with named(where, *expected):
                yield
        except paramiko.AuthenticationException:
            raise FatalError(
                f"{self._connection.host} refuses login and password or key of connection '{self._name}'"
            ) from None
        except paramiko.ssh_exception.IncompatiblePeer as error:
            raise FatalError(
                f"{where}: {error}; the `host_key` of connection '{self._name}' may be of a type that it has not"
            ) from None
        except (paramiko.SSHException, EOFError) as error:
            raise RetriableError(f"{where}: the connection broke: {error or 'it was closed'}") from None


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def fingerprint(key: bytes) -> str:
    """A public key's fingerprint, as ssh-keygen prints it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")


def _pinned(text: str, name: str, connection: Connection) -> list[tuple[tuple[str, ...], str]]:
    """Types (none if not known) and fingerprint of every host key in the text."""
    pinned = [_pin(line) for line in text.splitlines() if line.strip()]
    if pinned and all(pinned):
        return pinned
    what = "is not readable" if text.strip() else "is missing"
    raise ConfigError(
        f"connection '{name}': `host_key` in its extra {what}. Ask those who run the server for it; what it shows "
        f"prints `ssh-keyscan -p {connection.port or 22} {connection.host}`"
    )


def _pin(line: str) -> tuple[tuple[str, ...], str] | None:
    for word in line.split():
        if word.startswith("SHA256:"):
            return (), word.rstrip("=")
        if word.startswith("AAAA"):
            try:
                key = base64.b64decode(word, validate=True)
                called = key[4 : 4 + int.from_bytes(key[:4])].decode("ascii")
            except ValueError:
                return None
            return RSA if called == "ssh-rsa" else (called,), fingerprint(key)
    return None


def _private_key(text: str, passphrase: str | None, name: str) -> Any:
    import paramiko

    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        try:
            return kind.from_private_key(io.StringIO(text.strip() + "\n"), passphrase)
        except (paramiko.SSHException, ValueError, TypeError):
            continue
    raise ConfigError(
        f"connection '{name}': `private_key` in its extra cannot be read (not shown); it is the text of an Ed25519, "
        "ECDSA or RSA key, with `private_key_passphrase` if it has one"
    )


def _send(content: BinaryIO, file: Any) -> int:
    """Copy without waiting for each answer, but for all of them before the end; returns bytes."""
    size, chunk = 0, content.read(CHUNK)
    while chunk:
        following = content.read(CHUNK)
        file.set_pipelined(bool(following))
        file.write(chunk)
        size, chunk = size + len(chunk), following
    return size
