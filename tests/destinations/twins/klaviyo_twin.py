"""Klaviyo in miniature: profiles, lists, bulk import jobs and suppressions, as its documentation has them."""

import itertools
import json
import re
from datetime import datetime
from typing import Any

from http_twin import Answer
from twins.spec import Spec
from twins.vendor import Request, Twin, route

KEY = "pk_0123456789abcdef"
NOW = "2018-01-05T04:00:00+00:00"
PHONE = re.compile(r"\+[1-9]\d{7,14}")
LINKS = {"self": "https://a.klaviyo.com/api/x"}


class KlaviyoTwin(Twin):
    """Consent is here to be looked at: no route changes it."""

    media = "application/vnd.api+json"

    def __init__(self) -> None:
        self.spec = Spec.read("klaviyo", "profiles.json", "lists.json")
        self.profiles: dict[str, dict[str, Any]] = {}
        self.by_address: dict[str, str] = {}
        self.lists: dict[str, dict[str, Any]] = {}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.polls = 1  # how often a job is still being worked on
        self.spoilt: set[str] = set()  # addresses that a job does not take
        self.invalid: set[str] = set()  # addresses for which a whole request is refused
        self.pointless = False  # errors of jobs do not tell the row
        self._numbers = itertools.count(1)
        super().__init__()

    def authorised(self, request: Request) -> Answer | None:
        if request.headers.get("authorization") != f"Klaviyo-API-Key {KEY}":
            return _refusal(401, "Incorrect authentication credentials.")
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", request.headers.get("revision", "")):
            return _refusal(400, "A revision is required.")
        return None

    def add_list(self, name: str) -> str:
        list_id = f"L{next(self._numbers):05}"
        self.lists[list_id] = {"name": name, "members": {}}
        return list_id

    @route("GET", "/api/lists")
    def get_lists(self, request: Request) -> Answer:
        wanted = json.loads(re.fullmatch(r"equals\(name,(.*)\)", request.query["filter"])[1])
        found = [_list(i, entry) for i, entry in self.lists.items() if entry["name"] == wanted]
        return Answer(200, {"data": found, "links": LINKS})

    @route("POST", "/api/lists")
    def post_list(self, request: Request) -> Answer:
        list_id = self.add_list(request.body["data"]["attributes"]["name"])
        return Answer(201, {"data": _list(list_id, self.lists[list_id])})

    @route("GET", "/api/lists/{id}")
    def get_list(self, request: Request) -> Answer:
        found = self.lists.get(request.ids["id"])
        return Answer(200, {"data": _list(request.ids["id"], found)}) if found else _refusal(404, "No such list.")

    @route("GET", "/api/lists/{id}/profiles")
    def get_list_profiles(self, request: Request) -> Answer:
        if request.ids["id"] not in self.lists:
            return _refusal(404, "No such list.")
        joined = {"joined_group_at": NOW}
        return self._page(request, list(self.lists[request.ids["id"]]["members"]), joined)

    @route("DELETE", "/api/lists/{id}/relationships/profiles")
    def delete_members(self, request: Request) -> Answer:
        ids = [entry["id"] for entry in request.body["data"]]
        if request.ids["id"] not in self.lists:
            return _refusal(404, "No such list.")
        if len(ids) > 1000:
            return _refusal(400, "At most 1000 profiles.")
        for profile_id in ids:
            self.lists[request.ids["id"]]["members"].pop(profile_id, None)
        return Answer(204)

    @route("POST", "/api/profile-bulk-import-jobs")
    def post_job(self, request: Request) -> Answer:
        rows = request.body["data"]["attributes"]["profiles"]["data"]
        lists = [e["id"] for e in request.body["data"].get("relationships", {}).get("lists", {}).get("data", [])]
        if len(rows) > 10_000 or not rows:
            return _refusal(400, "Between 1 and 10000 profiles.")
        if len(request.raw) > 5_000_000:
            return _refusal(413, "More than 5 MB.")
        if any(list_id not in self.lists for list_id in lists):
            return _refusal(404, "No such list.")
        invalid = [n for n, row in enumerate(rows) if self._invalid(row["attributes"])]
        if invalid:
            named = [_invalid(n, rows[n]) for n in invalid]
            return _refusal(400, "Something is invalid.") if self.pointless else Answer(400, {"errors": named})
        errors, ids = [], {}
        for n, row in enumerate(rows):
            if _address(row["attributes"]) in self.spoilt:
                errors.append(self._job_error(n, row))
            else:
                ids[self._upsert(row, lists)] = None
        job_id = f"J{next(self._numbers)}"
        self.jobs[job_id] = {"polls": self.polls, "errors": errors, "ids": list(ids), "total": len(rows)}
        return Answer(202, {"data": self._job(job_id, "queued")})

    @route("GET", "/api/profile-bulk-import-jobs/{job_id}")
    def get_job(self, request: Request) -> Answer:
        job = self.jobs[request.ids["job_id"]]
        job["polls"] -= 1
        status = job.get("end", "complete") if job["polls"] < 0 else "processing"
        return Answer(200, {"data": self._job(request.ids["job_id"], status)})

    @route("GET", "/api/profile-bulk-import-jobs/{id}/import-errors")
    def get_errors(self, request: Request) -> Answer:
        return Answer(200, {"data": self.jobs[request.ids["id"]]["errors"], "links": LINKS})

    @route("GET", "/api/profile-bulk-import-jobs/{id}/profiles")
    def get_job_profiles(self, request: Request) -> Answer:
        return self._page(request, self.jobs[request.ids["id"]]["ids"])

    @route("GET", "/api/profiles")
    def get_profiles(self, request: Request) -> Answer:
        operator, name, value = re.fullmatch(r"([a-z-]+)\(([^,]+),(.*)\)", request.query["filter"]).groups()
        if operator == "any":
            ids = [self.by_address.get(address.lower()) for address in json.loads(value)]
            return self._page(request, [i for i in ids if i])
        after = datetime.fromisoformat(value)
        found = [i for i, p in self.profiles.items() if any(moment > after for moment in _moments(p, name))]
        return self._page(request, found)

    def upsert(self, address: str) -> dict[str, Any]:
        """A profile, made if there is none; for tests that need to know somebody."""
        return self.profiles[self._upsert({"attributes": {_kind(address): address}}, [])]

    def _upsert(self, row: dict[str, Any], lists: list[str]) -> str:
        address = _address(row["attributes"])
        profile_id = self.by_address.get(address)
        if profile_id is None:
            profile_id = self.by_address[address] = f"P{next(self._numbers):08}"
            marketing = {"can_receive_email_marketing": True, "consent": "NEVER_SUBSCRIBED"}
            marketing |= {"suppression": [], "list_suppressions": []}
            sms = {"can_receive_sms_marketing": False, "consent": "NEVER_SUBSCRIBED"}
            subscriptions = {"email": {"marketing": marketing}, "sms": {"marketing": sms}}
            kind = _kind(address)
            new = {"email": None, "phone_number": None, kind: address, "properties": {}, "subscriptions": subscriptions}
            self.profiles[profile_id] = new
        profile = self.profiles[profile_id]
        profile["updated"] = NOW
        profile["properties"] |= row["attributes"].get("properties", {})  # null stays as null: only unset takes away
        for name in row.get("meta", {}).get("patch_properties", {}).get("unset", []):
            profile["properties"].pop(name, None)
        for list_id in lists:
            self.lists[list_id]["members"][profile_id] = None
        return profile_id

    def _invalid(self, attributes: dict[str, Any]) -> bool:
        address = _address(attributes)
        return address in self.invalid or (_kind(address) == "phone_number" and not PHONE.fullmatch(address))

    def _job_error(self, n: int, row: dict[str, Any]) -> dict[str, Any]:
        known = {"source": {"pointer": f"/data/attributes/profiles/data/{n}"}, "original_payload": row}
        about = {"source": {"pointer": "/data"}, "original_payload": None} if self.pointless else known
        detail = f"{_address(row['attributes'])} is not taken"
        attributes = {"code": "invalid", "title": "Invalid input.", "detail": detail, **about}
        return {"type": "import-error", "id": f"E{next(self._numbers)}", "attributes": attributes}

    def _job(self, job_id: str, status: str) -> dict[str, Any]:
        job = self.jobs[job_id]
        done = status == "complete"
        attributes = {
            "status": status,
            "created_at": NOW,
            "total_count": job["total"],
            "completed_count": job["total"] - len(job["errors"]) if done else 0,
            "failed_count": len(job["errors"]) if done else 0,
        }
        return {"type": "profile-bulk-import-job", "id": job_id, "attributes": attributes, "links": LINKS}

    def _page(self, request: Request, ids: list[str], more: dict[str, str] | None = None) -> Answer:
        start, size = int(request.query.get("page[cursor]", 0)), int(request.query.get("page[size]", 20))
        wanted = request.query["fields[profile]"].split(",")
        data = [
            _profile(i, self.profiles[i] | (more or {}), [*wanted, *(more or ())]) for i in ids[start : start + size]
        ]
        links = dict(LINKS)
        if start + size < len(ids):
            links["next"] = f"https://a.klaviyo.com{request.path}?page%5Bcursor%5D={start + size}"
        return Answer(200, {"data": data, "links": links})


def _moments(profile: dict[str, Any], name: str) -> list[datetime]:
    marketing = profile["subscriptions"]["email"]["marketing"]
    kept = {
        "updated": [profile["updated"]],
        **{
            f"subscriptions.email.marketing.{which}.timestamp": [entry["timestamp"] for entry in marketing[which]]
            for which in ("suppression", "list_suppressions")
        },
    }
    return [datetime.fromisoformat(text) for text in kept[name]]


def _kind(address: str) -> str:
    return "email" if "@" in address else "phone_number"


def _address(attributes: dict[str, Any]) -> str:
    return (attributes.get("email") or attributes.get("phone_number")).lower()


def _profile(profile_id: str, profile: dict[str, Any], wanted: list[str]) -> dict[str, Any]:
    attributes = {name: profile[name] for name in wanted if profile.get(name) is not None}
    return {"type": "profile", "id": profile_id, "attributes": attributes, "links": LINKS}


def _list(list_id: str, entry: dict[str, Any]) -> dict[str, Any]:
    attributes = {"name": entry["name"], "created": NOW, "updated": NOW, "opt_in_process": "double_opt_in"}
    return {"type": "list", "id": list_id, "attributes": attributes, "links": LINKS}


def _refusal(status: int, detail: str) -> Answer:
    return Answer(status, {"errors": [_error(detail, "/data")]})


def _invalid(n: int, row: dict[str, Any]) -> dict[str, Any]:
    return _error(f"{_address(row['attributes'])} is invalid", f"/data/attributes/profiles/data/{n}/attributes")


def _error(detail: str, pointer: str) -> dict[str, Any]:
    return {"id": "e", "code": "invalid", "title": "Invalid input.", "detail": detail, "source": {"pointer": pointer}}
