"""Where data and socket lie, and who may use these folders."""

import hashlib
import os
import tempfile
from contextlib import suppress
from pathlib import Path

from perennial import paths, progress
from perennial.embedded import programs
from perennial.errors import ServerError

SOCKET = ".s.PGSQL.5432"
SOCKET_LIMIT = 103  # bytes without the closing NUL, on macOS; Linux has 107


def pgdata() -> Path:
    """The data folder of the server."""
    return paths.state() / "pgdata"


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


def our_socket_folder(uid: int) -> Path:
    """Where the socket of our data folder lies, or would lie."""
    return socket_folder(pgdata(), Path(tempfile.gettempdir()).resolve(), uid)


def make_private(folder: Path, uid: int) -> None:
    """Make the short socket folder; refuse one that somebody else put there."""
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
        os.chown(folder, uid, -1)
    owner = folder.lstat().st_uid  # not stat: a link could lead anywhere
    if owner != uid or folder.is_symlink() or not folder.is_dir():
        raise ServerError(
            f"{folder} is meant for the socket, but is no folder of {programs.user_name(uid)} (it "
            f"belongs to {programs.user_name(owner)}). Remove it, or set PERENNIAL_STATE to a shorter path."
        )
    folder.chmod(0o700)


def let_through(uid: int, *targets: Path) -> None:
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
            f"{programs.ROOT_RUNS_AS} has to. To avoid it, do not run as root, or put "
            "PERENNIAL_STATE and the virtual environment below a folder that is already open."
        )


def denied(error: OSError) -> ServerError:
    """The refusal of a folder this OS user cannot use: which, whose, who we are, what to do."""
    state, root = paths.state(), os.geteuid() == 0
    path = next(p for p in (pgdata(), state, *state.parents) if os.path.lexists(p))
    owner, me = programs.user_name(path.lstat().st_uid), programs.user_name(os.geteuid())
    made = ", made by a run as root" if owner == programs.ROOT_RUNS_AS else ""
    change = f"{programs.ROOT_RUNS_AS} {pgdata()}" if root else f"{me} {state}"
    return ServerError(
        f"cannot use {path}: {error}. It belongs to {owner}{made}; this process runs as {me}. Run "
        f"as its owner, or stop its server and `chown -R {change}`, or set PERENNIAL_STATE anew."
    )
