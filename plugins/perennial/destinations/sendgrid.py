"""SendGrid Marketing: a list per audience, contacts put in bulk, attributes as custom fields.

    sendgrid:
      kind: sendgrid
      channel: email
      connection: sendgrid             # password: an API key with rights on Marketing and, to read, Suppressions
      lists: {ending_soon: 4f2b6e0a-7f6c-4a1e-9a57-0c6f6a3c2d11}

Custom fields are made where they are missing, all of them as text: SendGrid can empty a text, but refuses to empty a
number or a day. Suppressions are read and never touched. Its API: https://www.twilio.com/docs/sendgrid/api-reference
"""

import re
from collections.abc import Iterator
from datetime import datetime
from functools import cached_property
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

from perennial.destinations import lists
from perennial.destinations.base import Member, OptOut, Outcome
from perennial.destinations.lists import Limits, ListTool, Row
from perennial.errors import ConfigError, RetriableError
from perennial.http_client import Client, Pace, Refused, base_url, dig, encode, moment, part

LISTS, FIELDS = "/v3/marketing/lists", "/v3/marketing/field_definitions"
SEARCHED_AT_ONCE, PAGE = 100, 500
LOOKS = 5  # at who is there, after a job with errors; the search is a little behind
READ = {
    "/v3/suppression/unsubscribes": "unsubscribed",
    "/v3/suppression/spam_reports": "complaint",
    "/v3/suppression/bounces": "bounced",
    "/v3/suppression/invalid_emails": "bounced",
}


class Settings(lists.ListSettings):
    """Which account, and which of its lists."""

    kind: Literal["sendgrid"]
    channel: Literal["email"]


class Destination(ListTool):
    """Lists and contacts of one SendGrid account."""

    vendor = "SendGrid"
    limits = Limits(rows=30_000, size=5_900_000, row_size=100_000, leaving=SEARCHED_AT_ONCE)
    culprit = re.compile(r"contacts\[(\d+)\]")

    @cached_property
    def client(self) -> Client:
        name = self.settings.connection
        url = base_url(name, self.connection, "https://api.sendgrid.com")
        headers = {"authorization": f"Bearer {self.connection.password}", "accept": "application/json"}
        paces = {"default": Pace(10, 600), "bulk": Pace(3, 90)}
        return Client(self.vendor, name, url, self.connection.password, headers, paces)

    def find(self, name: str) -> str | None:
        params = {"page_size": "1000"}
        while True:
            answer = self.client.call("GET", LISTS, repeat=True, params=params)
            for entry in dig(answer, "result", kind=list):
                if dig(entry, "name") == name:
                    return dig(entry, "id", kind=str)
            following = part(answer, "_metadata").get("next")
            if not following:
                return None
            params["page_token"] = dig(parse_qs(urlsplit(str(following)).query), "page_token", 0)

    def make(self, name: str) -> str:
        return dig(self.client.call("POST", LISTS, repeat=False, body={"name": name}), "id", kind=str)

    def exists(self, list_id: str) -> bool:
        try:
            self.client.call("GET", f"{LISTS}/{list_id}", repeat=True)
        except Refused as refusal:
            if refusal.status == 404:
                return False
            raise
        return True

    def piece(self, member: Member) -> bytes:
        ids = self._field_ids(tuple(member.attributes))
        values = {ids[name]: _text(value) for name, value in member.attributes.items()}
        return encode({"email": member.address, "custom_fields": values})

    def put(self, list_id: str, rows: list[Row]) -> Iterator[Outcome]:
        contacts = b",".join(row.piece for row in rows)
        body = b'{"list_ids":[%b],"contacts":[%b]}' % (encode(list_id), contacts)
        answer = self.client.call("PUT", "/v3/marketing/contacts", repeat=True, pace="bulk", body=body)
        job = self._finished(dig(answer, "job_id", kind=str))
        if dig(job, "status") == "failed":
            raise RetriableError("SendGrid could do nothing with the whole batch.")
        if dig(job, "status") == "completed":
            yield from (row.became("done") for row in rows)
            return
        errors = dig(job, "results", "errored_count", kind=int | float)
        taken: dict[str, str] = {}
        for look in range(LOOKS):  # the search is a little behind
            if look:
                self.client.pause()
            taken = self._taken(list_id, rows)
            if len(rows) - len(taken) <= errors:
                break
        certain = len(rows) - len(taken) <= errors
        for row in rows:
            remote = taken.get(row.change.member.customer_key)
            if remote:
                yield row.became("done", remote_id=remote)
            else:
                yield row.became("rejected" if certain else "failed", "SendGrid does not take this contact")

    def take(self, list_id: str, rows: list[Row]) -> Iterator[Outcome]:
        members = [row.change.member for row in rows]
        found = self._search([member.address for member in members if member.remote_id is None])
        ids = [m.remote_id or dig(found.get(m.address.lower(), {"id": ""}), "id") for m in members]
        if leaving := ",".join(dict.fromkeys(filter(None, ids))):
            path = f"{LISTS}/{list_id}/contacts"
            answer = self.client.call("DELETE", path, repeat=True, params={"contact_ids": leaving})
            job = self._finished(dig(answer, "job_id", kind=str), unknown={"status": "completed"})
            if dig(job, "status") != "completed":
                raise RetriableError("SendGrid did not take everybody out of the list.")
        for row, remote in zip(rows, ids, strict=True):
            yield row.became("done", remote_id=remote or None)  # whom SendGrid does not know is in no list

    def opt_outs(self, since: datetime | None) -> Iterator[OptOut]:
        """Global and group suppressions, complaints, bounces and addresses that are none."""
        for path, reason in READ.items():
            params: dict[str, Any] = {"limit": PAGE, "offset": 0}
            params |= {"start_time": int(since.timestamp())} if since else {}
            while entries := dig(self.client.call("GET", path, repeat=True, params=params), kind=list):
                yield from (_opt_out(entry, reason, "created") for entry in entries)
                if len(entries) < PAGE:
                    break
                params["offset"] += PAGE
        for entry in dig(self.client.call("GET", "/v3/asm/suppressions", repeat=True), kind=list):
            found = _opt_out(entry, "unsubscribed", "created_at")
            if since is None or found.at >= since:
                yield found

    def readback(self, audience: str) -> None:
        """SendGrid tells who is in a list by mailing files only."""

    def _field_ids(self, names: tuple[str, ...]) -> dict[str, str]:
        """Ids of the custom fields for these attributes; those that are missing are made."""
        if names not in self._ids_of_fields:
            there = dig(self.client.call("GET", FIELDS, repeat=True), "custom_fields", kind=list)
            known = {dig(field, "name", kind=str).lower(): field for field in there}
            self._ids_of_fields[names] = {name: self._field(self.settings.prefix + name, known) for name in names}
        return self._ids_of_fields[names]

    @cached_property
    def _ids_of_fields(self) -> dict[tuple[str, ...], dict[str, str]]:
        return {}

    def _field(self, name: str, known: dict[str, dict[str, Any]]) -> str:
        field = known.get(name.lower())
        if field is None:
            field = self.client.call("POST", FIELDS, repeat=False, body={"name": name, "field_type": "Text"})
        if dig(field, "field_type") != "Text":
            raise ConfigError(
                f"connection '{self.settings.connection}': SendGrid's custom field '{name}' is no text, "
                "and SendGrid refuses to empty anything else. Delete it there to have it made anew, or change 'prefix'."
            )
        return dig(field, "id", kind=str)

    def _finished(self, job_id: str, unknown: dict[str, Any] | None = None) -> dict[str, Any]:
        """A job when it has ended; `unknown` stands for one that SendGrid does not tell about."""

        def look() -> dict[str, Any] | None:
            try:
                job = dig(self.client.call("GET", f"/v3/marketing/contacts/imports/{job_id}", repeat=True), kind=dict)
            except Refused as refusal:
                if refusal.status == 404:
                    return unknown
                raise
            return None if dig(job, "status") == "pending" else job

        return self.client.until(look, f"job {job_id}")

    def _taken(self, list_id: str, rows: list[Row]) -> dict[str, str]:
        """SendGrid's ids, by customer, of those who are in the list with everything that was sent."""
        members = [row.change.member for row in rows]
        contacts = self._search([member.address for member in members])
        taken = {}
        for member in members:
            contact = contacts.get(member.address.lower())
            wanted = {self.settings.prefix + name: _text(value) for name, value in member.attributes.items()}
            has = part(contact, "custom_fields")
            same = all(str(has.get(name, "")) == value for name, value in wanted.items())
            if contact and same and list_id in dig(contact, "list_ids", kind=list):
                taken[member.customer_key] = dig(contact, "id", kind=str)
        return taken

    def _search(self, addresses: list[str]) -> dict[str, dict[str, Any]]:
        """Contacts by address in small letters; who is not known is not there."""
        found: dict[str, dict[str, Any]] = {}
        for start in range(0, len(addresses), SEARCHED_AT_ONCE):
            wanted = {"emails": addresses[start : start + SEARCHED_AT_ONCE]}
            try:
                answer = self.client.call("POST", "/v3/marketing/contacts/search/emails", repeat=True, body=wanted)
            except Refused as refusal:
                if refusal.status == 404:  # none of them
                    continue
                raise
            for address, entry in dig(answer, "result", kind=dict).items():
                if contact := dig(entry, kind=dict).get("contact"):
                    found[address.lower()] = contact
        return found


def _text(value: Any) -> str:
    return "" if value is None else value.isoformat() if hasattr(value, "isoformat") else str(value)


def _opt_out(entry: Any, reason: str, at: str) -> OptOut:
    return OptOut(dig(entry, "email", kind=str), "email", reason, moment(dig(entry, at)))
