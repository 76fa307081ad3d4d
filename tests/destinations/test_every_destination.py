"""What holds for every kind of destination that the registry finds: each brings a twin, or a folder, to prove it on."""

import contextlib
import importlib
import logging
from datetime import UTC, datetime, timedelta

import pytest
from twins.harness import AUDIENCE, Harness, changes, delivery, member, outcomes_of

from http_twin import DROP, DROP_AFTER, Answer
from perennial.destinations import registry
from perennial.destinations.base import Change
from perennial.errors import FatalError, RetriableError

OPTED_OUT_AT = datetime(2018, 1, 4, 12, tzinfo=UTC)
PASSING = [Answer(429, {}, (("Retry-After", "17"),)), Answer(503, {}), DROP, DROP_AFTER]
ODD = {"email": 5, "phone_number": 7, "SMS": 1, "code": [], "status": "complete", "failed_count": "x"}
WRONG = [  # shaped as an answer, and still none
    {},
    {"data": [{"id": 1, "attributes": ODD}], "links": {"next": 5}},
    {"data": {"id": "J1", "attributes": ODD}, "job_id": "x", "status": "errored", "results": []},
    {"contacts": [{"email": 1, "attributes": []}], "lists": [{}], "count": 1, "processId": 1, "attributes": [{}]},
    {"result": {"a@b.c": 1}, "custom_fields": [{}], "_metadata": {"next": 7}},
    {"messages": [{"direction": "inbound", "body": "stop"}], "next_page_uri": [1]},
    [{"email": 1, "created": "x", "created_at": []}],
]
GARBAGE = [b"<html>busy</html>", {}, [], "no", {"data": None}, {"data": [1]}, {"data": {"id": "x", "attributes": []}}]


def harnesses_of(kind: str) -> list[type[Harness]]:
    """The classes of `twins/harness_<kind>.py`."""
    module = importlib.import_module(f"twins.harness_{kind}")
    return [c for c in vars(module).values() if isinstance(c, type) and getattr(c, "kind", None) == kind]


def harness_of(kind: str) -> type[Harness]:
    """The first of them: for files, a folder here."""
    return harnesses_of(kind)[0]


def channels_of(kind: str) -> list[str]:
    schema = registry.kinds()[kind].Settings.model_json_schema()["properties"]["channel"]
    return schema.get("enum") or [schema["const"]]


KINDS = [(made, channel) for kind in registry.kinds() for made in harnesses_of(kind) for channel in channels_of(kind)]


@pytest.fixture(params=KINDS, ids=lambda p: f"{p[0].__name__.removesuffix('Harness')}-{p[1]}")
def harness(request, state, time):
    made_by, channel = request.param
    made = made_by(channel)
    yield made
    made.close()
    if made.twin:
        assert made.twin.violations == []


@pytest.fixture
def lists(harness) -> Harness:
    if harness.messages:
        pytest.skip("sends messages, keeps no list")
    return harness


@pytest.fixture
def vendor(harness) -> Harness:
    if harness.twin is None:
        pytest.skip("there is no vendor")
    return harness


@pytest.fixture
def list_vendor(lists, vendor) -> Harness:
    return vendor


def send(harness: Harness, *batches: tuple[str, list], people=(), destination=None) -> list:
    """Deliver changes by kind; everybody who belongs to the audience afterwards matters to files only."""
    given = [change for op, members in batches for change in changes(op, members)]
    everybody = people or [c.member for c in given if c.op != "remove"]
    return list(outcomes_of(destination or harness.destination(), delivery(given, everybody)))


def statuses(outcomes) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for outcome in outcomes:
        found.setdefault(outcome.status, []).append(outcome.customer_key)
    return found


def until_error(outcomes) -> tuple[list, Exception | None]:
    """What a delivery yields before it ends or fails."""
    known = []
    try:
        for outcome in outcomes:
            known.append(outcome)
    except (RetriableError, FatalError) as error:
        return known, error
    return known, None


def test_every_kind_brings_a_harness():
    missing = [kind for kind in registry.kinds() if not importlib.util.find_spec(f"twins.harness_{kind}")]
    assert not missing, f"no tests/destinations/twins/harness_{missing}.py"


def test_who_is_added_is_there_with_her_attributes(lists):
    told = send(lists, ("add", [member(lists, 1), member(lists, 2, "fading", 7)]))
    assert statuses(told) == {"done": ["k1", "k2"]}
    assert lists.people() == {
        lists.address(1): {"stage": "lost", "orders": 3},
        lists.address(2): {"stage": "fading", "orders": 7},
    }


def test_adding_again_changes_nothing(lists):
    send(lists, ("add", [member(lists, 1)]))
    before = lists.people()
    assert statuses(send(lists, ("add", [member(lists, 1)]))) == {"done": ["k1"]}
    assert lists.people() == before


def test_none_clears_what_the_tool_has(lists):
    send(lists, ("add", [member(lists, 1), member(lists, 2)]))
    send(lists, ("update", [member(lists, 1, None, 4)]), people=[member(lists, 1, None, 4), member(lists, 2)])
    found = lists.people()
    assert not found[lists.address(1)].get("stage")
    assert found[lists.address(1)]["orders"] == 4
    assert found[lists.address(2)] == {"stage": "lost", "orders": 3}


def test_who_is_removed_is_taken_out_with_and_without_the_tools_own_id(lists):
    first = send(lists, ("add", [member(lists, n) for n in range(3)]))
    ids = {o.customer_key: o.remote_id for o in first}
    gone = [member(lists, 0, remote_id=ids["k0"]), member(lists, 1)]
    told = send(lists, ("remove", gone), people=[member(lists, 2)])
    assert statuses(told) == {"done": ["k0", "k1"]}
    assert list(lists.people()) == [lists.address(2)]
    again = send(lists, ("remove", gone), people=[member(lists, 2)])
    assert statuses(again) == {"done": ["k0", "k1"]}  # whom it does not have any more is no error
    assert list(lists.people()) == [lists.address(2)]


def test_a_removal_leaves_other_lists_alone(list_vendor):
    still_there = list_vendor.another_list(list_vendor.address(1))
    send(list_vendor, ("add", [member(list_vendor, 1)]))
    send(list_vendor, ("remove", [member(list_vendor, 1)]))
    assert list_vendor.people() == {}
    assert still_there()


def test_who_takes_over_the_address_of_somebody_who_leaves_stays(lists):
    send(lists, ("add", [member(lists, 1)]))
    heir = member(lists, 1)
    heir = type(heir)("k9", heir.address, heir.attributes)
    given = [Change("add", heir), Change("remove", member(lists, 1))]
    told = outcomes_of(lists.destination(), delivery(given, [heir]))
    assert {(o.customer_key, o.op, o.status) for o in told} == {("k9", "add", "done"), ("k1", "remove", "done")}
    assert list(lists.people()) == [lists.address(1)]


def test_nothing_to_deliver_is_not_even_asked_about(vendor):
    assert send(vendor) == []
    assert vendor.twin.calls == []


def test_who_opted_out_stays_opted_out_whatever_is_delivered(vendor):
    for n, reason in enumerate(vendor.reasons):
        vendor.opt_out(vendor.address(n), reason)
    people = [member(vendor, n) for n in range(len(vendor.reasons))]
    before = vendor.opted_out()
    assert before == {person.address for person in people}
    for op in ("add", "update", "remove", "add"):
        send(vendor, (op, people))
    assert vendor.opted_out() == before


def test_opt_outs_come_back_with_reason_and_moment(vendor):
    for n, reason in enumerate(vendor.reasons):
        vendor.opt_out(vendor.address(n), reason)
    send(vendor, ("add", [member(vendor, 50)]))
    found = {(o.address, o.channel, o.reason, o.at) for o in vendor.destination().opt_outs(None)}
    assert found == {(vendor.address(n), vendor.channel, r, OPTED_OUT_AT) for n, r in enumerate(vendor.reasons)}
    since = OPTED_OUT_AT - timedelta(hours=1)
    assert {o.address for o in vendor.destination().opt_outs(since)} == {a for a, *_ in found}
    assert list(vendor.destination().opt_outs(OPTED_OUT_AT + timedelta(hours=1))) == []


def test_what_the_tool_has_can_be_read_back(list_vendor):
    send(list_vendor, ("add", [member(list_vendor, n) for n in range(250)]))
    found = list_vendor.destination().readback(AUDIENCE)
    if found is None:
        pytest.skip("the vendor cannot tell")
    assert set(found) == {list_vendor.address(n) for n in range(250)}


def test_one_refused_person_holds_up_nobody(list_vendor):
    list_vendor.spoil(list_vendor.address(7))
    told = send(list_vendor, ("add", [member(list_vendor, n) for n in range(20)]))
    found = statuses(told)
    assert found["rejected"] == ["k7"]
    assert len(found["done"]) == 19
    assert set(list_vendor.people()) == {list_vendor.address(n) for n in range(20) if n != 7}


@pytest.mark.parametrize("fault", PASSING, ids=["429", "503", "dropped", "dropped after"])
def test_what_passes_is_waited_for(list_vendor, time, fault):
    list_vendor.twin.fail(fault, list_vendor.bulk, times=2)
    told = send(list_vendor, ("add", [member(list_vendor, n) for n in range(3)]))
    assert statuses(told) == {"done": ["k0", "k1", "k2"]}
    assert len(list_vendor.people()) == 3
    if isinstance(fault, Answer) and fault.status == 429:
        assert time.slept.count(17.0) == 2


def test_a_fault_that_lasts_fails_its_batch_and_the_second_one_ends_the_run(list_vendor, monkeypatch):
    destination = list_vendor.destination()
    smaller = type(destination.limits)(5, destination.limits.size, destination.limits.row_size, 5)
    monkeypatch.setattr(type(destination), "limits", smaller)
    list_vendor.twin.fail(Answer(503, {}), list_vendor.bulk, times=6)
    people = [member(list_vendor, n) for n in range(15)]
    found = statuses(send(list_vendor, ("add", people), destination=destination))
    assert (len(found["failed"]), len(found["done"])) == (5, 10)  # one batch only: the next are tried
    list_vendor.twin.fail(Answer(503, {}), list_vendor.bulk, times=100)
    known, error = until_error(list_vendor.destination().deliver(delivery(changes("add", people))))
    assert statuses(known) == {"failed": [f"k{n}" for n in range(10)]}
    assert isinstance(error, RetriableError)
    assert "503" in str(error)


@pytest.mark.parametrize("garbage", GARBAGE, ids=str)
def test_garbage_is_named_and_nobody_is_done(list_vendor, garbage):
    list_vendor.twin.fail(Answer(200, garbage), "", times=10_000)
    people = [member(list_vendor, n) for n in range(3)]
    outcomes, error = until_error(list_vendor.destination().deliver(delivery(changes("add", people))))
    assert "done" not in statuses(outcomes)
    said = [str(error)] if error else [outcome.error for outcome in outcomes]
    assert all("not what the vendor promises" in words or "not JSON" in words for words in said)
    assert isinstance(error, RetriableError | None)


def test_garbage_at_any_step_is_no_surprise(vendor):
    if vendor.channel != channels_of(vendor.kind)[0]:
        pytest.skip("one channel of a vendor is enough")
    people = [member(vendor, n) for n in range(3)]
    steps = {
        "add": lambda: send(vendor, ("add", people)),
        "remove": lambda: send(vendor, ("remove", people)),
        "opt_outs": lambda: list(vendor.destination().opt_outs(None)),
        "readback": lambda: list(vendor.destination().readback(AUDIENCE) or ()),
    }
    if not vendor.messages:
        vendor.spoil(vendor.address(1))
    for reason in vendor.reasons:
        vendor.opt_out(vendor.address(9), reason)
    seen = 0
    for step in steps.values():
        before = len(vendor.twin.calls)
        step()
        for call in set(vendor.twin.calls[before:]):
            for garbage in WRONG:
                vendor.twin.faults.clear()
                vendor.twin.fail(Answer(200, garbage), call, times=1000)
                with contextlib.suppress(RetriableError, FatalError):  # anything else would end the night
                    step()
                seen += 1
        vendor.twin.faults.clear()
        steps["add"]()
    assert seen >= 2 * len(WRONG)
    vendor.twin.violations.clear()  # it was asked for things by the ids of garbage


def test_a_wrong_key_is_named_with_its_connection_and_not_shown(vendor):
    with pytest.raises(FatalError, match="connection 'vendor'") as caught:
        send(vendor, ("add", [member(vendor, 1)]), destination=vendor.destination(key="SECRET0987654321"))
    assert "SECRET" not in str(caught.value)


def test_a_list_that_was_deleted_is_named(list_vendor):
    send(list_vendor, ("add", [member(list_vendor, 1)]))
    list_vendor.delete_list()
    named = list_vendor.destination(lists={AUDIENCE: list_vendor.no_list})
    with pytest.raises(FatalError, match=rf"audience '{AUDIENCE}'.*gone"):
        send(list_vendor, ("update", [member(list_vendor, 1)]))
    with pytest.raises(FatalError, match=rf"audience '{AUDIENCE}'.*gone"):
        send(list_vendor, ("add", [member(list_vendor, 1)]), destination=named)
    assert list_vendor.twin.count(list_vendor.bulk) == 1  # nobody was sent to a list that is gone


def test_nobody_is_named_in_errors_or_logs(vendor, caplog):
    caplog.set_level(logging.DEBUG)
    people = [member(vendor, n) for n in range(5)]
    said = []
    if not vendor.messages:
        vendor.spoil(vendor.address(3))
    for what in (None, Answer(400, {"errors": [{"detail": f"bad {people[1].address}"}], "message": people[1].address})):
        if what:
            vendor.twin.fail(what, vendor.bulk, times=1000)
        for op in ("add", "remove"):
            try:
                said += [o.error or "" for o in send(vendor, (op, people))]
            except FatalError as error:
                said.append(str(error))
    list(vendor.destination().opt_outs(None))
    text = caplog.text + " ".join(said) + repr(people)
    assert any(said)
    for person in people:
        assert person.address not in text
        assert person.address.replace("@", "%40").replace("+", "%2B") not in text
    assert vendor.key not in text + repr(vendor.destination().client)


def test_a_great_audience_takes_few_requests_and_is_never_held_as_a_whole(list_vendor):
    if list_vendor.channel != channels_of(list_vendor.kind)[0]:
        pytest.skip("one channel of a vendor is enough")
    people, read, done = 25_000, 0, 0
    ahead = []

    def given():
        nonlocal read
        for n in range(people):
            read += 1
            yield Change("add", member(list_vendor, n))

    for outcome in list_vendor.destination().deliver(delivery(given())):
        ahead.append(read - done)
        done += outcome.status == "done"
    assert done == people
    assert max(ahead) <= list_vendor.bulk_rows + 1
    assert list_vendor.twin.count(list_vendor.bulk) == -(-people // list_vendor.bulk_rows)
    assert len(list_vendor.people()) == people
