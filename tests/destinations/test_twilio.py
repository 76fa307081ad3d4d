"""Twilio: a message is sent once or not at all."""

import pytest
from twins.harness import changes, delivery, member
from twins.harness_twilio import TwilioHarness

from http_twin import DROP, DROP_AFTER, Answer
from perennial.destinations.base import Change
from perennial.errors import ConfigError, FatalError, RetriableError


@pytest.fixture
def twilio(time):
    harness = TwilioHarness("sms")
    yield harness
    harness.close()
    assert harness.twin.violations == []


def send(twilio, given, **settings):
    return list(twilio.destination(**settings).deliver(delivery(given)))


def test_who_enters_gets_one_message_who_changes_or_leaves_none(twilio):
    given = [Change("add", member(twilio, 1)), Change("update", member(twilio, 2)), Change("remove", member(twilio, 3))]
    outcomes = send(twilio, given)
    assert [(o.op, o.status) for o in outcomes] == [("add", "done"), ("update", "done"), ("remove", "done")]
    assert [(m["to"], m["body"]) for m in twilio.twin.messages] == [
        (twilio.address(1), "You have 3 orders. STOP to end.")
    ]
    assert outcomes[0].remote_id == twilio.twin.messages[0]["sid"]


def test_nothing_is_sent_or_even_read_before_it_is_switched_on(twilio):
    read = []
    given = (read.append(n) or Change("add", member(twilio, n)) for n in range(3))
    with pytest.raises(ConfigError, match="send_messages"):
        send(twilio, given, send_messages=False)
    assert (read, twilio.twin.calls) == ([], [])


def test_who_said_stop_is_rejected_as_opted_out_and_not_tried_again(twilio):
    twilio.twin.stopped.add(twilio.address(1))
    (outcome,) = send(twilio, changes("add", [member(twilio, 1)]))
    assert (outcome.status, outcome.error) == ("rejected", "opted out (21610)")
    assert twilio.twin.count("POST") == 1


def test_a_landline_is_rejected_and_a_wrong_sender_ends_the_run(twilio):
    twilio.twin.landlines.add(twilio.address(1))
    outcomes = send(twilio, changes("add", [member(twilio, n) for n in (1, 2)]))
    assert [o.status for o in outcomes] == ["rejected", "done"]
    twilio.twin.bad_sender = True
    with pytest.raises(FatalError, match="refuses"):
        send(twilio, changes("add", [member(twilio, n) for n in (3, 4)]))
    assert twilio.twin.count("POST") == 3


@pytest.mark.parametrize("fault", [DROP, DROP_AFTER, Answer(503), Answer(201, b"<html>"), Answer(201, {})], ids=str)
def test_what_is_not_known_to_have_failed_is_never_sent_again(twilio, fault):
    twilio.twin.fail(fault, "POST")
    (outcome,) = send(twilio, changes("add", [member(twilio, 1)]))
    assert outcome.status == "handed_over"
    assert "not sent again" in outcome.error
    assert twilio.twin.count("POST") == 1


def test_too_many_requests_were_not_taken_and_are_repeated(twilio, time):
    twilio.twin.fail(Answer(429, {}, (("Retry-After", "9"),)), "POST", times=2)
    (outcome,) = send(twilio, changes("add", [member(twilio, 1)]))
    assert outcome.status == "done"
    assert (len(twilio.twin.messages), time.slept.count(9.0)) == (1, 2)


def test_a_server_that_is_away_fails_two_people_and_leaves_the_rest(twilio):
    destination, known = twilio.destination(), []
    twilio.close()
    outcomes = destination.deliver(delivery(changes("add", [member(twilio, n) for n in range(5)])))
    known = [next(outcomes), next(outcomes)]
    with pytest.raises(RetriableError, match="cannot be reached"):
        next(outcomes)
    assert [o.status for o in known] == ["failed", "failed"]


def test_one_number_has_one_message_a_night(twilio):
    twins = [member(twilio, 1), type(member(twilio, 1))("k2", twilio.address(1), {"orders": 1})]
    assert [o.status for o in send(twilio, changes("add", twins))] == ["done", "rejected"]
    assert len(twilio.twin.messages) == 1


def test_a_text_needs_its_attributes_and_its_audience(twilio):
    (outcome,) = send(twilio, changes("add", [member(twilio, 1, orders=None)]))
    assert outcome.status == "rejected"
    with pytest.raises(ConfigError, match="shoe_size"):
        send(twilio, changes("add", [member(twilio, 1)]), bodies={"win_back": "{shoe_size}"})
    with pytest.raises(ConfigError, match="win_back"):
        send(twilio, changes("add", [member(twilio, 1)]), bodies={"other": "x"})
    assert twilio.twin.messages == []


def test_only_what_people_answer_counts_as_stop(twilio):
    twilio.twin.add(twilio.address(1), "stop")
    twilio.twin.add("+14135559999", "Stop it, I like it", direction="inbound", **{"from": twilio.address(2)})
    twilio.twin.add("+14135559999", "退订", direction="inbound", **{"from": twilio.address(3)})
    assert [o.address for o in twilio.destination().opt_outs(None)] == [twilio.address(3)]
