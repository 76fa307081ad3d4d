"""Start, stop and reach the server."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
from psycopg import sql

from perennial.connections import Connection
from perennial.embedded import cluster, folders, process, programs
from perennial.embedded.lock import lock
from perennial.errors import ServerError


def start() -> bool:
    """See to it that the server runs and answers; True if this call started it."""
    with lock():
        end = time.monotonic() + programs.TIMEOUT
        while (lines := process.pid_file()) and "".join(lines[7:]).strip() != "ready":
            if time.monotonic() > end:
                raise process.failure(f"server {lines[0]} is not ready after {programs.TIMEOUT} s")
            time.sleep(0.1)
        if not lines:
            process.launch(cluster.prepare(programs.server_uid()))
        return not lines


def stop(force: bool = False) -> str:
    """Stop the server, unless others use it and not `force`; says in words what happened."""
    if not process.running():
        return "not running"
    with lock():
        if not process.running():  # somebody else was quicker
            return "not running"
        if not force and (others := _other_sessions()):
            return f"in use by {others} session{'s' if others > 1 else ''}"
        programs.run("pg_ctl", folders.pgdata(), "-t", str(programs.TIMEOUT), "-m", "fast", "stop")
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
    live = process.pid_file()[4:5]
    folder = live[0] if live else folders.our_socket_folder(programs.server_uid())
    return Connection("postgres", str(folder), 5432, "postgres", database=database)


def ensure_database(name: str) -> None:
    """Create the database if it is missing."""
    with _connect() as db:
        if db.execute("select from pg_database where datname = %s", [name]).rowcount == 0:
            # template0: nobody can be connected to it, which would forbid the copy.
            create = sql.SQL("create database {} template template0").format(sql.Identifier(name))
            with suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
                db.execute(create)


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
        raise ServerError(f"the server of {folders.pgdata()} does not answer, start it: {error}") from error


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
