"""The wall clock, for technical timestamps only (when was this extracted, how long did it take).

Business code never calls it: the night a computation is for, `as_of`, is always an input.
"""

import time
from datetime import UTC, datetime


def wall_clock() -> datetime:
    """This moment, in UTC."""
    return datetime.fromtimestamp(time.time(), tz=UTC)
