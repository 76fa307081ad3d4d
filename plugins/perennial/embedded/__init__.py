"""The default warehouse: a PostgreSQL server of our own, reached through a unix socket only.

PostgreSQL refuses to run as root: then the OS user `embedded_postgres` owns and runs it.
"""

from perennial.embedded.cluster import INITDB
from perennial.embedded.folders import pgdata, socket_folder
from perennial.embedded.process import SETTINGS, running
from perennial.embedded.programs import psql_path
from perennial.embedded.server import connection, ensure_database, session, start, stop

__all__ = [
    "INITDB",
    "SETTINGS",
    "connection",
    "ensure_database",
    "pgdata",
    "psql_path",
    "running",
    "session",
    "socket_folder",
    "start",
    "stop",
]
