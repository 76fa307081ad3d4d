"""The process of the server: whether it lives, how it starts, what its log says."""

import shlex
import time
from contextlib import suppress
from pathlib import Path

import psutil

from perennial.embedded import folders, programs, sizing
from perennial.errors import ServerError

NO_PROCESS = str(2**31 - 1)  # above the highest pid that systems give
# port: the server would take PGPORT otherwise. log_*: a failing statement quotes contact details;
# its client sees them anyway, the log must not.
# wal_level=minimal: nobody replicates this server, and a table that is built anew need not be written twice.
SETTINGS = """port=5432 listen_addresses= max_connections=100 max_wal_size=2GB wal_level=minimal
    max_wal_senders=0 random_page_cost=1.1 jit=off
    timezone=UTC log_timezone=UTC
    log_min_messages=log log_min_error_statement=panic log_error_verbosity=terse"""


def running() -> bool:
    """Whether the server of this state folder lives; a left-over pid file does not count."""
    return bool(pid_file())


def pid_file() -> list[str]:
    """The lines of postmaster.pid if its server lives: 0 pid, 4 socket folder, 7 status."""
    try:
        lines = (folders.pgdata() / "postmaster.pid").read_text().splitlines()
        process = psutil.Process(int(lines[0]))
        ours = process.name() == "postgres" and str(folders.pgdata()) in process.cmdline()
    except (FileNotFoundError, IndexError, ValueError, psutil.Error):
        return []
    except OSError as error:
        raise folders.denied(error) from error
    return lines if ours else []


def launch(folder: Path) -> None:
    """Start the server and wait until it answers."""
    settings = [*SETTINGS.split(), *sizing.settings(), f"unix_socket_directories={folder}"]
    options = " ".join(f"-c {shlex.quote(setting)}" for setting in settings)
    how = ["-t", str(programs.TIMEOUT), "-l", str(folders.pgdata() / "log"), "-o", options]
    began = time.monotonic()
    while True:
        _forget_zombie()
        try:
            return programs.run("pg_ctl", folders.pgdata(), *how, "start")
        except ServerError as error:
            # Of a server killed with -9 the children, then the pid, take a moment to go.
            log = _log_end()
            patience = programs.TIMEOUT if "still in use" in log else 2 if "already exists" in log else 0
            if time.monotonic() - began > patience:
                raise failure(str(error)) from error
        time.sleep(0.2)


def _forget_zombie() -> None:
    """Free a pid file whose server is dead but, in a container without init, never reaped."""
    file = folders.pgdata() / "postmaster.pid"
    with suppress(FileNotFoundError, IndexError, ValueError, psutil.NoSuchProcess):
        lines = file.read_text().splitlines()
        if psutil.Process(int(lines[0])).status() == psutil.STATUS_ZOMBIE:
            # Not deleted: with the rest PostgreSQL finds out whether children of it still live.
            file.write_text("\n".join([NO_PROCESS, *lines[1:], ""]))


def _log_end() -> str:
    log = folders.pgdata() / "log"
    return "\n".join(log.read_text(errors="replace").splitlines()[-5:]) if log.exists() else ""


def failure(what: str) -> ServerError:
    """The error `what`, with the end of the log and what to do."""
    return ServerError(
        f"{what}\nThe end of {folders.pgdata() / 'log'}:\n{_log_end()}\nIf another server uses "
        "the folder, stop it. If none does, yet postmaster.pid is said to exist, delete that file."
    )
