"""The lock that processes take to start or stop the server."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

from perennial import paths
from perennial.embedded import folders, programs
from perennial.errors import ServerError


@contextmanager
def lock() -> Iterator[None]:
    """One start or stop at a time; the file names the process that is at it."""
    path, end = paths.state() / "server.lock", time.monotonic() + programs.TIMEOUT
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = path.open("a+")
    except OSError as error:
        raise folders.denied(error) from error
    with stream:
        while not _locked(stream):
            if time.monotonic() > end:
                stream.seek(0)
                raise ServerError(
                    f"process {stream.read() or '(unknown)'} holds {path} for {programs.TIMEOUT} s now, to "
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
