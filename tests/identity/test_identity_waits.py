"""A merge that waits changes nothing until it is approved, whatever the night lives through."""

from dataclasses import replace

import pytest
from identity_oracle import key_of
from identity_small_worlds import FIRST, SECOND, THIRD, consents, keys, record, said, wished
from identity_world import settings

from perennial.config import Config

pytestmark = pytest.mark.server

ANN = record("ann", email="a@x.org", phone="+4930555001")
BOB = record("bob", known=1, phone="+4930555001")
CEM = record("cem", known=2, phone="+4930555002")
MERGES = "select distinct evidence from pii.identity_events where event = 'block' and reason = 'held_consent'"


@pytest.fixture(scope="module")
def told() -> Config:
    return settings(hold=["consent"])


def test_a_merge_that_waits_parts_nobody_and_is_made_once_approved(nights):
    said(nights, ANN, "granted", FIRST)
    said(nights, BOB, "denied", FIRST)
    one = key_of(ANN.id)
    apart = {"ann": one, "bob": one, "cem": key_of(CEM.id)}
    assert keys(nights, ANN, BOB, CEM) == apart
    cem = replace(CEM, phone=BOB.phone)
    for as_of in (SECOND, THIRD):
        assert keys(nights, ANN, BOB, cem, as_of=as_of) == apart
        assert consents(nights) == {one: "denied"}
    ((waits,),) = nights.session.execute(MERGES).fetchall()  # the same on both nights, so that an approval fits
    nights.session.execute(
        "insert into ops.identity_approvals values (%s, %s, now(), 'eve')", [waits, [one, key_of(CEM.id)]]
    )
    assert set(keys(nights, ANN, BOB, cem, as_of=THIRD).values()) == {one}


def test_another_attempt_of_a_night_judges_with_the_consents_that_came_since(nights):
    cem = replace(CEM, phone=ANN.phone)
    apart = keys(nights, ANN, CEM)
    assert len(set(apart.values())) == 2
    assert len(set(keys(nights, ANN, cem, as_of=SECOND, finished=False).values())) == 1
    said(nights, cem, "denied", FIRST)
    assert keys(nights, ANN, cem, as_of=SECOND) == apart


def test_who_opted_out_in_a_tool_waits_as_if_she_had_said_no(nights):
    ann, cem = ANN, replace(CEM, email="c@x.org")
    for one in (ann, cem):
        said(nights, one, "granted", FIRST)
    apart = keys(nights, ann, replace(cem, email=None))
    wished(nights, cem, SECOND)
    assert keys(nights, ann, replace(cem, email=None, phone=ann.phone), as_of=SECOND) == apart
    nights.session.execute("truncate pii.opt_outs")
    assert set(keys(nights, ann, replace(cem, email=None, phone=ann.phone), as_of=THIRD).values()) == {apart["ann"]}
