"""What tools with lists have in common: batches by count and bytes, and one bad row that spoils nobody else's."""

import pytest
from pydantic import ValidationError
from twins.harness import AUDIENCE, NIGHT, changes, delivery, member
from twins.harness_klaviyo import KlaviyoHarness

from http_twin import Answer
from perennial.config.destinations import Destinations
from perennial.destinations.base import Change, Member
from perennial.destinations.klaviyo import Destination, Settings
from perennial.destinations.lists import Limits, Row, batches
from perennial.http_client import Refused


@pytest.fixture
def klaviyo(time):
    harness = KlaviyoHarness("email")
    yield harness
    harness.close()
    assert harness.twin.violations == []


def send(harness, given, **settings):
    return list(harness.destination(**settings).deliver(delivery(given)))


def sizes(given, limits):
    return [(kind, len(rows)) for kind, rows in batches(given, lambda m: m.address.encode(), limits)]


def people(op, *sizes_of_addresses):
    return [Change(op, Member(f"k{n}", "a" * size, {})) for n, size in enumerate(sizes_of_addresses)]


def test_a_batch_ends_at_its_count_and_at_its_bytes():
    assert sizes(people("add", 1, 1, 1), Limits(3, 100, 100, 1)) == [("add", 3)]
    assert sizes(people("add", 1, 1, 1, 1), Limits(3, 100, 100, 1)) == [("add", 3), ("add", 1)]
    assert sizes(people("add", 4, 4, 1), Limits(9, 10, 10, 1)) == [("add", 2), ("add", 1)]  # with what stands between
    assert sizes(people("add", 4, 5, 1), Limits(9, 10, 10, 1)) == [("add", 1), ("add", 2)]
    assert sizes(people("add", 9, 10, 1), Limits(9, 10, 10, 1)) == [("too large", 1), ("add", 1), ("add", 1)]
    assert sizes(people("remove", 1, 1, 1), Limits(9, 100, 100, 2)) == [("remove", 2), ("remove", 1)]
    assert sizes([], Limits(1, 1, 1, 1)) == []


def test_who_leaves_goes_before_who_comes():
    mixed = [*people("add", 1, 1), *people("remove", 1), *people("update", 1)]
    assert sizes(mixed, Limits(2, 100, 100, 9)) == [("remove", 1), ("add", 2), ("add", 1)]
    assert sizes(mixed, Limits(9, 100, 100, 9)) == [("remove", 1), ("add", 3)]


@pytest.mark.parametrize("text", ["lost", "x" * 900], ids=["lean", "fat"])
def test_a_hundred_thousand_profiles_take_few_requests_none_too_large(text):
    tool = Destination(Settings(kind="klaviyo", channel="email", connection="vendor"), None)
    known = {"stage": text, "abc_tier": "A", "orders": 12, "value_12m": 1234.56, "next_stage_on": NIGHT}
    count = 100_000 if text == "lost" else 15_000
    given = (Change("add", Member(f"k{n}", f"a.rather.long.name.{n}@example.com", known)) for n in range(count))
    found = [rows for _, rows in batches(given, tool.piece, tool.limits)]
    assert max(map(len, found)) <= 10_000
    assert max(sum(len(row.piece) + 1 for row in rows) for rows in found) <= 5_000_000 - 1000
    assert len(found) == (10 if text == "lost" else 4)


def test_one_person_who_is_too_large_is_rejected_and_named_by_key_only(klaviyo):
    outcomes = send(klaviyo, changes("add", [member(klaviyo, 1), member(klaviyo, 2, "x" * 100_000)]))
    assert {(o.customer_key, o.status) for o in outcomes} == {("k1", "done"), ("k2", "rejected")}
    assert list(klaviyo.people()) == [klaviyo.address(1)]


def test_an_outcome_names_no_address_however_odd_it_is():
    row = Row(Change("add", Member("k1", "ann at example", {})), b"")
    assert row.became("rejected", "'ann at example' is no address").error == "'(address)' is no address"


def test_rows_that_a_refusal_names_are_left_out_at_once(klaviyo):
    klaviyo.twin.invalid = {klaviyo.address(n) for n in (5, 40)}
    outcomes = send(klaviyo, changes("add", [member(klaviyo, n) for n in range(64)]))
    assert sorted(o.customer_key for o in outcomes if o.status == "rejected") == ["k40", "k5"]
    assert klaviyo.twin.count(klaviyo.bulk) == 2
    assert len(klaviyo.people()) == 62


def test_rows_that_nobody_names_are_found_by_halving(klaviyo):
    klaviyo.twin.invalid, klaviyo.twin.pointless = {klaviyo.address(5)}, True
    outcomes = send(klaviyo, changes("add", [member(klaviyo, n) for n in range(64)]))
    assert [o.customer_key for o in outcomes if o.status == "rejected"] == ["k5"]
    assert klaviyo.twin.count(klaviyo.bulk) == 13  # 64, 32 + 32, 16 + 16, ...
    assert len(klaviyo.people()) == 63


def test_a_tool_that_refuses_whatever_it_is_sent_ends_the_run_soon(klaviyo):
    klaviyo.twin.fail(Answer(400, {"errors": [{"detail": "the account is closed"}]}), klaviyo.bulk, times=10_000)
    with pytest.raises(Refused, match="the account is closed"):
        send(klaviyo, changes("add", [member(klaviyo, n) for n in range(500)]))
    assert klaviyo.twin.count(klaviyo.bulk) < 70


def test_a_list_is_found_by_name_or_made_or_named(klaviyo):
    send(klaviyo, changes("add", [member(klaviyo, 1)]))
    send(klaviyo, changes("add", [member(klaviyo, 2)]))
    assert [entry["name"] for entry in klaviyo.twin.lists.values()] == [f"Perennial {AUDIENCE} (email)"]
    theirs = klaviyo.twin.add_list("Handmade")
    send(klaviyo, changes("add", [member(klaviyo, 3)]), lists={AUDIENCE: theirs}, prefix="crm_")
    (profile,) = (klaviyo.twin.profiles[i] for i in klaviyo.twin.lists[theirs]["members"])
    assert profile["properties"] == {"crm_stage": "lost", "crm_orders": 3}


def test_two_destinations_or_audiences_never_share_a_list():
    def settings(**known):
        return {"kind": "klaviyo", "channel": "email", "connection": "vendor", **known}

    apart = {"one": settings(), "two": settings(channel="sms"), "three": settings(connection="other")}
    assert len(Destinations(destinations=apart).destinations) == 3
    for same in (settings(), settings(channel="sms", list_name="Perennial {audience} (email)")):
        with pytest.raises(ValidationError, match=r"'one' and 'two' share"):
            Destinations(destinations={"one": settings(), "two": same})
    with pytest.raises(ValidationError, match="who leaves one would leave both"):
        Destinations(destinations={"one": settings(lists={"a": "L1", "b": "L1"})})
