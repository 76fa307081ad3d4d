"""Brevo: a list per audience, contacts through imports, attributes as contact attributes in capitals.

    brevo:
      kind: brevo
      channel: sms                     # or email
      connection: brevo                # password: an API key
      lists: {ending_soon: 12}
      folder: 3                        # where lists are made that are missing; without it, the first folder

Brevo ignores attributes it does not know, so those that are missing are made, as text; make them before as numbers or
days to have those. It does not tell either whom an import left out: who is in the list afterwards is looked up. Its
blacklists are read and never sent. Its API: https://developers.brevo.com/reference
"""

from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Literal

from pydantic import Field, PositiveInt

from perennial.clock import wall_clock
from perennial.destinations import lists
from perennial.destinations.base import Member, OptOut, Outcome
from perennial.destinations.lists import Limits, ListTool, Row
from perennial.entry import Identifier
from perennial.errors import ConfigError
from perennial.http_client import Client, Pace, Refused, base_url, dig, encode, moment, part

LISTS, ATTRIBUTES = "/contacts/lists", "/contacts/attributes"
CLOCKS_DIFFER = timedelta(minutes=10)  # theirs and ours, at most; more costs time, nothing else
BLACKLISTED = {"email": "emailBlacklisted", "sms": "smsBlacklisted"}


class Settings(lists.ListSettings):
    """Which account, and which of its lists."""

    kind: Literal["brevo"]
    lists: dict[Identifier, PositiveInt] = Field(default_factory=dict)
    folder: PositiveInt | None = None


class Destination(ListTool):
    """Lists and contacts of one Brevo account."""

    vendor = "Brevo"
    limits = Limits(rows=50_000, size=7_900_000, row_size=100_000, leaving=150)

    @cached_property
    def client(self) -> Client:
        name = self.settings.connection
        url = base_url(name, self.connection, "https://api.brevo.com/v3")
        headers = {"api-key": self.connection.password, "accept": "application/json"}
        return Client(self.vendor, name, url, self.connection.password, headers, {"default": Pace(10, 600)})

    def find(self, name: str) -> str | None:
        entries = self._pages(LISTS, "lists", 50)
        return next((str(dig(entry, "id", kind=int)) for entry in entries if dig(entry, "name") == name), None)

    def make(self, name: str) -> str:
        folder = self.settings.folder or next(
            (dig(e, "id") for e in self._pages("/contacts/folders", "folders", 50)), 0
        )
        if not folder:
            raise ConfigError("Brevo has no folder to make a list in. Make one, or name the list under 'lists'.")
        answer = self.client.call("POST", LISTS, repeat=False, body={"name": name, "folderId": folder})
        return str(dig(answer, "id", kind=int))

    def exists(self, list_id: str) -> bool:
        try:
            self.client.call("GET", f"{LISTS}/{list_id}", repeat=True)
        except Refused as refusal:
            if refusal.status == 404:
                return False
            raise
        return True

    def piece(self, member: Member) -> bytes:
        values = {}
        for name, value in member.attributes.items():
            name = (self.settings.prefix + name).upper()
            values[name] = "" if value is None else _text(value) if self._type(name) == "text" else value
        if self.settings.channel == "sms":
            return encode({"attributes": {"SMS": member.address, **values}})
        return encode({"email": member.address, "attributes": values})

    def put(self, list_id: str, rows: list[Row]) -> Iterator[Outcome]:
        started = wall_clock() - CLOCKS_DIFFER
        body = b'{"listIds":[%b],"updateExistingContacts":true,"emptyContactsAttributes":true,"jsonBody":[%b]}'
        body %= (list_id.encode(), b",".join(row.piece for row in rows))
        answer = self.client.call("POST", "/contacts/import", repeat=True, body=body)
        process = dig(answer, "processId", kind=int)
        self.client.until(lambda: self._ended(process), f"import {process}")
        addresses = {_alike(row.change.member.address) for row in rows}
        there = self._in_list(list_id, addresses, started)
        if len(there) < len(addresses):  # left out, or there before and the same as before
            there = self._in_list(list_id, addresses)
        for row in rows:
            remote = there.get(_alike(row.change.member.address))
            yield row.became("done", remote_id=remote) if remote else row.became("rejected", "Brevo left it out")

    def take(self, list_id: str, rows: list[Row]) -> Iterator[Outcome]:
        unknown = {_alike(row.change.member.address) for row in rows if row.change.member.remote_id is None}
        found = self._in_list(list_id, unknown) if unknown else {}
        ids = [row.change.member.remote_id or found.get(_alike(row.change.member.address)) for row in rows]
        if leaving := [int(remote) for remote in dict.fromkeys(filter(None, ids))]:
            try:
                self.client.call("POST", f"{LISTS}/{list_id}/contacts/remove", repeat=True, body={"ids": leaving})
            except Refused as refusal:
                # also said when nobody of them was in the list
                if refusal.status != 400 or self._in_list(list_id, {_alike(r.change.member.address) for r in rows}):
                    raise
        for row, remote in zip(rows, ids, strict=True):
            yield row.became("done", remote_id=remote)

    def opt_outs(self, since: datetime | None) -> Iterator[OptOut]:
        """Of this destination's channel: blacklisted, or out of a list by her own wish; Brevo tells no reason."""
        params = {"sort": "asc"} | ({"modifiedSince": _moment(since)} if since else {})
        for contact in self._pages("/contacts", "contacts", 1000, params):
            address = self._address(contact)
            if address and (contact.get(BLACKLISTED[self.settings.channel]) or contact.get("listUnsubscribed")):
                yield OptOut(address, self.settings.channel, "unsubscribed", moment(dig(contact, "modifiedAt")))

    def readback(self, audience: str) -> Iterator[str]:
        """Addresses of everybody in the list."""
        if list_id := self.list_of(audience):
            for contact in self._pages(f"{LISTS}/{list_id}/contacts", "contacts", 500):
                if address := self._address(contact):
                    yield address

    def _ended(self, process: int) -> bool | None:
        answer = self.client.call("GET", f"/processes/{process}", repeat=True)
        return True if dig(answer, "status") == "completed" else None

    def _in_list(self, list_id: str, addresses: Collection[str], since: datetime | None = None) -> dict[str, str]:
        """Brevo's ids of these people, as far as they are in the list (and were changed since)."""
        params = {"modifiedSince": _moment(since)} if since else {}
        found = {}
        for contact in self._pages(f"{LISTS}/{list_id}/contacts", "contacts", 500, params):
            address = _alike(self._address(contact))
            if address in addresses:
                found[address] = str(dig(contact, "id", kind=int))
        return found

    def _address(self, contact: dict[str, Any]) -> str:
        """Empty for who has none of this channel."""
        if self.settings.channel == "email":
            return str(contact.get("email") or "")
        digits = str(part(contact, "attributes").get("SMS") or "").removeprefix("00").lstrip("+")
        return f"+{digits}" if digits else ""

    def _pages(self, path: str, name: str, size: int, params: dict[str, Any] | None = None) -> Iterator[dict[str, Any]]:
        params = {**(params or {}), "limit": size, "offset": 0}
        while True:
            answer = dig(self.client.call("GET", path, repeat=True, params=params), kind=dict)
            entries = dig(answer, name, kind=list) if answer.get("count", 1) else []
            for entry in entries:
                yield dig(entry, kind=dict)
            if len(entries) < size:
                return
            params["offset"] += size

    @cached_property
    def _types(self) -> dict[str, str]:
        answer = self.client.call("GET", ATTRIBUTES, repeat=True)
        return {dig(e, "name", kind=str): e.get("type", "text") for e in dig(answer, "attributes", kind=list)}

    def _type(self, name: str) -> str:
        """The type of an attribute; one that is missing is made as text."""
        if name not in self._types:
            self.client.call("POST", f"{ATTRIBUTES}/normal/{name}", repeat=False, body={"type": "text"})
            self._types[name] = "text"
        return self._types[name]


def _text(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _alike(address: str) -> str:
    return address.casefold()
