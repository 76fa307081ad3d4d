"""SendGrid Marketing in miniature: contacts, lists, custom fields, jobs and suppressions."""

import itertools
import uuid
from typing import Any

from http_twin import Answer
from twins.spec import Spec
from twins.vendor import Request, Twin, route

KEY = "SG.0123456789abcdef.0123456789"
NOW = "2018-01-05T04:00:00Z"


class SendgridTwin(Twin):
    """Suppressions are here to be looked at: no route changes them."""

    def __init__(self) -> None:
        names = ("contacts", "custom_fields", "lists")
        self.spec = Spec.read("sendgrid", *(f"tsg_mc_{name}_v3.json" for name in names), "tsg_suppressions_v3.json")
        self.contacts: dict[str, dict[str, Any]] = {}
        self.lists: dict[str, str] = {}
        self.fields: dict[str, dict[str, str]] = {}
        self.jobs: dict[str, dict[str, Any]] = {}
        kinds = ("unsubscribes", "spam_reports", "bounces", "invalid_emails", "groups")
        self.suppressed: dict[str, list[tuple[str, int]]] = {kind: [] for kind in kinds}
        self.spoilt: set[str] = set()
        self.invalid: set[str] = set()
        self.polls = 1
        self.tells_removals = True
        self._numbers = itertools.count(1)
        super().__init__()

    def authorised(self, request: Request) -> Answer | None:
        right = request.headers.get("authorization") == f"Bearer {KEY}"
        return None if right else _refusal(401, "authorization required")

    def _id(self) -> str:
        return str(uuid.UUID(int=next(self._numbers)))

    def add_list(self, name: str) -> str:
        list_id = self._id()
        self.lists[list_id] = name
        return list_id

    @route("GET", "/v3/marketing/lists")
    def get_lists(self, request: Request) -> Answer:
        start, size = int(request.query.get("page_token", 0)), 2  # short pages, to see them turned
        entries = [{"id": i, "name": n, "contact_count": 0} for i, n in self.lists.items()]
        metadata = {"self": f"{self.url}{request.path}"}
        if start + size < len(entries):
            metadata["next"] = f"https://api.sendgrid.com{request.path}?page_size=1000&page_token={start + size}"
        return Answer(200, {"result": entries[start : start + size], "_metadata": metadata})

    @route("POST", "/v3/marketing/lists")
    def post_list(self, request: Request) -> Answer:
        return Answer(201, {"id": self.add_list(request.body["name"]), "name": request.body["name"]})

    @route("GET", "/v3/marketing/lists/{id}")
    def get_list(self, request: Request) -> Answer:
        found = self.lists.get(request.ids["id"])
        return Answer(200, {"id": request.ids["id"], "name": found}) if found else _refusal(404, "not found")

    @route("DELETE", "/v3/marketing/lists/{id}/contacts")
    def delete_members(self, request: Request) -> Answer:
        if request.ids["id"] not in self.lists:
            return _refusal(404, "not found")
        leaving = set(request.query["contact_ids"].split(","))
        if len(leaving) > 100:
            return _refusal(400, "too many contacts")
        for contact in self.contacts.values():
            if contact["id"] in leaving and request.ids["id"] in contact["list_ids"]:
                contact["list_ids"].remove(request.ids["id"])
        job_id = self._job("completed", len(leaving), 0)
        if not self.tells_removals:
            del self.jobs[job_id]
        return Answer(202, {"job_id": job_id})

    @route("GET", "/v3/marketing/field_definitions")
    def get_fields(self, request: Request) -> Answer:
        reserved = [{"name": "email", "field_type": "Text"}]
        return Answer(200, {"custom_fields": list(self.fields.values()), "reserved_fields": reserved})

    @route("POST", "/v3/marketing/field_definitions")
    def post_field(self, request: Request) -> Answer:
        name, kind = request.body["name"], request.body["field_type"]
        if name.lower() in {field["name"].lower() for field in self.fields.values()}:
            return _refusal(400, "the field exists")
        field_id = f"e{next(self._numbers)}_{kind[0]}"
        self.fields[field_id] = {"id": field_id, "name": name, "field_type": kind}
        return Answer(200, self.fields[field_id])

    @route("PUT", "/v3/marketing/contacts")
    def put_contacts(self, request: Request) -> Answer:
        contacts, list_ids = request.body["contacts"], request.body.get("list_ids", [])
        if len(contacts) > 30_000:
            return _refusal(400, "too many contacts")
        if len(request.raw) > 6_000_000:
            return _refusal(413, "too large")
        if any(list_id not in self.lists for list_id in list_ids):
            return _refusal(404, "no such list")
        unknown = {field for contact in contacts for field in contact.get("custom_fields", {})} - set(self.fields)
        if unknown:
            return _refusal(400, f"invalid custom field ids supplied - {','.join(unknown)}")
        for n, contact in enumerate(contacts):
            for field, value in contact.get("custom_fields", {}).items():
                if value is None or (value == "" and not field.endswith("_T")):
                    return _refusal(400, f'custom field "{field}" cannot be null', f"contacts[{n}]")
            if contact["email"] in self.invalid:
                return _refusal(400, f"{contact['email']} is not an address", f"contacts[{n}].email")
        wrong = 0
        for contact in contacts:
            if contact["email"].lower() in self.spoilt:
                wrong += 1
            else:
                self._upsert(contact, list_ids)
        status = "completed" if not wrong else "failed" if wrong == len(contacts) else "errored"
        return Answer(202, {"job_id": self._job(status, len(contacts), wrong)})

    @route("GET", "/v3/marketing/contacts/imports/{id}")
    def get_import(self, request: Request) -> Answer:
        job = self.jobs.get(request.ids["id"])
        if job is None:
            return _refusal(404, "not found")
        job["polls"] -= 1
        if job["polls"] >= 0:
            return Answer(200, {"id": request.ids["id"], "status": "pending", "job_type": "upsert"})
        return Answer(200, job["answer"])

    @route("POST", "/v3/marketing/contacts/search/emails")
    def search(self, request: Request) -> Answer:
        wanted = request.body["emails"]
        if len(wanted) > 100:
            return _refusal(400, "too many emails")
        known = {e: self.contacts[e.lower()] for e in wanted if e.lower() in self.contacts}
        if not known:
            return _refusal(404, "not found")
        missing = {e: {"error": "contact not found"} for e in wanted if e not in known}
        return Answer(200, {"result": {e.lower(): {"contact": self._contact(c)} for e, c in known.items()} | missing})

    @route("GET", "/v3/suppression/unsubscribes")
    def unsubscribes(self, request: Request) -> Answer:
        return self._suppressions("unsubscribes", request)

    @route("GET", "/v3/suppression/spam_reports")
    def spam_reports(self, request: Request) -> Answer:
        return self._suppressions("spam_reports", request, ip="10.0.0.1")

    @route("GET", "/v3/suppression/bounces")
    def bounces(self, request: Request) -> Answer:
        return self._suppressions("bounces", request, reason="550 no such user", status="5.1.1")

    @route("GET", "/v3/suppression/invalid_emails")
    def invalid_emails(self, request: Request) -> Answer:
        return self._suppressions("invalid_emails", request, reason="no such domain")

    @route("GET", "/v3/asm/suppressions")
    def groups(self, request: Request) -> Answer:
        entries = self.suppressed["groups"]
        return Answer(200, [{"email": e, "group_id": 1, "group_name": "News", "created_at": at} for e, at in entries])

    def _suppressions(self, kind: str, request: Request, **more: str) -> Answer:
        after, start = int(request.query.get("start_time", 0)), int(request.query.get("offset", 0))
        entries = [{"email": e, "created": at, **more} for e, at in self.suppressed[kind] if at >= after]
        return Answer(200, entries[start : start + int(request.query["limit"])])

    def _upsert(self, contact: dict[str, Any], list_ids: list[str]) -> None:
        address = contact["email"].lower()
        new = {"id": self._id(), "email": address, "list_ids": [], "custom_fields": {}}
        known = self.contacts.setdefault(address, new)
        known["custom_fields"] |= contact.get("custom_fields", {})
        known["list_ids"] = list(dict.fromkeys([*known["list_ids"], *list_ids]))

    def _contact(self, contact: dict[str, Any]) -> dict[str, Any]:
        named = {self.fields[i]["name"]: value for i, value in contact["custom_fields"].items() if value != ""}
        return contact | {"custom_fields": named, "segment_ids": [], "created_at": NOW, "updated_at": NOW}

    def _job(self, status: str, requested: int, wrong: int) -> str:
        job_id = self._id()
        results = {"requested_count": requested, "errored_count": wrong, "errors_url": f"{self.url}/errors"}
        answer = {"id": job_id, "status": status, "job_type": "upsert", "results": results}
        self.jobs[job_id] = {"polls": self.polls, "answer": answer}
        return job_id


def _refusal(status: int, message: str, field: str | None = None) -> Answer:
    return Answer(status, {"errors": [{"message": message, "field": field}]})
