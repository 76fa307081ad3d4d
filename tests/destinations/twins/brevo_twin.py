"""Brevo in miniature: contacts with e-mail or SMS, lists, attributes, imports and blacklists."""

import itertools
from datetime import datetime
from functools import cache
from typing import Any

from http_twin import Answer
from twins.spec import Spec, read_yaml
from twins.swagger import converted
from twins.vendor import Request, Twin, route

KEY = "xkeysib-0123456789abcdef"
NOW = "2100-01-01T00:00:00.000Z"  # later than whatever the machine's clock says


@cache
def spec() -> Spec:
    """The part of Brevo's file that is about contacts."""
    document = read_yaml("brevo", "swagger.yaml")
    wanted = ("/contacts", "/processes")
    document["paths"] = {path: o for path, o in document["paths"].items() if path.startswith(wanted)}
    return Spec([converted(document)])


class BrevoTwin(Twin):
    """Blacklists are here to be looked at; an import that only mentions them is a violation."""

    base = "/v3"

    def __init__(self) -> None:
        self.spec = spec()
        self.contacts: dict[int, dict[str, Any]] = {}
        self.by_address: dict[str, int] = {}
        self.lists: dict[int, str] = {}
        self.attributes: dict[str, str] = {"SMS": "text"}
        self.processes: dict[int, int] = {}
        self.spoilt: set[str] = set()
        self.polls = 1
        self._numbers = itertools.count(1)
        super().__init__()

    def authorised(self, request: Request) -> Answer | None:
        return None if request.headers.get("api-key") == KEY else _refusal(401, "Key not found")

    def add_list(self, name: str) -> int:
        list_id = next(self._numbers)
        self.lists[list_id] = name
        return list_id

    @route("GET", "/v3/contacts/folders")
    def get_folders(self, request: Request) -> Answer:
        return Answer(200, {"folders": [{"id": 1, "name": "Perennial", **_totals()}], "count": 1})

    @route("GET", "/v3/contacts/lists")
    def get_lists(self, request: Request) -> Answer:
        entries = [{"id": i, "name": n, "folderId": 1, **_totals()} for i, n in self.lists.items()]
        return Answer(200, {"lists": _page(request, entries), "count": len(entries)})

    @route("POST", "/v3/contacts/lists")
    def post_list(self, request: Request) -> Answer:
        return Answer(201, {"id": self.add_list(request.body["name"])})

    @route("GET", "/v3/contacts/lists/{listId}")
    def get_list(self, request: Request) -> Answer:
        list_id = int(request.ids["listId"])
        if list_id not in self.lists:
            return _refusal(404, "List ID does not exist")
        answer = {"id": list_id, "name": self.lists[list_id], "folderId": 1, "createdAt": NOW, **_totals()}
        return Answer(200, answer)

    @route("GET", "/v3/contacts/lists/{listId}/contacts")
    def get_list_contacts(self, request: Request) -> Answer:
        list_id = int(request.ids["listId"])
        if list_id not in self.lists:
            return _refusal(404, "List ID does not exist")
        return self._contacts(request, [c for c in self.contacts.values() if list_id in c["listIds"]])

    @route("POST", "/v3/contacts/lists/{listId}/contacts/remove")
    def remove(self, request: Request) -> Answer:
        list_id, ids = int(request.ids["listId"]), request.body["ids"]
        if list_id not in self.lists:
            return _refusal(404, "List ID does not exist")
        there = [i for i in ids if i in self.contacts and list_id in self.contacts[i]["listIds"]]
        if not there:
            return _refusal(400, "Contact already removed from list and/or does not exist")
        for contact_id in there:
            self.contacts[contact_id]["listIds"].remove(list_id)
        return Answer(201, {"contacts": {"success": [self.contacts[i]["email"] for i in there], "failure": []}})

    @route("GET", "/v3/contacts/attributes")
    def get_attributes(self, request: Request) -> Answer:
        entries = [{"name": n, "category": "normal", "type": t} for n, t in self.attributes.items()]
        return Answer(200, {"attributes": entries})

    @route("POST", "/v3/contacts/attributes/{attributeCategory}/{attributeName}")
    def post_attribute(self, request: Request) -> Answer:
        name = request.ids["attributeName"].upper()
        if name in self.attributes:
            return _refusal(400, "Attribute name must be unique")
        self.attributes[name] = request.body["type"]
        return Answer(201)

    @route("POST", "/v3/contacts/import")
    def post_import(self, request: Request) -> Answer:
        if flags := {"emailBlacklist", "smsBlacklist"} & set(request.body):
            self.violations.append(f"an import must not mention {flags}")
        if len(request.raw) > 8_000_000:
            return _refusal(413, "more than 8 MB")
        if any(list_id not in self.lists for list_id in request.body["listIds"]):
            return _refusal(404, "List ID does not exist")
        for row in request.body["jsonBody"]:
            self._upsert(row, request.body)
        process = next(self._numbers)
        self.processes[process] = self.polls
        return Answer(202, {"processId": process})

    @route("GET", "/v3/processes/{processId}")
    def get_process(self, request: Request) -> Answer:
        process = int(request.ids["processId"])
        self.processes[process] -= 1
        status = "completed" if self.processes[process] < 0 else "in_process"
        return Answer(200, {"id": process, "name": "IMPORTUSER", "status": status})

    @route("GET", "/v3/contacts")
    def get_contacts(self, request: Request) -> Answer:
        return self._contacts(request, list(self.contacts.values()))

    def contact(self, address: str) -> dict[str, Any]:
        """A contact, made if there is none."""
        address = address.lower().lstrip("+")
        if address not in self.by_address:
            contact_id = self.by_address[address] = next(self._numbers)
            is_mail = "@" in address
            self.contacts[contact_id] = {
                "id": contact_id,
                "email": address if is_mail else f"{address}@mailin-sms.com",
                "emailBlacklisted": False,
                "smsBlacklisted": False,
                "createdAt": NOW,
                "modifiedAt": NOW,
                "listIds": [],
                "listUnsubscribed": [],
                "attributes": {} if is_mail else {"SMS": address},
            }
        return self.contacts[self.by_address[address]]

    def _upsert(self, row: dict[str, Any], how: dict[str, Any]) -> None:
        given = dict(row["attributes"])
        address = row.get("email") or given.pop("SMS")
        if address in self.spoilt:
            return  # nobody is told
        contact = self.contact(address)
        for name, value in given.items():
            if name not in self.attributes:
                continue  # nobody is told of that either
            if value not in ("", None):
                contact["attributes"][name] = value
            elif how.get("emptyContactsAttributes"):
                contact["attributes"].pop(name, None)
        contact["listIds"] = list(dict.fromkeys([*contact["listIds"], *how["listIds"]]))

    def _contacts(self, request: Request, contacts: list[dict[str, Any]]) -> Answer:
        if since := request.query.get("modifiedSince"):
            after = datetime.fromisoformat(since)
            contacts = [c for c in contacts if datetime.fromisoformat(c["modifiedAt"]) > after]
        return Answer(200, {"contacts": _page(request, contacts), "count": len(contacts)})


def _page(request: Request, entries: list[Any]) -> list[Any]:
    start = int(request.query.get("offset", 0))
    return entries[start : start + int(request.query.get("limit", 10))]


def _totals() -> dict[str, int]:
    return {"totalBlacklisted": 0, "totalSubscribers": 0, "uniqueSubscribers": 0}


def _refusal(status: int, message: str) -> Answer:
    return Answer(status, {"code": "invalid_parameter", "message": message})
