"""Who says after the decision, and before her plan goes out, that she is not to be written to is left out."""

import hashlib
from datetime import timedelta

import pytest
from shelf import Destination, on_shelf, people, settings

from perennial.activation import approval, export
from perennial.warehouse.database import connect
from verdicts import NIGHT, decide

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("stocked")]

TOMORROW = NIGHT + timedelta(days=1)


def opt_out(address: str, channel: str = "email", reason: str = "unsubscribed") -> None:
    with connect() as session:
        session.execute(
            "insert into pii.opt_outs values ('tool', %s, %s, %s, '2018-01-05 09:00+00')",
            [channel, address, reason],
        )


def test_who_opts_out_while_a_plan_waits_is_left_out_and_the_approval_holds(rows):
    decide(people(3))
    waiting = settings(guards={"first": True})
    assert export.run(NIGHT, waiting) == 0
    with connect() as session:
        assert approval.approve(session, f"{NIGHT}.lost.shelf", "anna")
    opt_out(" P1@Example.com")
    assert export.run(NIGHT, waiting) == 2
    assert on_shelf() == set(people(3).values()) - {"p1@example.com"}
    found = {
        row["customer_key"]: row["status"] for row in rows("select customer_key, status from activation.export_rows")
    }
    assert found == {"k0000": "done", "k0001": "rejected", "k0002": "done"}


@pytest.mark.parametrize("of_record", ["int_customer_keys", "int_gone_records"])
@pytest.mark.parametrize(("reason", "left_out"), [("unsubscribed", True), ("bounced", False)])
def test_an_opt_out_of_another_address_she_ever_gave_counts_when_her_plan_goes_out(of_record, reason, left_out):
    decide(people(3))
    with connect() as session:
        session.execute(f"insert into intermediate.{of_record} values ('shop', 'x', 'k0001')")
        session.execute("insert into pii.int_given_addresses values ('shop', 'x', 'email', 'old@example.com')")
    opt_out("Old@example.com", reason=reason)
    assert export.run(NIGHT, settings()) == (2 if left_out else 3)
    assert ("p1@example.com" not in on_shelf()) == left_out


def loaded(as_of, status="denied", channel="email", purpose="marketing", customer="k0001x", entity="consents") -> None:
    """What a source said in a batch of a night."""
    with connect() as session:
        session.execute(
            "insert into ops.batches values ('later', 'shop', %s, %s, '2017-10-02 01:00+00', 1, 1, 1, 0, 1, 'x')",
            [entity, as_of],
        )
        session.execute(
            "insert into raw.consents values ('shop', %s, %s, %s, %s, '2017-10-01 18:00+00', "
            "'00000000-0000-0000-0000-000000000000', 'later', 1)",
            [customer, channel, purpose, status],
        )
        session.execute("insert into intermediate.int_customer_keys values ('shop', 'k0001x', 'k0001')")


@pytest.mark.parametrize(
    ("statement", "left_out"),
    [
        ({}, True),
        ({"status": "granted"}, False),
        ({"purpose": "service"}, False),
        ({"channel": "sms"}, False),
        ({"as_of": NIGHT}, False),
    ],
    ids=str,
)
def test_a_denial_loaded_for_the_next_night_counts_when_last_nights_plan_goes_out(statement, left_out):
    decide(people(3))
    loaded(**{"as_of": TOMORROW} | statement)
    assert export.run(NIGHT, settings()) == (2 if left_out else 3)
    assert ("p1@example.com" not in on_shelf()) == left_out


def test_a_statement_nobody_understood_counts_as_a_denial_when_a_plan_goes_out():
    decide(people(3))
    loaded(TOMORROW, customer="somebody else")
    with connect() as session:
        session.execute(
            "insert into quarantine.rejected_rows "
            "(batch_id, row_no, source, entity, reason, column_name, payload, mapped) "
            "values ('later', 2, 'shop', 'consents', 'unknown_value', 'channel', '{}', "
            """'{"customer_id": "k0001x", "channel": "fax", "status": "denied"}')"""
        )
    assert export.run(NIGHT, settings()) == 2
    assert "p1@example.com" not in on_shelf()


def test_an_opt_out_on_another_channel_leaves_her_in():
    decide(people(2))
    opt_out("p1@example.com", "sms")
    assert export.run(NIGHT, settings()) == 2


def test_who_is_replayed_but_has_left_is_not_told(rows):
    decide(people(2))
    Destination.reject = {"k0001"}
    export.run(NIGHT, settings())
    opt_out("p1@example.com")
    Destination.reject = set()
    with connect() as session:
        session.execute("update activation.export_rows set status = 'planned' where status = 'rejected'")
    export.run(NIGHT, settings())
    assert on_shelf() == {"p0@example.com"}


@pytest.mark.parametrize("of_record", ["int_customer_keys", "int_gone_records"])
@pytest.mark.parametrize(
    ("denied_by", "channel", "left_out"),
    [
        ("email:" + hashlib.md5(b"old@example.com").hexdigest(), "email", True),
        ("7", "email", True),  # another customer's record, which gave the same address
        ("8", "email", False),  # the same number, which counts for messages only
        ("8", "sms", True),
        ("9", "sms", False),
    ],
)
def test_a_denial_of_whoever_gave_an_address_of_hers_counts(of_record, denied_by, channel, left_out):
    decide(people(3), channel=channel)
    with connect() as session:
        session.execute(f"insert into intermediate.{of_record} values ('shop', 'x', 'k0001')")
        session.execute(
            "insert into pii.int_given_addresses values "
            "('shop', 'x', 'email', 'old@example.com'), ('shop', 'x', 'sms', '+14135550101')"
        )
        session.execute(
            "insert into raw.customers "
            "(source, customer_id, email, phone, registered_at, payload_hash, batch_id, row_no) "
            "select 'shop', told.*, '2017-10-01 18:00+00', gen_random_uuid(), 'later', 1 from (values "
            "('7', ' Old@Example.com', null), ('8', null, '+1 (413) 555-0101'), ('9', 'else@example.com', '+1')"
            ") as told"
        )
    loaded(TOMORROW, channel=channel, customer=denied_by)
    assert export.run(NIGHT, settings(at=channel)) == (2 if left_out else 3)
    assert ("p1@example.com" not in on_shelf()) == left_out


@pytest.mark.parametrize("stays", [True, False], ids=["she has another address", "she left"])
def test_an_address_left_to_somebody_who_denied_meanwhile_is_taken_out(rows, stays):
    decide({"ann": "home@example.com", "eve": "eve@example.com"})
    export.run(NIGHT, settings())
    later = {"bob": "home@example.com", "eve": "eve@example.com"} | ({"ann": "new@example.com"} if stays else {})
    decide(later, as_of=TOMORROW)
    loaded(TOMORROW + timedelta(days=1), customer="of bob")
    with connect() as session:
        session.execute("insert into intermediate.int_customer_keys values ('shop', 'of bob', 'bob')")
    assert export.run(TOMORROW, settings()) == len(later) - 1
    assert on_shelf() == set(later.values()) - {"home@example.com"}
    assert {row["address"] for row in rows("select address from pii.destination_members")} == on_shelf()
