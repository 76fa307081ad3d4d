"""An SFTP server of a folder, within the test's own process: it can refuse, fill up, and hang up in the middle."""

import contextlib
import io
import os
import socket
import threading
from functools import cache
from pathlib import Path

import paramiko

from perennial.connections import Connection

LOGIN, PASSWORD = "perennial", "right-password"


class SftpServer:
    """Serves `root`; knows one password and, if told, one public key."""

    def __init__(self, root: Path):
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        self.host_keys = list(host_keys())
        self.client_key: paramiko.PKey | None = None
        self.denied: set[str] = set()  # paths below which nothing can be written
        self.full = False  # no room for another byte
        self.hang_up_after: int | None = None  # bytes written
        self.refuses_from: int | None = None  # the one write that begins at this byte
        self.loses_writes = False  # says yes and writes nothing
        self.can_replace = True  # has the extension by which a file is replaced in one step
        self.written = 0
        self.passwords: list[str] = []
        self.sessions: list[paramiko.Transport] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def connection(self, **more: object) -> Connection:
        """The connection that is right for it, unless told otherwise."""
        extra = {"host_key": public(self.host_keys[0])} | more.pop("extra", {})
        known = {"host": "127.0.0.1", "port": self.port, "login": LOGIN, "password": PASSWORD} | more
        return Connection("sftp", **known, extra=tuple((k, v) for k, v in extra.items() if v))

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes whoever waits for the next session
        self._socket.close()
        for session in self.sessions:
            session.close()

    def _accept(self) -> None:
        while True:
            try:
                connected, _ = self._socket.accept()
            except OSError:
                return
            session = paramiko.Transport(connected)
            for key in self.host_keys:
                session.add_server_key(key)
            session.set_subsystem_handler("sftp", paramiko.SFTPServer, _Files, server_side=self)
            self.sessions.append(session)
            try:
                session.start_server(server=_Door(self))
            except (paramiko.SSHException, EOFError):
                session.close()


@cache
def host_keys() -> tuple[paramiko.PKey, paramiko.PKey]:
    """Keys of every server; made once, since that takes a while."""
    return paramiko.RSAKey.generate(2048), paramiko.ECDSAKey.generate()


def public(key: paramiko.PKey) -> str:
    """A key as ssh-keyscan prints it."""
    return f"127.0.0.1 {key.get_name()} {key.get_base64()}"


def private(key: paramiko.PKey, passphrase: str | None = None) -> str:
    """The text of a private key."""
    text = io.StringIO()
    key.write_private_key(text, passphrase)
    return text.getvalue()


class _Door(paramiko.ServerInterface):
    def __init__(self, server: SftpServer):
        self._server = server

    def get_allowed_auths(self, username: str) -> str:
        return "password,publickey"

    def check_auth_password(self, username: str, password: str) -> int:
        self._server.passwords.append(password)
        right = (username, password) == (LOGIN, PASSWORD)
        return paramiko.AUTH_SUCCESSFUL if right else paramiko.AUTH_FAILED

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        right = username == LOGIN and key == self._server.client_key
        return paramiko.AUTH_SUCCESSFUL if right else paramiko.AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED


class _Open(paramiko.SFTPHandle):
    def __init__(self, server: SftpServer, file: io.BufferedRandom, flags: int):
        super().__init__(flags)
        self.readfile = self.writefile = file
        self._server = server

    def stat(self):
        return paramiko.SFTPAttributes.from_stat(os.fstat(self.readfile.fileno()))

    def write(self, offset: int, data: bytes) -> int:
        server = self._server
        if server.full or offset == server.refuses_from:
            return paramiko.SFTP_FAILURE
        server.written += len(data)
        if server.hang_up_after is not None and server.written > server.hang_up_after:
            server.sessions[-1].close()
            return paramiko.SFTP_FAILURE
        if server.loses_writes:
            return paramiko.SFTP_OK
        return super().write(offset, data)


class _Files(paramiko.SFTPServerInterface):
    def __init__(self, door, *, server_side: SftpServer):
        super().__init__(door)
        self._server = server_side

    def _real(self, path: str) -> Path:
        return self._server.root / self.canonicalize(path).lstrip("/")

    def _done(self, path: str, what, *more) -> int:
        if any(self.canonicalize(path).lstrip("/").startswith(d) for d in self._server.denied):
            return paramiko.SFTP_PERMISSION_DENIED
        try:
            what(*more)
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno)
        return paramiko.SFTP_OK

    def list_folder(self, path: str):
        try:
            return [paramiko.SFTPAttributes.from_stat(p.stat(), p.name) for p in self._real(path).iterdir()]
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno)

    def stat(self, path: str):
        try:
            return paramiko.SFTPAttributes.from_stat(self._real(path).stat())
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno)

    lstat = stat

    def open(self, path: str, flags: int, attr):
        mode = "r+b" if flags & os.O_WRONLY or flags & os.O_RDWR else "rb"
        opened = []

        def do() -> None:
            if flags & os.O_CREAT:
                self._real(path).touch()
            if flags & os.O_TRUNC:
                self._real(path).write_bytes(b"")
            opened.append(self._real(path).open(mode))

        status = self._done(path, do) if mode != "rb" else self._looked(do)
        return status if status != paramiko.SFTP_OK else _Open(self._server, opened[0], flags)

    def _looked(self, do) -> int:
        try:
            do()
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno)
        return paramiko.SFTP_OK

    def remove(self, path: str) -> int:
        return self._done(path, self._real(path).unlink)

    def mkdir(self, path: str, attr) -> int:
        return self._done(path, self._real(path).mkdir)

    def rename(self, oldpath: str, newpath: str) -> int:
        if self._real(newpath).exists():
            return paramiko.SFTP_FAILURE
        return self._done(newpath, self._real(oldpath).rename, self._real(newpath))

    def posix_rename(self, oldpath: str, newpath: str) -> int:
        if not self._server.can_replace:
            return paramiko.SFTP_OP_UNSUPPORTED
        return self._done(newpath, self._real(oldpath).rename, self._real(newpath))
