"""One line of progress for the person who waits.

A line goes to the log, to listeners in this process, and, when `PERENNIAL_PROGRESS` names a file, to its end:
`perennial nightly` follows that file while Airflow works in another process. Never put contact details into a line.
"""

import logging
import os
from collections.abc import Callable
from pathlib import Path

log = logging.getLogger("perennial")
listeners: list[Callable[[str], None]] = []


def say(line: str) -> None:
    """Report `line` to the log and to whoever listens."""
    log.info(line)
    for listener in listeners:
        listener(line)
    target = os.environ.get("PERENNIAL_PROGRESS")
    if target:
        with Path(target).open("a", encoding="utf-8") as stream:
            stream.write(line + "\n")
