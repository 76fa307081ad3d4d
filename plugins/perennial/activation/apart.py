"""One audience on its way to one destination that fails leaves the others alone."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from perennial.errors import PerennialError, RetriableError
from perennial.progress import say


@contextmanager
def apart(errors: list[PerennialError], what: str) -> Iterator[None]:
    """Whatever goes wrong is said and kept in `errors`; a text of the warehouse may quote a row, so it is left out."""
    try:
        yield
    except PerennialError as error:
        say(f"{what} failed: {error}")
        errors.append(error)
    except psycopg.Error as error:
        said = f"{what}: the warehouse answered {error.sqlstate or type(error).__name__}"
        say(said)
        errors.append(RetriableError(said))
