"""A schema of our own for tables beside those of the night: made empty, dropped at the end."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from perennial.errors import ConfigError

SCRATCH = "perennial_scratch"
OURS = "Built by `perennial`, dropped at the end of the command."


@contextmanager
def scratch(session: psycopg.Connection) -> Iterator[None]:
    """The schema while the block runs; ConfigError if somebody else's has its name."""
    ask = "select obj_description(oid, 'pg_namespace') as said from pg_namespace where nspname = %s"
    found = session.execute(ask, [SCRATCH]).fetchone()
    if found and found["said"] != OURS:
        raise ConfigError(f"the warehouse has a schema '{SCRATCH}' that is not ours; rename it, its name is needed")
    session.execute(f"drop schema if exists {SCRATCH} cascade")
    session.execute(f"create schema {SCRATCH}")
    session.execute(f"comment on schema {SCRATCH} is '{OURS}'")
    session.commit()
    try:
        yield
    finally:
        session.rollback()
        session.execute(f"drop schema if exists {SCRATCH} cascade")
        session.commit()
