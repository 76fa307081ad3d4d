"""To a channel of Slack, or of a tool that takes its incoming webhooks; the address is the connection's password."""

from typing import Literal

from perennial.alerts import base
from perennial.alerts.webhook import post
from perennial.connections import Connection


class Settings(base.Settings):
    """Nothing of its own: the address tells the channel."""

    kind: Literal["slack"]


def tell(settings: Settings, name: str, connection: Connection, notice: base.Notice) -> None:
    """One message; what Slack would read as markup is shown as it is."""
    text = f"{notice.subject}\n{notice.text}"
    for plain, escaped in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(plain, escaped)
    post(name, connection, {"text": text})
