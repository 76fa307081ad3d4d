"""Klaviyo: jobs that end badly, errors that name nobody, suppressions in one list only."""

import pytest
from twins.harness import AUDIENCE, changes, delivery, member
from twins.harness_klaviyo import AT, KlaviyoHarness

from perennial.destinations.base import Member


@pytest.fixture
def klaviyo(time):
    harness = KlaviyoHarness("email")
    yield harness
    harness.close()
    assert harness.twin.violations == []


def send(harness, op, people):
    return list(harness.destination().deliver(delivery(changes(op, people))))


def test_a_cancelled_job_fails_its_rows_which_may_work_later(klaviyo, monkeypatch):
    job = klaviyo.twin._job
    monkeypatch.setattr(klaviyo.twin, "_job", lambda job_id, status: job(job_id, "cancelled"))
    (outcome,) = send(klaviyo, "add", [member(klaviyo, 1)])
    assert outcome.status == "failed"
    assert "cancelled" in outcome.error


def test_a_job_that_never_ends_is_left_after_half_an_hour(klaviyo, time):
    klaviyo.twin.polls = 10_000
    (outcome,) = send(klaviyo, "add", [member(klaviyo, 1)])
    assert (outcome.status, "30 minutes" in outcome.error) == ("failed", True)
    assert time.now >= 1800


def test_errors_that_name_no_row_fail_those_who_are_not_there(klaviyo):
    klaviyo.twin.spoilt, klaviyo.twin.pointless = {klaviyo.address(2)}, True
    outcomes = send(klaviyo, "add", [member(klaviyo, n) for n in range(4)])
    assert [(o.customer_key, o.status) for o in outcomes if o.status != "done"] == [("k2", "failed")]


def test_ids_come_back_once_and_take_people_out_whatever_their_address_is_now(klaviyo):
    (outcome,) = send(klaviyo, "add", [member(klaviyo, 1)])
    before = klaviyo.twin.count("profiles")
    send(klaviyo, "update", [member(klaviyo, 1, remote_id=outcome.remote_id)])
    assert klaviyo.twin.count("profiles") == before  # a known id is not asked for again
    send(klaviyo, "remove", [Member("k1", "moved@example.com", {}, outcome.remote_id)])
    assert klaviyo.people() == {}


def test_capitals_in_an_address_change_nothing(klaviyo):
    outcomes = send(klaviyo, "add", [Member("k1", "Ann@Example.com", {"stage": None, "orders": 1})])
    assert outcomes[0].remote_id
    assert list(klaviyo.people()) == ["ann@example.com"]


def test_a_cleared_attribute_is_unset_not_null(klaviyo):
    send(klaviyo, "add", [member(klaviyo, 1)])
    send(klaviyo, "update", [member(klaviyo, 1, None)])
    assert klaviyo.people() == {klaviyo.address(1): {"orders": 3}}


def test_who_left_one_list_only_counts_as_opted_out(klaviyo):
    marketing = klaviyo.twin.upsert("ann@example.com")["subscriptions"]["email"]["marketing"]
    marketing["list_suppressions"] = [{"list_id": "L1", "reason": "USER_SUPPRESSED", "timestamp": AT}]
    (found,) = klaviyo.destination().opt_outs(None)
    assert (found.address, found.reason) == ("ann@example.com", "blocked")
    assert "ann@" not in repr(found)


def test_an_audience_without_a_list_has_nobody(klaviyo):
    assert list(klaviyo.destination().readback(AUDIENCE)) == []
