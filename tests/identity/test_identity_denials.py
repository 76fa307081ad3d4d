"""What somebody denied while she was merged stays denied when she is parted, until she says yes herself."""

from datetime import date

import pytest
from identity_oracle import Pair, key_of
from identity_small_worlds import EVENTS, FIRST, SECOND, THIRD, consents, keys, one_person, record, said, wished

pytestmark = pytest.mark.server


def test_a_merge_can_be_undone_and_leaves_the_first_state_but_for_denials_received_while_merged(nights):
    """freescout 4986, Mixpanel: a merge loses history, and cannot be undone."""
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


def test_somebody_elses_yes_lifts_no_inherited_denial(nights):
    ann, bob, cem = (record(who, known=n, email=f"{who}@x.org") for n, who in enumerate(("ann", "bob", "cem")))
    said(nights, ann, "granted", date(2017, 2, 1))
    keys(nights, ann, bob, cem)
    one_person(nights, ann, bob)
    said(nights, bob, "denied", SECOND)
    keys(nights, ann, bob, cem, as_of=SECOND)
    one_person(nights)
    key = keys(nights, ann, bob, cem, as_of=THIRD)["ann"]
    assert consents(nights)[key] == "denied"

    one_person(nights, ann, cem)
    said(nights, cem, "granted", date(2017, 5, 4))
    assert keys(nights, ann, bob, cem, as_of=date(2017, 5, 4))["cem"] == key
    assert consents(nights)[key] == "denied"
    said(nights, ann, "granted", date(2017, 5, 5))
    keys(nights, ann, bob, cem, as_of=date(2017, 5, 5))
    assert consents(nights)[key] == "granted"


def test_an_inherited_denial_outlasts_another_merge_with_who_made_it(nights):
    ann, bob = record("ann", email="a@x.org"), record("bob", known=1, email="b@x.org")
    said(nights, ann, "granted", date(2017, 2, 1))
    one_person(nights, ann, bob)
    said(nights, bob, "denied", FIRST)
    keys(nights, ann, bob)
    one_person(nights)
    said(nights, bob, "granted", SECOND)
    apart = keys(nights, ann, bob, as_of=SECOND)
    assert consents(nights) == {apart["ann"]: "denied", apart["bob"]: "granted"}
    one_person(nights, ann, bob)
    keys(nights, ann, bob, as_of=THIRD)
    assert consents(nights) == {apart["ann"]: "denied"}


def test_who_get_a_new_key_together_have_not_parted(nights):
    ann, bob, old = record("ann", known=1), record("bob", known=2), record("old")
    one_person(nights, ann, bob)
    said(nights, bob, "denied", FIRST)
    keys(nights, ann, bob, old)
    one_person(nights, old, ann, bob)
    said(nights, bob, "granted", SECOND)
    one = keys(nights, ann, bob, old, as_of=SECOND)["old"]
    assert consents(nights) == {one: "granted"}


def test_a_denial_outlasts_the_record_that_made_it(nights):
    guest, ann = record("guest"), record("ann", known=1, email="a@x.org")
    said(nights, guest, "denied", date(2017, 2, 1))
    said(nights, ann, "granted", date(2017, 3, 1))
    one_person(nights, ann, guest)
    one = keys(nights, ann, guest)["ann"]
    assert one == key_of(guest.id)
    assert consents(nights) == {one: "denied"}
    for as_of in (SECOND, THIRD):
        alone = keys(nights, ann, as_of=as_of)
        assert alone == {"ann": key_of(ann.id)}
        assert consents(nights) == {alone["ann"]: "denied"}


def consents_of(nights, by_name: dict[str, str]) -> dict[str, str]:
    found = consents(nights)
    return {who: found[key] for who, key in by_name.items()}


@pytest.mark.parametrize("arrived", [FIRST, SECOND, THIRD], ids=["when they merged", "while", "when they parted"])
def test_an_opt_out_in_a_tool_while_merged_stays_with_both_until_she_says_yes_herself(nights, arrived):
    ann, bob = record("ann", email="a@x.org"), record("bob", known=1, email="b@x.org")
    said(nights, ann, "granted", date(2017, 2, 1))
    said(nights, bob, "granted", date(2017, 2, 1))
    one_person(nights, ann, bob)
    keys(nights, ann, bob)
    keys(nights, ann, bob, as_of=SECOND)
    wished(nights, ann, arrived)
    one_person(nights)
    apart = keys(nights, ann, bob, as_of=THIRD)
    # her own is in int_opt_outs, whatever her consent
    assert consents(nights) == {apart["ann"]: "granted", apart["bob"]: "denied"}
    assert keys(nights, ann, bob, as_of=THIRD) == apart, "another attempt"
    assert consents(nights)[apart["bob"]] == "denied"
    said(nights, bob, "granted", date(2017, 5, 4))
    keys(nights, ann, bob, as_of=date(2017, 5, 4))
    assert consents(nights)[apart["bob"]] == "granted"


def test_an_opt_out_of_before_the_merge_or_after_it_is_not_inherited(nights):
    ann, bob, cem = (record(who, known=n, email=f"{who}@x.org") for n, who in enumerate(("ann", "bob", "cem")))
    for one in (ann, bob, cem):
        said(nights, one, "granted", date(2017, 2, 1))
    keys(nights, ann, bob, cem)
    wished(nights, ann, FIRST)
    one_person(nights, bob, ann, cem)
    keys(nights, ann, bob, cem, as_of=SECOND)
    one_person(nights)
    keys(nights, ann, bob, cem, as_of=THIRD)
    wished(nights, cem, date(2017, 5, 4))
    keys(nights, ann, bob, cem, as_of=date(2017, 5, 4))
    assert set(consents(nights).values()) == {"granted"}


def test_what_a_gone_record_denied_or_had_inherited_is_passed_on_when_its_heir_goes_too(nights):
    ann, bob, cem = (record(who, known=n) for n, who in enumerate(("ann", "bob", "cem")))
    guest = record("guest", known=3)
    said(nights, cem, "granted", date(2017, 2, 1))
    said(nights, guest, "denied", date(2017, 2, 1))
    one_person(nights, bob, guest)
    keys(nights, bob, guest, cem)
    # the guest goes, and bob becomes one with cem, then goes too
    one_person(nights, bob, cem)
    one = keys(nights, bob, cem, as_of=SECOND)["cem"]
    assert consents(nights)[one] == "denied"
    one_person(nights)
    assert consents_of(nights, keys(nights, cem, as_of=THIRD)) == {"cem": "denied"}

    # ann says no while bob is one with her, and parts; he goes while he is one with cem
    nights.session.execute("truncate input.input_consents, pii.identity_memberships, ops.nights")
    said(nights, cem, "granted", date(2017, 2, 1))
    said(nights, ann, "denied", FIRST)
    one_person(nights, ann, bob)
    keys(nights, ann, bob, cem)
    said(nights, ann, "granted", SECOND)
    one_person(nights, bob, cem)
    keys(nights, ann, bob, cem, as_of=SECOND)
    one_person(nights)
    assert consents_of(nights, keys(nights, ann, cem, as_of=THIRD)) == {"ann": "granted", "cem": "denied"}


def test_who_says_yes_after_a_record_of_hers_is_gone_has_said_yes(nights):
    guest, ann = record("guest"), record("ann", known=1)
    one_person(nights, ann, guest)
    said(nights, ann, "denied", FIRST)
    keys(nights, ann, guest)
    one_person(nights)
    assert consents_of(nights, keys(nights, ann, as_of=SECOND)) == {"ann": "denied"}
    said(nights, ann, "granted", THIRD)
    assert consents_of(nights, keys(nights, ann, as_of=THIRD)) == {"ann": "granted"}, "not hers by way of the guest"
