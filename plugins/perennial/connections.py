"""Connections by name, in Airflow's own notation, usable with and without Airflow.

A connection `warehouse` is looked up in the environment variable `AIRFLOW_CONN_WAREHOUSE` (JSON or URI, as Airflow
reads it). In an Airflow task the name is resolved by Airflow instead, so secrets backends work (`orchestration.py`).
With nothing configured, `warehouse` and the sample systems live on the embedded server.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from perennial.errors import ConfigError

SCHEMES = {
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
}


@dataclass(frozen=True)
class Connection:
    """Where a database is and how to sign in. `repr` never shows the password."""

    conn_type: str
    host: str = ""
    port: int | None = None
    login: str = ""
    password: str = field(default="", repr=False)
    database: str = ""
    extra: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, name: str, text: str) -> "Connection":
        """Read Airflow's JSON or URI notation; raises ConfigError naming the connection."""
        try:
            return cls._from_json(text) if text.lstrip().startswith("{") else cls._from_uri(text)
        except (ValueError, TypeError, AttributeError, KeyError):
            raise ConfigError(
                f"connection '{name}': cannot be read as JSON or as a URI (not shown: it may hold a password). "
                f"Set AIRFLOW_CONN_{name.upper()} to e.g. "
                '{"conn_type": "postgres", "host": "db", "login": "perennial", "password": "...", "schema": "dwh"}'
            ) from None

    @classmethod
    def _from_json(cls, text: str) -> "Connection":
        data = json.loads(text)
        extra = data.get("extra") or {}
        if isinstance(extra, str):
            extra = json.loads(extra or "{}")
        return cls(
            conn_type=data["conn_type"],
            host=data.get("host") or "",
            port=int(data["port"]) if data.get("port") else None,
            login=data.get("login") or "",
            password=data.get("password") or "",
            database=data.get("schema") or (data.get("host") if data["conn_type"] == "sqlite" else "") or "",
            extra=tuple(sorted((str(k), str(v)) for k, v in extra.items())),
        )

    @classmethod
    def _from_uri(cls, text: str) -> "Connection":
        parts = urlsplit(text)
        if not parts.scheme:
            raise ValueError("no scheme")
        return cls(
            conn_type=parts.scheme,
            host=unquote(parts.hostname or ""),
            port=parts.port,
            login=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            database=unquote(parts.path.removeprefix("/")),
            extra=tuple(sorted(parse_qsl(parts.query))),
        )

    def to_json(self) -> str:
        """Airflow's JSON notation, for an `AIRFLOW_CONN_...` variable."""
        data = {
            "conn_type": self.conn_type,
            "host": self.host,
            "port": self.port,
            "login": self.login,
            "password": self.password,
            "schema": self.database,
            "extra": dict(self.extra),
        }
        return json.dumps({k: v for k, v in data.items() if v})

    def url(self) -> str:
        """A SQLAlchemy URL; psycopg 3 for Postgres, socket folders as `?host=`."""
        scheme = SCHEMES.get(self.conn_type, self.conn_type)
        if self.conn_type == "sqlite":  # a file, not a server
            return f"sqlite:///{self.database}"
        query = dict(self.extra)
        host = self.host
        if host.startswith("/"):
            query["host"], host = host, ""
        user = quote(self.login, safe="")
        if self.password:
            user += ":" + quote(self.password, safe="")
        port = f":{self.port}" if self.port and host else ""
        if self.port and not host:
            query["port"] = str(self.port)
        tail = f"?{urlencode(query)}" if query else ""
        return f"{scheme}://{user + '@' if user else ''}{host}{port}/{quote(self.database)}{tail}"

    def libpq(self) -> dict[str, str]:
        """The `PG*` environment variables that psql, pg_dump and dbt understand."""
        values = {
            "PGHOST": self.host,
            "PGPORT": str(self.port or 5432),
            "PGUSER": self.login,
            "PGPASSWORD": self.password,
            "PGDATABASE": self.database,
        }
        values |= {f"PG{k.upper()}": v for k, v in self.extra if k.startswith("ssl")}
        return {k: v for k, v in values.items() if v}


Lookup = Callable[[str], Connection | None]  # the connection of that name, or None


def configured(name: str) -> Connection | None:
    """The connection of that name from the environment, or None."""
    text = os.environ.get(f"AIRFLOW_CONN_{name.upper()}")
    return Connection.parse(name, text) if text else None
