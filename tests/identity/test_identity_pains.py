"""What goes wrong elsewhere when records are merged, each as a small world of its own."""

from dataclasses import replace
from random import Random

import pytest
from identity_oracle import Pair, key_of
from identity_small_worlds import EVENTS, FIRST, SECOND, keys, record

pytestmark = pytest.mark.server

INTERVALS = """
    select source_customer_id, valid_from, nullif(valid_to, 'infinity') from pii.identity_memberships order by 1, 2
"""


def test_a_guest_with_a_new_id_per_order_is_one_customer(nights):
    """dbt_shopify 37."""
    guest = [
        record(f"guest-{n}", known=n, email="guest@x.org", phone="+4930555001" if n % 2 else None) for n in range(40)
    ]
    assert set(keys(nights, *guest).values()) == {key_of(("shop", "guest-0"))}


@pytest.mark.parametrize("mailbox", ["info@firm.org", "noreply@firm.org", "team+orders@firm.org", "test@test.com"])
def test_a_shared_mailbox_or_placeholder_makes_nobody_one_person(nights, mailbox):
    """insight 1767: team@ and noreply@ silently merged."""
    found = keys(nights, *(record(str(n), email=mailbox) for n in range(4)))
    assert len(set(found.values())) == 4


def test_a_mailbox_of_many_phones_makes_nobody_one_person_and_is_told_of(nights):
    found = keys(nights, *(record(str(n), email="we@firm.org", phone=f"+493055510{n}0") for n in range(6)))
    assert len(set(found.values())) == 6
    told = nights.session.execute("select level, reason, count(*) from pii.identity_blocks group by 1, 2").fetchall()
    assert told == [("email", "shared_by_too_many", 6)]
    assert (
        len(
            set(
                keys(nights, *(record(str(n), email="we@firm.org", phone=f"+493055510{n}0") for n in range(5))).values()
            )
        )
        == 1
    )


def test_a_shared_phone_merges_nobody_with_another_address(nights):
    """kinde 507: imported users merged by a phone they share."""
    family = [
        record("ann", email="ann@x.org", phone="+4930555001"),
        record("bob", email="bob@x.org", phone="+4930555001"),
    ]
    child = record("child", phone="+4930555001")
    assert len(set(keys(nights, *family, child).values())) == 3
    told = nights.session.execute("select distinct level, reason from pii.identity_blocks").fetchall()
    assert told == [("phone", "different_emails")]
    assert len(set(keys(nights, family[0], child, as_of=SECOND).values())) == 1, "one address does not disagree"


def test_an_address_that_is_not_verified_is_no_evidence(nights):
    found = keys(nights, record("a", email="x@x.org"), record("b", email="x@x.org", verified=False))
    assert len(set(found.values())) == 2


@pytest.mark.parametrize(
    "address",
    [{"email": "ann@x.org", "verified": False}, {"email": "info@a.org"}, {"email": "info@b.org", "verified": False}],
)
@pytest.mark.parametrize("other", [{"email": "bob@x.org"}, {"email": "info@c.org"}])
def test_an_address_that_is_no_evidence_still_tells_a_family_apart(nights, address, other):
    family = record("ann", phone="+4930555001", **address), record("bob", phone="+4930555001", **other)
    assert len(set(keys(nights, *family).values())) == 2
    told = nights.session.execute("select distinct level, reason from pii.identity_blocks").fetchall()
    assert told == [("phone", "different_emails")]
    same = [replace(r, email="test@test.com") for r in family[:1]]
    assert len(set(keys(nights, *same, family[1], as_of=SECOND).values())) == 1, "a placeholder is no address"


def test_an_address_that_too_many_share_still_tells_its_holders_from_others(nights):
    crowd = [record(str(n), email="we@firm.org", phone=f"+493055510{n}0") for n in range(6)]
    bob = record("bob", email="bob@x.org", phone=crowd[0].phone)
    assert len(set(keys(nights, *crowd, bob).values())) == 7


@pytest.mark.parametrize("phone", ["+11111111111", "+15550000000", "+1234567890"])
def test_numbers_that_cashiers_type_are_no_evidence(nights, phone):
    assert len(set(keys(nights, record("a", phone=phone), record("b", phone=phone)).values())) == 2


def test_keys_do_not_depend_on_the_order_of_rows_or_on_rebuilding(nights):
    """Hightouch: a full run again changes ids."""
    people = [record(str(n), known=n * 7 % 13, email=f"p{n % 30}@x.org", phone=f"+49305{n % 70:05}") for n in range(90)]
    first = keys(nights, *people)
    for seed in range(3):
        Random(seed).shuffle(people)
        assert keys(nights, *people, full=True) == first


def test_a_night_run_again_or_not_finished_tells_of_the_same_events(nights):
    ann, bob = record("ann", email="a@x.org"), record("bob", known=1, email="b@x.org")
    before = keys(nights, ann, bob)
    bob = replace(bob, email="a@x.org")
    for finished in (False, False, True, True):
        keys(nights, ann, bob, as_of=SECOND, finished=finished)
        assert nights.session.execute(EVENTS).fetchall() == [
            (SECOND, "merge", before["ann"], before["bob"], "email", None)
        ]
        intervals = nights.session.execute(INTERVALS).fetchall()
        assert intervals == [("ann", FIRST, None), ("bob", FIRST, SECOND), ("bob", SECOND, None)]


def test_what_somebody_declared_different_stays_apart_whatever_they_share(nights):
    twins = [record("a", email="x@x.org", phone="+4930555001"), record("b", email="x@x.org", phone="+4930555001")]
    nights.decided([("different", Pair([r.id for r in twins]))])
    assert len(set(keys(nights, *twins).values())) == 2
    told = nights.session.execute("select distinct level, reason from pii.identity_blocks order by 1").fetchall()
    assert told == [("email", "declared_different"), ("phone", "declared_different")]


def test_no_contact_detail_is_in_what_is_remembered_of_merges(nights):
    keys(
        nights,
        *(record(str(n), email="we@firm.org", phone=f"+493055510{n}0", loyalty_number="L12345") for n in range(6)),
    )
    for table in ("pii.identity_events", "pii.identity_blocks", "pii.identity_memberships"):
        text = str(nights.session.execute(f"select array_agg(t::text) from {table} as t").fetchall())
        assert "firm.org" not in text
        assert "+4930" not in text
        assert "L12345" not in text
