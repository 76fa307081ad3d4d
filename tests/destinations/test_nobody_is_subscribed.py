"""No line of a destination can subscribe anybody, or take back what somebody said."""

import re
from pathlib import Path

import pytest
from twins.spec import Spec

import perennial.destinations as package

FILES = sorted(Path(package.__file__).parent.glob("*.py"))
# calls and fields by which tools are told of consent; reading `subscriptions` and black lists is allowed
NEVER = [
    r"bulk-create-jobs|bulk-delete-jobs|bulk-(un)?subscribe|suppression-bulk|push-tokens",  # Klaviyo
    r"[\"']SUBSCRIBED[\"']|consented_at|historical_import|opt_?in|double_opt",
    r"(DELETE|POST|PUT|PATCH)[\"'], f?[\"'][^\"']*(suppression|asm|unsubscribe|consent)",
    r"emailBlacklist(ed)?\\?[\"']?\s*[:=]|smsBlacklist(ed)?\\?[\"']?\s*[:=]",
    r"status_if_new|resubscribe|doubleOptin",
]


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.name)
def test_no_destination_has_words_for_consent(file):
    text = file.read_text()
    assert [found[0] for pattern in NEVER for found in re.finditer(pattern, text, re.IGNORECASE)] == []


@pytest.mark.parametrize(
    "line",
    [
        'JOBS = "/api/profile-subscription-bulk-create-jobs"',
        'call("DELETE", f"/v3/asm/suppressions/global/{address}")',
        'call("POST", "/v3/suppression/unsubscribes")',
        '{"consent": "SUBSCRIBED"}',
        '{"emailBlacklist": False}',
        b'{"smsBlacklisted":false}'.decode(),
        '{"status_if_new": "subscribed"}',
        "optin=True",
    ],
)
def test_such_words_would_be_found(line):
    assert any(re.search(pattern, line, re.IGNORECASE) for pattern in NEVER)


@pytest.mark.parametrize(
    ("vendor", "names", "never"),
    [
        ("klaviyo", ("profiles.json", "lists.json"), r"subscription|suppression|push-token|merge"),
        ("sendgrid", ("tsg_suppressions_v3.json",), r"^(?!get).*"),
    ],
)
def test_a_twin_answers_none_of_the_calls_that_change_consent(vendor, names, never):
    from twins.klaviyo_twin import KlaviyoTwin
    from twins.sendgrid_twin import SendgridTwin

    routes = {"klaviyo": KlaviyoTwin, "sendgrid": SendgridTwin}[vendor].routes
    operations = Spec.read(vendor, *names).operations
    changing = {o for o in operations if re.search(never, " ".join(o))}
    assert changing
    assert not changing & set(routes)
