"""Twilio: one message to everybody who enters an audience. Off until `send_messages` says otherwise.

    texts:
      kind: twilio
      channel: sms
      connection: twilio               # login: the account's AC..., password: its token
      send_messages: true
      sender: MG0123...                # a messaging service, or a number of yours in E.164
      bodies: {ending_soon: "Your {abc_tier} points end soon. STOP to end."}   # {attribute} is filled in

A message cannot be taken back, so none is ever sent twice: what Twilio surely did not take may be tried again, what is
not known is not. Twilio refuses numbers that answered STOP (21610); those answers are read as opt-outs.
Its API: https://www.twilio.com/docs/messaging/api/message-resource
"""

import base64
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

from pydantic import Field

from perennial.connections import Connection
from perennial.destinations import base
from perennial.destinations.base import Change, Delivery, OptOut, Outcome
from perennial.entry import Identifier
from perennial.errors import ConfigError, FatalError, RetriableError
from perennial.http_client import Client, Pace, Refused, Unsure, base_url, dig

LONGEST = 1600  # characters
FAILURES = 2  # messages in a row that fail before the rest is left for another run
NAME = re.compile(r"\{(\w+)\}")
OPTED_OUT = 21610
ABOUT_ONE = {21211, 21217, 21265, 21408, 21612, 21614, 21635, OPTED_OUT}  # numbers that cannot have a message
UNREACHABLE = {30003, 30005, 30006}
STOP = {"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout", "arret", "td", "t", "退订"}


class Settings(base.Settings):
    """Which account, as whom it sends, and what."""

    kind: Literal["twilio"]
    channel: Literal["sms"]
    connection: Identifier
    send_messages: bool = False
    sender: str = Field(pattern=r"^(MG[0-9a-fA-F]{32}|\+[1-9][0-9]{6,14})$")
    bodies: dict[Identifier, str] = Field(min_length=1)


class Destination:
    """Messages of one Twilio account."""

    at_most_once = True

    def __init__(self, settings: Settings, connection: Connection | None):
        self.settings = settings
        self.connection = connection
        self.receipt: dict[str, Any] = {}

    @cached_property
    def client(self) -> Client:
        name = self.settings.connection
        url = base_url(name, self.connection, "https://api.twilio.com")
        login, token = self.connection.login, self.connection.password
        if not re.fullmatch(r"AC[0-9a-fA-F]{32}", login):
            raise ConfigError(f"connection '{name}': the login is not an account of Twilio (AC and 32 digits or a-f).")
        basic = base64.b64encode(f"{login}:{token}".encode()).decode()
        return Client("Twilio", name, url, token, {"authorization": f"Basic {basic}"}, {"default": Pace(20, 1200)})

    @property
    def path(self) -> str:
        return f"/2010-04-01/Accounts/{self.connection.login}/Messages.json"

    def deliver(self, delivery: Delivery) -> Iterator[Outcome]:
        """A message for everybody who is new in the audience; who changes or leaves hears nothing."""
        body = self._body(delivery)
        told: set[int] = set()
        failures = 0
        for change in delivery.changes:
            number = hash(change.member.address)
            if change.op != "add":
                yield Outcome(change.member.customer_key, change.op, "done", remote_id=change.member.remote_id)
                continue
            if number in told:
                yield _became(change, "rejected", "this number has had the message tonight")
                continue
            told.add(number)
            text = filled(body, change.member.attributes)
            if text is None or len(text) > LONGEST:
                yield _became(change, "rejected", f"an attribute of the text is empty, or it is longer than {LONGEST}")
                continue
            try:
                outcome = self._send(change, text)
                self.receipt["messages"] = self.receipt.get("messages", 0) + (outcome.status == "done")
                yield outcome
                failures = 0
            except Unsure as fault:
                yield _became(change, "handed_over", f"{fault} It is not sent again.")
            except FatalError as fault:
                yield _became(change, "failed", str(fault))
                raise
            except RetriableError as fault:
                failures += 1
                yield _became(change, "failed", str(fault))
                if failures == FAILURES:
                    raise

    def opt_outs(self, since: datetime | None) -> Iterator[OptOut]:
        """Who answered STOP, and whose number cannot be reached, by the messages Twilio keeps."""
        params = {"PageSize": "1000"} | ({"DateSent>": f"{since.date()}T00:00:00Z"} if since else {})
        while True:
            answer = self.client.call("GET", self.path, repeat=True, params=params)
            for message in dig(answer, "messages", kind=list):
                found = _opt_out(message)
                if found and (since is None or found.at >= since):
                    yield found
            following = answer.get("next_page_uri")
            if not following:
                return
            params = dict(parse_qsl(urlsplit(str(following)).query))

    def readback(self, audience: str) -> None:
        """Messages are no list."""

    def _body(self, delivery: Delivery) -> str:
        """The text, looked at before anybody is handed over."""
        settings = self.settings
        if not settings.send_messages:
            raise ConfigError(f"audience '{delivery.audience}': Twilio sends nothing without 'send_messages: true'.")
        if delivery.audience not in settings.bodies:
            raise ConfigError(f"audience '{delivery.audience}': Twilio has no text for it. Add one under 'bodies'.")
        body = settings.bodies[delivery.audience]
        if unknown := set(NAME.findall(body)) - set(delivery.attributes):
            raise ConfigError(
                f"audience '{delivery.audience}': its text names {', '.join(sorted(unknown))}; "
                f"there are {', '.join(sorted(delivery.attributes))}."
            )
        return body

    def _send(self, change: Change, text: str) -> Outcome:
        sender = "MessagingServiceSid" if self.settings.sender.startswith("MG") else "From"
        form = {"To": change.member.address, sender: self.settings.sender, "Body": text}
        try:
            answer = self.client.call("POST", self.path, repeat=False, form=form)
        except Refused as refusal:
            code = refusal.answer.get("code") if isinstance(refusal.answer, dict) else None
            if code not in ABOUT_ONE:
                raise
            said = "opted out" if code == OPTED_OUT else refusal.reason
            return _became(change, "rejected", f"{said} ({code})")
        try:
            return Outcome(change.member.customer_key, "add", "done", remote_id=dig(answer, "sid", kind=str))
        except RetriableError as fault:
            raise Unsure(str(fault)) from None


def filled(body: str, attributes: Mapping[str, Any]) -> str | None:
    """The text for one person, None if one of its attributes is empty."""
    if any(attributes[name] is None for name in NAME.findall(body)):
        return None
    return NAME.sub(lambda found: str(attributes[found[1]]), body)


def _became(change: Change, status: Literal["rejected", "failed", "handed_over"], error: str) -> Outcome:
    return Outcome(change.member.customer_key, change.op, status, error.replace(change.member.address, "(number)"))


def _opt_out(message: Any) -> OptOut | None:
    dig(message, kind=dict)
    stopped = message.get("direction") == "inbound" and _word(message.get("body")) in STOP
    refused = message.get("error_code") == OPTED_OUT
    if not (stopped or refused or message.get("error_code") in UNREACHABLE):
        return None
    try:
        at = parsedate_to_datetime(message.get("date_sent") or message.get("date_created"))
    except (TypeError, ValueError):
        raise RetriableError("a message of Twilio has no usable time: it is not what the vendor promises.") from None
    address = dig(message, "from" if stopped else "to", kind=str)
    return OptOut(address, "sms", "unsubscribed" if stopped or refused else "bounced", at)


def _word(text: Any) -> str:
    return re.sub(r"[\W_]+", "", str(text or "")).casefold()
