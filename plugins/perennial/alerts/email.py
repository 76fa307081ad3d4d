"""By e-mail, over the SMTP server that the connection names.

Port 465 speaks TLS from the start; on others the session is encrypted where the server can, and no password is sent
where it cannot, unless the server is this machine.
"""

import smtplib
import ssl
from email.message import EmailMessage
from typing import Annotated, Literal

from pydantic import Field

from perennial.alerts import base
from perennial.connections import Connection
from perennial.errors import ConfigError, RetriableError
from perennial.http_client import HERE

Mailbox = Annotated[str, Field(pattern=r"^[^@\s,;<>]+@[^@\s,;<>]+$")]
SECONDS = 30


class Settings(base.Settings):
    """To whom, from whom; both stand in config/, so they are no customers."""

    kind: Literal["email"]
    to: list[Mailbox] = Field(min_length=1)
    sender: Mailbox


def tell(settings: Settings, name: str, connection: Connection, notice: base.Notice) -> None:
    """One message to all of them."""
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = notice.subject, settings.sender, ", ".join(settings.to)
    message.set_content(notice.text)
    try:
        with _session(name, connection) as session:
            session.send_message(message)
    except smtplib.SMTPAuthenticationError as error:
        raise ConfigError(
            f"connection '{name}': the mail server does not take the password ({error.smtp_code})"
        ) from None
    except smtplib.SMTPRecipientsRefused as error:
        refused = ", ".join(f"{to} ({code})" for to, (code, _) in error.recipients.items())
        raise ConfigError(f"connection '{name}': the mail server refuses {refused}; see config/alerts.yml") from None
    except (OSError, smtplib.SMTPException) as error:
        raise RetriableError(f"connection '{name}': the mail was not taken ({type(error).__name__})") from None


def _session(name: str, connection: Connection) -> smtplib.SMTP:
    trusted = ssl.create_default_context()
    if connection.port == 465:
        session = smtplib.SMTP_SSL(connection.host, 465, timeout=SECONDS, context=trusted)
    else:
        session = smtplib.SMTP(connection.host, connection.port or 587, timeout=SECONDS)
        session.ehlo()
        if session.has_extn("starttls"):
            session.starttls(context=trusted)
            session.ehlo()
        elif connection.password and connection.host not in HERE:
            session.close()
            raise ConfigError(
                f"connection '{name}': {connection.host} offers no encryption; the password would travel in the clear. "
                "Name a server with STARTTLS, or port 465"
            )
    if connection.password:
        session.login(connection.login, connection.password)
    return session
