"""What goes wrong elsewhere when records are merged, each as a small world of its own."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from random import Random

import pytest
from identity_nights import Nights
from identity_oracle import Pair, Record, key_of
from identity_world import INPUT, settings, tell

pytestmark = pytest.mark.server

FIRST, SECOND, THIRD = (date(2017, 5, day) for day in (1, 2, 3))
SAID = {
    "int_inherited_denials": "intermediate.int_inherited_denials",
    "int_addresses": "intermediate.int_addresses",
    "consents": "activation.consents",
}
EVENTS = "select as_of, event, customer_key, former_key, level, reason from pii.identity_events order by 1, 2, 3, 4"
INTERVALS = """
    select source_customer_id, valid_from, nullif(valid_to, 'infinity') from pii.identity_memberships order by 1, 2
"""


@pytest.fixture(scope="module")
def built(warehouse, session) -> Nights:
    session.execute(INPUT)
    session.execute(
        "create view pii.stg_customers as select *, source_customer_id as customer_id from pii.input_customers"
    )
    return Nights(session, settings(), warehouse, SAID)


@pytest.fixture
def nights(built) -> Nights:
    """The same, with nothing in it."""
    kept = "pii.int_identity, pii.identity_memberships, pii.identity_blocks, pii.identity_events"
    built.session.execute(f"truncate ops.nights, input.input_consents, {kept}")
    built.decided([])
    return built


def record(who: str, source: str = "shop", known: int = 0, **said) -> Record:
    return Record((source, who), date(2017, 1, 1) + timedelta(days=known), **said)


def keys(nights: Nights, *records: Record, as_of: date = FIRST, **how) -> dict[str, str]:
    """The key of everybody after a night, by id."""
    tell(nights.session, list(records))
    nights.build(as_of, **how)
    return {who: row[0] for (_, who), row in nights.state().items()}


def said(nights: Nights, record_: Record, status: str, on: date) -> None:
    at = datetime.combine(on, datetime.min.time())
    nights.session.execute(
        "insert into input.input_consents values (%s, %s, 'email', 'marketing', %s, %s, %s, %s)",
        [*record_.id, status, at, on, on],
    )


def consents(nights: Nights) -> dict[str, str]:
    return dict(nights.session.execute("select customer_key, status from activation.consents").fetchall())


def test_a_guest_with_a_new_id_per_order_is_one_customer(nights):
    guest = [
        record(f"guest-{n}", known=n, email="guest@x.org", phone="+4930555001" if n % 2 else None) for n in range(40)
    ]
    assert set(keys(nights, *guest).values()) == {key_of(("shop", "guest-0"))}


@pytest.mark.parametrize("mailbox", ["info@firm.org", "noreply@firm.org", "team+orders@firm.org", "test@test.com"])
def test_a_shared_mailbox_or_placeholder_makes_nobody_one_person(nights, mailbox):
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


@pytest.mark.parametrize("phone", ["+11111111111", "+15550000000", "+1234567890"])
def test_numbers_that_cashiers_type_are_no_evidence(nights, phone):
    assert len(set(keys(nights, record("a", phone=phone), record("b", phone=phone)).values())) == 2


def test_keys_do_not_depend_on_the_order_of_rows_or_on_rebuilding(nights):
    people = [record(str(n), known=n * 7 % 13, email=f"p{n % 30}@x.org", phone=f"+49305{n % 70:05}") for n in range(90)]
    first = keys(nights, *people)
    for seed in range(3):
        Random(seed).shuffle(people)
        assert keys(nights, *people, full=True) == first


def test_a_merge_can_be_undone_and_leaves_the_first_state_but_for_denials_received_while_merged(nights):
    ann, bob = record("ann", email="a@x.org"), record("bob", known=1, email="b@x.org")
    said(nights, ann, "granted", date(2017, 2, 1))
    said(nights, bob, "granted", date(2017, 2, 1))
    apart = keys(nights, ann, bob), nights.state(), consents(nights)
    key_a, key_b = apart[0]["ann"], apart[0]["bob"]

    nights.decided([("override", Pair([ann.id, bob.id]))])
    assert set(keys(nights, ann, bob, as_of=SECOND).values()) == {key_a}
    assert nights.session.execute("select * from marts.dim_customer_redirects").fetchall() == [(key_b, key_a, SECOND)]
    assert nights.session.execute(EVENTS).fetchall() == [(SECOND, "merge", key_a, key_b, "override", None)]
    nights.decided([])
    parted = keys(nights, ann, bob, as_of=THIRD), nights.state(), consents(nights)
    assert parted == apart
    assert nights.session.execute("select * from marts.dim_customer_redirects").fetchall() == []
    assert nights.session.execute(EVENTS).fetchall()[1:] == [(THIRD, "split", key_b, key_a, None, None)]

    # once more, and this time one of them says no while they are one
    nights.decided([("override", Pair([ann.id, bob.id]))])
    said(nights, bob, "denied", date(2017, 5, 4))
    keys(nights, ann, bob, as_of=date(2017, 5, 4))
    assert consents(nights) == {key_a: "denied"}
    nights.decided([])
    assert keys(nights, ann, bob, as_of=date(2017, 5, 5)) == apart[0]
    assert consents(nights) == {key_a: "denied", key_b: "denied"}
    said(nights, bob, "granted", date(2017, 5, 6))
    keys(nights, ann, bob, as_of=date(2017, 5, 6))
    assert consents(nights) == {key_a: "denied", key_b: "granted"}, "who says yes herself, says it for herself only"
    said(nights, ann, "granted", date(2017, 5, 7))
    keys(nights, ann, bob, as_of=date(2017, 5, 7))
    assert consents(nights) == {key_a: "granted", key_b: "granted"}


def test_a_denial_of_before_the_merge_or_taken_back_during_it_is_not_inherited(nights):
    ann, bob = record("ann", email="a@x.org"), record("bob", known=1, email="b@x.org")
    said(nights, ann, "granted", date(2017, 2, 1))
    said(nights, bob, "denied", date(2017, 2, 1))
    keys(nights, ann, bob)
    nights.decided([("override", Pair([ann.id, bob.id]))])
    one = keys(nights, ann, bob, as_of=SECOND)["ann"]
    assert consents(nights) == {one: "denied"}, "the most restrictive of its members"
    said(nights, bob, "granted", SECOND)
    keys(nights, ann, bob, as_of=SECOND)
    nights.decided([])
    apart = keys(nights, ann, bob, as_of=THIRD)
    assert consents(nights) == {apart["ann"]: "granted", apart["bob"]: "granted"}


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
