"""The vendors' own clients read from the twins what the destinations delivered: two readings of one documentation."""

import pytest
from twins.harness import AUDIENCE, changes, delivery, member
from twins.harness_brevo import BrevoHarness
from twins.harness_klaviyo import KlaviyoHarness
from twins.harness_sendgrid import SendgridHarness
from twins.harness_twilio import TwilioHarness
from twins.twilio_twin import ACCOUNT

PEOPLE = 3


@pytest.fixture
def delivered(time):
    made = []

    def deliver(harness):
        made.append(harness)
        given = changes("add", [member(harness, n) for n in range(PEOPLE)])
        outcomes = list(harness.destination().deliver(delivery(given)))
        assert [o.status for o in outcomes] == ["done"] * PEOPLE
        harness.opt_out(harness.address(1), "unsubscribed")
        return harness, {o.customer_key: o.remote_id for o in outcomes}

    yield deliver
    for harness in made:
        harness.close()
        assert harness.twin.violations == []


def test_klaviyos_own_client_finds_the_list_its_people_and_who_is_suppressed(delivered):
    sdk = pytest.importorskip("klaviyo_api", reason="the package klaviyo-api is not installed")
    harness, ids = delivered(KlaviyoHarness("email"))
    api = sdk.KlaviyoAPI(harness.key, test_host=harness.twin.url)
    (found,) = api.Lists.get_lists(filter=f'equals(name,"Perennial {AUDIENCE} (email)")').data
    people = api.Lists.get_profiles_for_list(found.id, fields_profile=["email", "properties"])["data"]
    properties = {"perennial_stage": "lost", "perennial_orders": 3}
    wanted = {(ids[f"k{n}"], harness.address(n)) for n in range(PEOPLE)}
    assert {(p["id"], p["attributes"]["email"]) for p in people} == wanted
    assert all(p["attributes"]["properties"] == properties for p in people)
    suppressed = api.Profiles.get_profiles(
        additional_fields_profile=["subscriptions"],
        fields_profile=["email", "subscriptions"],
        filter="greater-or-equal(subscriptions.email.marketing.suppression.timestamp,2018-01-01T00:00:00Z)",
    )["data"]
    assert [p["attributes"]["email"] for p in suppressed] == [harness.address(1)]


def test_sendgrids_own_client_finds_contacts_in_the_list_and_the_suppression(delivered):
    sdk = pytest.importorskip("sendgrid", reason="the package sendgrid is not installed")
    harness, _ = delivered(SendgridHarness("email"))
    client = sdk.SendGridAPIClient(harness.key, host=harness.twin.url).client
    emails = [harness.address(n) for n in range(PEOPLE)]
    found = client.marketing.contacts.search.emails.post(request_body={"emails": emails}).to_dict["result"]
    (ours,) = (i for i, name in harness.twin.lists.items() if name == f"Perennial {AUDIENCE} (email)")
    for email in emails:
        assert found[email]["contact"]["list_ids"] == [ours]
        assert found[email]["contact"]["custom_fields"] == {"perennial_stage": "lost", "perennial_orders": "3"}
    gone = client.suppression.unsubscribes.get(query_params={"limit": 500}).to_dict
    assert [entry["email"] for entry in gone] == [harness.address(1)]


def test_brevos_own_client_finds_the_people_of_the_list_and_who_is_black_listed(delivered):
    sdk = pytest.importorskip("brevo", reason="the package brevo-python is not installed")
    harness, ids = delivered(BrevoHarness("sms"))
    contacts = sdk.Brevo(api_key=harness.key, base_url=harness.twin.url).contacts
    (ours,) = (entry.id for entry in contacts.get_lists().lists if entry.name == f"Perennial {AUDIENCE} (sms)")
    people = contacts.get_contacts_from_list(list_id=ours).contacts
    assert {str(person.id) for person in people} == set(ids.values())
    assert [str(person.id) for person in people if person.sms_blacklisted] == [ids["k1"]]
    assert not any(person.email_blacklisted for person in people)


def test_twilios_own_client_finds_the_messages(delivered):
    rest = pytest.importorskip("twilio.rest", reason="the package twilio is not installed")
    from twilio.http.http_client import TwilioHttpClient

    harness, ids = delivered(TwilioHarness("sms"))

    class Here(TwilioHttpClient):
        def request(self, method, uri, *rest, **more):
            return super().request(method, uri.replace("https://api.twilio.com", harness.twin.url), *rest, **more)

    messages = rest.Client(ACCOUNT, harness.key, http_client=Here()).messages.list()
    sent = {message.sid: (message.to, message.body) for message in messages if message.direction == "outbound-api"}
    assert set(sent) == set(ids.values())
    assert {to for to, _ in sent.values()} == {harness.address(n) for n in range(PEOPLE)}
