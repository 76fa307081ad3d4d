"""MariaDB's own server on this machine, on a free port, with data of its own."""

import atexit
import getpass
import os
import shutil
import socket
import subprocess
import tempfile
import time
from functools import cache
from pathlib import Path

import pytest

from perennial.connections import Connection

WHERE = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
SERVER, INSTALL = shutil.which("mariadbd", path=WHERE), shutil.which("mariadb-install-db", path=WHERE)
LOGIN, PASSWORD = "shop", "no secret of anybody"


class MariaDb:
    """A server with one database, `shop`, and one user who may do anything in it."""

    def __init__(self, folder: Path):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.folder, user = folder, f"--user={getpass.getuser()}"
        install = [
            INSTALL,
            "--no-defaults",
            f"--datadir={folder / 'data'}",
            user,
            "--skip-test-db",
        ]
        subprocess.run(install, check=True, capture_output=True)
        begin = folder / "begin.sql"
        begin.write_text(f"""create database shop;
create user {LOGIN}@'%' identified by '{PASSWORD}';
grant all on shop.* to {LOGIN}@'%';
""")
        command = [SERVER, "--no-defaults", f"--datadir={folder / 'data'}", user, f"--init-file={begin}"]
        command += [f"--port={self.port}", "--bind-address=127.0.0.1", f"--socket={folder / 'socket'}"]
        command += [
            "--innodb-buffer-pool-size=64M",
            "--skip-log-bin",
            "--skip-name-resolve",
            "--default-time-zone=+08:00",
        ]
        self._log = (folder / "log").open("wb")
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log)
        self._wait()

    def connection(self, password: str = PASSWORD) -> Connection:
        return Connection("mysql", "127.0.0.1", self.port, LOGIN, password, "shop")

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()
        self._log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _wait(self) -> None:
        for _ in range(300):
            if self._process.poll() is not None:
                raise RuntimeError((self.folder / "log").read_text())
            if "ready for connections" in (self.folder / "log").read_text():
                return
            time.sleep(0.1)
        raise RuntimeError("mariadbd does not answer")


@cache
def _running() -> MariaDb:
    server = MariaDb(Path(tempfile.mkdtemp(prefix="perennial-mariadb-")))
    atexit.register(server.stop)
    return server


def mariadb() -> MariaDb:
    """The server, started when it is first asked for; the test is skipped where it is not installed."""
    if not SERVER or not INSTALL:
        pytest.skip("mariadbd is not installed: apt-get install mariadb-server-core mariadb-client-core")
    return _running()
