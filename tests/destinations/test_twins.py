"""The twins see what a vendor would refuse, and calls that must never be made."""

import httpx
import pytest
from twins.brevo_twin import KEY as BREVO
from twins.brevo_twin import BrevoTwin
from twins.klaviyo_twin import KEY, KlaviyoTwin
from twins.sendgrid_twin import KEY as SENDGRID
from twins.sendgrid_twin import SendgridTwin
from twins.twilio_twin import ACCOUNT, TwilioTwin
from twins.twilio_twin import KEY as TWILIO

JSON_API = {"authorization": f"Klaviyo-API-Key {KEY}", "content-type": "application/vnd.api+json"}
PROFILE = {"type": "profile", "attributes": {"email": "a@example.com"}}


def job(**changed):
    profile = PROFILE | changed
    attributes = {"profiles": {"data": [profile]}}
    return {"data": {"type": "profile-bulk-import-job", "attributes": attributes}}


@pytest.fixture
def klaviyo():
    twin = KlaviyoTwin()
    yield twin
    twin.stop()


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/api/profile-bulk-import-jobs", job(), None),
        ("/api/profile-bulk-import-jobs", job(atributes={}), "atributes"),
        ("/api/profile-bulk-import-jobs", job(attributes={"email": 1}), "not of type 'string'"),
        ("/api/profile-bulk-import-jobs", job(type="person"), "is not one of"),
        ("/api/profile-bulk-import-jobs?page[size]=3", job(), "unknown parameter"),
        ("/api/profile-subscription-bulk-create-jobs", {"data": {}}, "must never be called"),
        ("/api/profile-suppression-bulk-delete-jobs", {"data": {}}, "must never be called"),
        ("/api/nowhere", {}, "must never be called"),
    ],
)
def test_klaviyos_twin_sees_what_klaviyo_would_refuse(klaviyo, path, body, said):
    httpx.post(klaviyo.url + path, json=body, headers={**JSON_API, "revision": "2026-07-15"})
    assert klaviyo.violations == [] if said is None else said in klaviyo.violations[0]


@pytest.mark.parametrize("headers", [{}, JSON_API, {"revision": "2026-07-15"}], ids=["none", "no revision", "no key"])
def test_klaviyos_twin_asks_for_key_and_revision_which_the_specification_lets_pass(klaviyo, headers):
    assert httpx.get(klaviyo.url + "/api/lists", headers=headers).status_code in (400, 401)


FLAG = {"listIds": [], "jsonBody": [], "emailBlacklist": False}


@pytest.mark.parametrize(
    ("method", "path", "body", "said"),
    [
        ("POST", "/contacts/import", {"listIds": ["x"], "jsonBody": []}, "not of type 'integer'"),
        ("POST", "/contacts/import", {"lists": [], "listIds": [], "jsonBody": []}, "'lists' was unexpected"),
        ("POST", "/contacts/import", FLAG, "must not mention"),
        ("PUT", "/contacts/a@example.com", {"emailBlacklisted": False}, "must never be called"),
        ("GET", "/contacts?limit=1001", None, "maximum"),
    ],
)
def test_brevos_twin_sees_what_brevo_would_refuse(method, path, body, said):
    twin = BrevoTwin()
    httpx.request(method, twin.url + path, json=body, headers={"api-key": BREVO})
    twin.stop()
    assert any(said in violation for violation in twin.violations), twin.violations


@pytest.mark.parametrize(
    ("method", "path", "body", "said"),
    [
        ("PUT", "/marketing/contacts", {"contacts": []}, "contacts"),
        ("PUT", "/marketing/contacts", {"contacts": [{"mail": "a@example.com"}]}, "'mail' was unexpected"),
        ("DELETE", "/asm/suppressions/global/a@example.com", None, "must never be called"),
        ("POST", "/asm/suppressions/global", {}, "must never be called"),
    ],
)
def test_sendgrids_twin_sees_what_sendgrid_would_refuse(method, path, body, said):
    twin = SendgridTwin()
    httpx.request(method, f"{twin.url}/v3{path}", json=body, headers={"authorization": f"Bearer {SENDGRID}"})
    twin.stop()
    assert any(said in violation for violation in twin.violations), twin.violations


def test_twilios_twin_sees_what_twilio_would_refuse():
    twin = TwilioTwin()
    url = f"{twin.url}/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    httpx.post(url, data={"To": "+14135550001", "MessagingServiceSid": "MG1", "Body": "x"}, auth=(ACCOUNT, TWILIO))
    httpx.post(url, data={"Tow": "+14135550001", "To": "+14135550001", "Body": "x"}, auth=(ACCOUNT, TWILIO))
    twin.stop()
    assert any("MessagingServiceSid" in violation for violation in twin.violations)
    assert any("Tow" in violation for violation in twin.violations)
