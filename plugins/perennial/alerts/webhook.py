"""To an address that takes JSON, such as a paging service; with `events: [finished]`, to one that misses it (dead man).

The whole address is the secret: it is the connection's password.
"""

from typing import Any, Literal
from urllib.parse import urlsplit

import httpx

from perennial.alerts import base
from perennial.connections import Connection
from perennial.errors import ConfigError, RetriableError
from perennial.http_client import HERE, TIMEOUT


class Settings(base.Settings):
    """Nothing of its own."""

    kind: Literal["webhook"]


def tell(settings: Settings, name: str, connection: Connection, notice: base.Notice) -> None:
    """Post {event, as_of, subject, text}."""
    as_of = notice.as_of and notice.as_of.isoformat()
    post(name, connection, {"event": notice.event, "as_of": as_of, "subject": notice.subject, "text": notice.text})


def post(name: str, connection: Connection, body: dict[str, Any]) -> None:
    """Post it; ConfigError if the address is none or refuses it, RetriableError if it cannot be reached now."""
    parts = urlsplit(connection.password)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in HERE):
        raise ConfigError(
            f"connection '{name}': its password is to be the whole address, https://... "
            "(not shown: whoever knows it may post there)"
        )
    try:
        status = httpx.post(connection.password, json=body, timeout=TIMEOUT).status_code
    except httpx.HTTPError as error:
        raise RetriableError(
            f"connection '{name}': {parts.hostname} was not reached ({type(error).__name__})"
        ) from None
    if status == 429 or status >= 500:
        raise RetriableError(f"connection '{name}': {parts.hostname} answers {status}")
    if status >= 300:
        raise ConfigError(f"connection '{name}': {parts.hostname} refuses it ({status}); is its address still the one?")
