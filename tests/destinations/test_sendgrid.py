"""SendGrid: fields that can be emptied, jobs with errors, suppressions by the page."""

import pytest
from twins.harness import changes, delivery, member
from twins.harness_sendgrid import AT, SendgridHarness

from perennial.errors import ConfigError


@pytest.fixture
def sendgrid(time):
    harness = SendgridHarness("email")
    yield harness
    harness.close()
    assert harness.twin.violations == []


def send(harness, op, people):
    return list(harness.destination().deliver(delivery(changes(op, people))))


def test_missing_fields_are_made_as_text_once(sendgrid):
    for _ in range(2):
        send(sendgrid, "add", [member(sendgrid, 1)])
    fields = {field["name"]: field["field_type"] for field in sendgrid.twin.fields.values()}
    assert fields == {"perennial_stage": "Text", "perennial_orders": "Text"}


def test_a_field_that_could_not_be_emptied_is_named(sendgrid):
    sendgrid.twin.fields["w1_N"] = {"id": "w1_N", "name": "Perennial_Orders", "field_type": "Number"}
    with pytest.raises(ConfigError, match="perennial_orders"):
        send(sendgrid, "add", [member(sendgrid, 1)])


def test_an_updated_person_who_was_refused_is_known_by_what_the_tool_still_has(sendgrid):
    send(sendgrid, "add", [member(sendgrid, n) for n in (1, 2)])
    sendgrid.spoil(sendgrid.address(1))
    outcomes = send(sendgrid, "update", [member(sendgrid, n, "active") for n in (1, 2)])
    assert {(o.customer_key, o.status) for o in outcomes} == {("k1", "rejected"), ("k2", "done")}


def test_a_search_that_lags_behind_is_asked_again_and_then_not_believed(sendgrid, monkeypatch, time):
    sendgrid.spoil(sendgrid.address(1))
    upsert, late = sendgrid.twin._upsert, []
    monkeypatch.setattr(sendgrid.twin, "_upsert", lambda *known: late.append(known))
    outcomes = send(sendgrid, "add", [member(sendgrid, n) for n in (1, 2, 3)])
    assert {o.status for o in outcomes} == {"failed"}  # one is wrong, three are not there: nobody knows who
    sleep = time.sleep
    monkeypatch.setattr(time, "sleep", lambda seconds: (sleep(seconds), [upsert(*known) for known in late]))
    outcomes = send(sendgrid, "add", [member(sendgrid, n) for n in (1, 2, 3)])
    assert [(o.customer_key, o.status) for o in outcomes] == [("k1", "rejected"), ("k2", "done"), ("k3", "done")]


def test_a_batch_that_failed_as_a_whole_may_work_later(sendgrid):
    sendgrid.spoil(sendgrid.address(1))
    (outcome,) = send(sendgrid, "add", [member(sendgrid, 1)])
    assert outcome.status == "failed"


def test_a_removal_whose_job_is_told_to_nobody_is_done(sendgrid):
    send(sendgrid, "add", [member(sendgrid, 1)])
    sendgrid.twin.tells_removals = False
    (outcome,) = send(sendgrid, "remove", [member(sendgrid, 1)])
    assert outcome.status == "done"
    assert sendgrid.people() == {}


def test_suppressions_are_read_to_the_last_page_of_groups_too(sendgrid):
    sendgrid.twin.suppressed["bounces"] = [(f"b{n}@example.com", AT) for n in range(1000)]
    sendgrid.twin.suppressed["groups"] = [("g@example.com", AT)]
    found = list(sendgrid.destination().opt_outs(None))
    assert len(found) == 1001
    assert (found[-1].address, found[-1].reason) == ("g@example.com", "unsubscribed")
