"""Klaviyo: a list per audience, people through bulk import jobs, attributes as profile properties.

    klaviyo:
      kind: klaviyo
      channel: email                   # or sms
      connection: klaviyo              # password: a private key that may read and write lists and profiles
      lists: {ending_soon: Y6nRLr}     # others are found or made by name, see lists.py

A profile that a job knows nothing of is not done. Whom Klaviyo must not write to, it alone decides: a profile in a list
is no consent. Its API: https://developers.klaviyo.com/en/reference/bulk_import_profiles
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

from perennial.destinations import lists
from perennial.destinations.base import Member, OptOut, Outcome
from perennial.destinations.lists import Limits, ListTool, Row
from perennial.errors import RetriableError
from perennial.http_client import Client, Pace, Refused, base_url, dig, encode, moment, part, without_people

REVISION = "2026-07-15"
JOBS = "/api/profile-bulk-import-jobs"
SUPPRESSED = {
    "HARD_BOUNCE": "bounced",
    "INVALID_EMAIL": "bounced",
    "SPAM_COMPLAINT": "complaint",
    "UNSUBSCRIBE": "unsubscribed",
    "USER_SUPPRESSED": "blocked",
}
BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
ADDRESS = {"email": "email", "sms": "phone_number"}


class Settings(lists.ListSettings):
    """Which account, and which of its lists."""

    kind: Literal["klaviyo"]


class Destination(ListTool):
    """Lists and profiles of one Klaviyo account."""

    vendor = "Klaviyo"
    limits = Limits(rows=10_000, size=4_900_000, row_size=100_000, leaving=1000)
    culprit = re.compile(r"/profiles/data/(\d+)")

    @cached_property
    def client(self) -> Client:
        name = self.settings.connection
        url = base_url(name, self.connection, "https://a.klaviyo.com")
        key = self.connection.password
        headers = {
            "authorization": f"Klaviyo-API-Key {key}",
            "revision": REVISION,
            "accept": "application/vnd.api+json",
            "content-type": "application/vnd.api+json",
        }
        return Client(self.vendor, name, url, key, headers, {"default": Pace(75, 750), "bulk": Pace(10, 150)})

    @property
    def address(self) -> str:
        """What Klaviyo calls an address of this channel."""
        return ADDRESS[self.settings.channel]

    def find(self, name: str) -> str | None:
        answer = self.client.call("GET", "/api/lists", repeat=True, params={"filter": f'equals(name,"{name}")'})
        return next((dig(entry, "id") for entry in dig(answer, "data", kind=list)), None)

    def make(self, name: str) -> str:
        data = {"type": "list", "attributes": {"name": name}}
        return dig(self.client.call("POST", "/api/lists", repeat=False, pace="bulk", body={"data": data}), "data", "id")

    def exists(self, list_id: str) -> bool:
        try:
            self.client.call("GET", f"/api/lists/{list_id}", repeat=True)
        except Refused as refusal:
            if refusal.status == 404:
                return False
            raise
        return True

    def piece(self, member: Member) -> bytes:
        named = {self.settings.prefix + name: value for name, value in member.attributes.items()}
        profile: dict[str, Any] = {
            "type": "profile",
            "attributes": {
                self.address: member.address,
                "properties": {name: value for name, value in named.items() if value is not None},
            },
        }
        if cleared := [name for name, value in named.items() if value is None]:
            profile["meta"] = {"patch_properties": {"unset": cleared}}
        return encode(profile)

    def put(self, list_id: str, rows: list[Row]) -> Iterator[Outcome]:
        profiles = b",".join(row.piece for row in rows)
        relationships = encode({"lists": {"data": [{"type": "list", "id": list_id}]}})
        body = b'{"data":{"type":"profile-bulk-import-job","attributes":{"profiles":{"data":[%b]}},"relationships":%b}}'
        answer = self.client.call("POST", JOBS, repeat=True, pace="bulk", body=body % (profiles, relationships))
        job_id = dig(answer, "data", "id", kind=str)
        job = self.client.until(lambda: self._look_at(job_id), f"import job {job_id}")
        failed = dig({"failed_count": 0, **job}, "failed_count", kind=int)
        wrong = self._errors(job_id, rows) if failed else {}
        unclear = failed > len(wrong)  # an error that names no row: who is there tells
        ids = {}
        if unclear or any(row.change.member.remote_id is None for n, row in enumerate(rows) if n not in wrong):
            ids = self._ids_of(f"{JOBS}/{job_id}/profiles", "bulk")
        for n, row in enumerate(rows):
            remote = ids.get(_alike(row.change.member.address))
            if n in wrong:
                yield row.became("rejected", wrong[n])
            elif unclear and remote is None:
                yield row.became("failed", "Klaviyo refused some of the batch, and does not say whom")
            else:
                yield row.became("done", remote_id=remote)

    def take(self, list_id: str, rows: list[Row]) -> Iterator[Outcome]:
        unknown = [row.change.member.address for row in rows if row.change.member.remote_id is None]
        found: dict[str, str] = {}
        for start in range(0, len(unknown), 100):
            some = ",".join(encode(address).decode() for address in unknown[start : start + 100])
            found |= self._ids_of("/api/profiles", "default", f"any({self.address},[{some}])")
        ids = [row.change.member.remote_id or found.get(_alike(row.change.member.address)) for row in rows]
        leaving = [{"type": "profile", "id": remote} for remote in dict.fromkeys(filter(None, ids))]
        if leaving:
            path = f"/api/lists/{list_id}/relationships/profiles"
            self.client.call("DELETE", path, repeat=True, pace="bulk", body={"data": leaving})
        for row, remote in zip(rows, ids, strict=True):
            yield row.became("done", remote_id=remote)  # whom Klaviyo does not know is in no list

    def opt_outs(self, since: datetime | None) -> Iterator[OptOut]:
        """Of this destination's channel: suppressed, if only in one list, or not wanting messages any more."""
        after = (since or BEGINNING).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        fields = {"additional-fields[profile]": "subscriptions", "fields[profile]": f"{self.address},subscriptions"}
        if self.settings.channel == "sms":
            for person in self._pages("/api/profiles", {**fields, "filter": f"greater-than(updated,{after})"}):
                marketing = _marketing(person, "sms")
                if marketing.get("consent") == "UNSUBSCRIBED":
                    at = marketing.get("last_updated") or marketing.get("consent_timestamp")
                    yield from self._opt_out(person, "unsubscribed", at, since)
            return
        for which in ("suppression", "list_suppressions"):
            only = f"greater-or-equal(subscriptions.email.marketing.{which}.timestamp,{after})"
            for person in self._pages("/api/profiles", {**fields, "filter": only}):
                for entry in _marketing(person, "email").get(which) or []:
                    reason = SUPPRESSED.get(dig(entry, "reason", kind=str), "blocked")
                    yield from self._opt_out(person, reason, dig(entry, "timestamp"), since)

    def readback(self, audience: str) -> Iterator[str]:
        """Addresses of everybody in the list."""
        if list_id := self.list_of(audience):
            for person in self._pages(f"/api/lists/{list_id}/profiles", {"fields[profile]": self.address}):
                if address := self._address(person):
                    yield address

    def _look_at(self, job_id: str) -> dict[str, Any] | None:
        """What a job came to, None if it is not complete."""
        job = dig(self.client.call("GET", f"{JOBS}/{job_id}", repeat=True, pace="bulk"), "data", kind=dict)
        status = dig(job, "attributes", "status")
        if status == "cancelled":
            raise RetriableError(f"Klaviyo cancelled import job {job_id}. Try again.")
        return dig(job, "attributes", kind=dict) if status == "complete" else None

    def _errors(self, job_id: str, rows: list[Row]) -> dict[int, str]:
        """What is wrong, by number of the row."""
        numbers = {_alike(row.change.member.address): n for n, row in enumerate(rows)}
        wrong = {}
        for error in self._pages(f"{JOBS}/{job_id}/import-errors", {}, "bulk"):
            said = dig(error, "attributes", kind=dict)
            about = part(part(said, "original_payload"), "attributes").get(self.address)
            pointed = self.culprit.search(str(part(said, "source").get("pointer")))
            n = numbers.get(_alike(str(about))) if about else int(pointed[1]) if pointed else None
            if n is not None and n < len(rows):
                wrong[n] = without_people(f"{said.get('code')}: {said.get('detail')}")
        return wrong

    def _ids_of(self, path: str, pace: str, only: str | None = None) -> dict[str, str]:
        """Klaviyo's ids by address."""
        wanted = {"fields[profile]": self.address} | ({"filter": only} if only else {})
        people = self._pages(path, wanted, pace)
        return {_alike(self._address(person)): dig(person, "id", kind=str) for person in people}

    def _address(self, person: Any) -> str:
        """Empty for who has none of this channel."""
        return str(dig(person, "attributes", kind=dict).get(self.address) or "")

    def _pages(self, path: str, params: dict[str, str], pace: str = "default") -> Iterator[dict[str, Any]]:
        params = {**params, "page[size]": "100"}
        while True:
            answer = self.client.call("GET", path, repeat=True, pace=pace, params=params)
            yield from dig(answer, "data", kind=list)
            following = part(answer, "links").get("next")
            if not following:
                return
            params["page[cursor]"] = dig(parse_qs(urlsplit(str(following)).query), "page[cursor]", 0)

    def _opt_out(self, person: dict[str, Any], reason: str, at: Any, since: datetime | None) -> Iterator[OptOut]:
        address = self._address(person)
        when = moment(at) if at else since or BEGINNING
        if address and (since is None or when >= since):
            yield OptOut(address, self.settings.channel, reason, when)


def _marketing(person: dict[str, Any], channel: str) -> dict[str, Any]:
    return part(part(part(dig(person, "attributes", kind=dict), "subscriptions"), channel), "marketing")


def _alike(address: str) -> str:
    return address.casefold()
