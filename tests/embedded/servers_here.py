"""Servers and OS users of the tests of the embedded server."""

import os
import pwd
import tempfile
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
import pytest

from perennial import embedded
from perennial.embedded import programs
from perennial.errors import ServerError

IS_ROOT = os.geteuid() == 0
as_root = pytest.mark.skipif(not IS_ROOT, reason="only root can act as several OS users")
STRANGER = "nobody"
CHILD = "from perennial import embedded; print(embedded.start())"


def folder_open_to_all() -> Path:
    """A folder that every OS user may enter; pytest's own are closed to others."""
    made = Path(tempfile.mkdtemp(prefix="perennial-test-")).resolve()
    made.chmod(0o755)
    return made


def become(name: str, call) -> str:
    """What `call()` returns, as text, in a child process of the OS user `name`."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        try:
            entry = pwd.getpwnam(name)
            os.setgroups([])
            os.setgid(entry.pw_gid)
            os.setuid(entry.pw_uid)
            result = str(call())
        except BaseException as error:
            result = f"{type(error).__name__}: {error}"
        os.write(write, result.encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as stream:
        result = stream.read()
    os.waitpid(child, 0)
    return result


def message_of_start() -> str:
    with pytest.raises(ServerError) as caught:
        embedded.start()
    return str(caught.value)


def server_owner() -> dict:
    """Popen arguments for a process of the OS user that runs the server."""
    return {"user": programs.ROOT_RUNS_AS} if IS_ROOT else {}


def connect(database: str = "postgres") -> psycopg.Connection:
    return psycopg.connect(
        host=embedded.connection(database).host,
        port=5432,
        user="postgres",
        dbname=database,
        autocommit=True,
    )


def postmaster() -> int:
    return int((embedded.pgdata() / "postmaster.pid").read_text().split()[0])


def servers_of(folder: Path) -> list[int]:
    """The pids of every postgres process that was started for a data folder below `folder`."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            started_for = any(part.startswith(str(folder)) for part in process.cmdline())
            if process.name() == "postgres" and started_for:
                found.append(process.pid)
    return found
