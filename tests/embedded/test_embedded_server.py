"""The default warehouse server: who may run it, how it comes back."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
import pytest
from servers_here import (
    IS_ROOT,
    STRANGER,
    as_root,
    become,
    connect,
    message_of_start,
    postmaster,
    server_owner,
    servers_of,
)

from perennial import embedded
from perennial.embedded import programs, sizing


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
    put_pid_file(text.replace("ready   ", "starting"))
    return text


def put_pid_file(text: str) -> None:
    """Of the same length as before, and in one go: nobody reads half of it."""
    with (embedded.pgdata() / "postmaster.pid").open("r+b", buffering=0) as file:
        file.write(text.encode())


@pytest.mark.server
def test_a_server_that_is_just_starting_is_waited_for(server):
    text = pretend_starting()
    later = threading.Timer(0.3, put_pid_file, [text])
    later.start()
    answer, seen = embedded.start(), (embedded.pgdata() / "postmaster.pid").read_text()
    later.join()
    assert answer is False
    assert seen == text, "start came back too early"


@pytest.mark.server
def test_a_server_that_never_gets_ready_is_reported_with_its_log(server, monkeypatch):
    monkeypatch.setattr(programs, "TIMEOUT", 0.3)
    text = pretend_starting()
    shown = message_of_start()
    put_pid_file(text)
    assert shown.startswith(f"server {postmaster()} is not ready after 0.3 s")
    assert f"The end of {embedded.pgdata() / 'log'}:" in shown


@pytest.mark.server
def test_the_server_is_durable_and_has_no_network(server):
    wanted = {
        "data_directory_mode": "0700",
        "fsync": "on",
        "jit": "off",
        "listen_addresses": "",
        "max_connections": "100",
        "max_wal_size": "2GB",
        "random_page_cost": "1.1",
        "server_encoding": "UTF8",
        "synchronous_commit": "on",
        "TimeZone": "UTC",
    }
    with connect() as db:
        assert {key: db.execute(f"show {key}").fetchone()[0] for key in wanted} == wanted
    sockets = psutil.Process(postmaster()).net_connections("inet")
    assert sockets == []


@pytest.mark.server
def test_the_server_uses_a_share_of_the_machine(server):
    with connect() as db:
        for setting in sizing.settings():
            name, wanted = setting.split("=")
            size = db.execute("select pg_size_bytes(current_setting(%s)), pg_size_bytes(%s)", [name, wanted]).fetchone()
            assert size[0] == size[1], name


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
