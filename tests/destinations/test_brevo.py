"""Brevo: imports that tell nothing, attributes it would ignore, contacts with a number only."""

import pytest
from twins.brevo_twin import BrevoTwin
from twins.harness import AUDIENCE, changes, delivery, member
from twins.harness_brevo import BrevoHarness

from http_twin import Answer
from perennial.errors import ConfigError


@pytest.fixture(params=["email", "sms"])
def brevo(request, time):
    harness = BrevoHarness(request.param)
    yield harness
    harness.close()
    assert harness.twin.violations == []


def send(harness, op, people, **settings):
    return list(harness.destination(**settings).deliver(delivery(changes(op, people))))


def test_attributes_it_would_ignore_are_made_first_and_numbers_stay_numbers_where_wanted(brevo):
    brevo.twin.attributes["PERENNIAL_ORDERS"] = "float"
    send(brevo, "add", [member(brevo, 1, orders=7)])
    assert brevo.twin.attributes["PERENNIAL_STAGE"] == "text"
    contact = brevo.twin.contact(brevo.address(1))
    assert (contact["attributes"]["PERENNIAL_ORDERS"], contact["attributes"]["PERENNIAL_STAGE"]) == (7, "lost")


def test_who_was_there_before_and_did_not_change_is_done(brevo):
    send(brevo, "add", [member(brevo, n) for n in (1, 2)])
    for contact in brevo.twin.contacts.values():
        contact["modifiedAt"] = "2018-01-01T00:00:00.000Z"
    assert {o.status for o in send(brevo, "add", [member(brevo, n) for n in (1, 2)])} == {"done"}


def test_black_lists_are_not_even_mentioned(brevo):
    brevo.opt_out(brevo.address(1), "unsubscribed")
    send(brevo, "add", [member(brevo, 1)])
    assert brevo.opted_out() == {brevo.address(1)}


def test_who_left_one_list_counts_as_opted_out(brevo):
    brevo.twin.contact(brevo.address(1))["listUnsubscribed"] = [1]
    brevo.twin.contact(brevo.address(2))
    assert [o.address for o in brevo.destination().opt_outs(None)] == [brevo.address(1)]


def test_a_list_is_made_in_the_folder_that_is_named(brevo, monkeypatch):
    monkeypatch.setattr(BrevoTwin, "get_folders", lambda *_: Answer(200, {"folders": [], "count": 0}))
    with pytest.raises(ConfigError, match="folder"):
        send(brevo, "add", [member(brevo, 1)])
    send(brevo, "add", [member(brevo, 1)], folder=3)
    assert list(brevo.destination().readback(AUDIENCE)) == [brevo.address(1)]


def test_a_list_is_named_by_its_number(brevo):
    theirs = brevo.twin.add_list("Handmade")
    send(brevo, "add", [member(brevo, 1)], lists={AUDIENCE: theirs})
    assert brevo.twin.contact(brevo.address(1))["listIds"] == [theirs]
