"""What a tool has in its lists is held against what it acknowledged, as often as configured and not too long."""

from datetime import timedelta

import pytest
from shelf import Destination, people, settings

from perennial.activation import export
from perennial.activation.compare import comparable
from perennial.errors import FatalError
from verdicts import NIGHT, decide

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("stocked")]

SUNDAY = NIGHT + timedelta(days=1)
COUNTS = "count_ours, count_theirs, count_unknown, count_missing"


def warnings(rows, as_of) -> list[str]:
    found = rows("select message from ops.gate_results where check_name = 'lists of tools' and as_of = %s", as_of)
    return [row["message"] for row in found]


def sent(as_of, **more) -> None:
    decide(people(5), as_of=as_of)
    export.run(as_of, settings(**more))


def compared(rows) -> list[tuple]:
    return [tuple(row.values()) for row in rows(f"select as_of, {COUNTS} from ops.list_comparisons order by 1")]


def test_lists_are_compared_on_sundays_once_a_night_and_a_difference_is_told_of_until_it_is_gone(rows, monkeypatch):
    sent(NIGHT)
    assert compared(rows) == [], "a Saturday"
    shelf = Destination.shelf["lost"]
    shelf[" THEIRS@example.com"] = shelf.pop("p1@example.com")
    shelf["P2@Example.com "] = shelf.pop("p2@example.com")  # the same to everybody but a tool
    sent(SUNDAY)
    assert compared(rows) == [(SUNDAY, 5, 5, 1, 1)]
    told = "not as acknowledged: lost of shelf: 1 in it unknown to us, 1 of ours missing (2017-10-01). See ops.list"
    assert warnings(rows, SUNDAY)[0].startswith(told)
    with monkeypatch.context() as patch:
        patch.setattr(Destination, "readback", lambda *_: 1 / 0)
        sent(SUNDAY)  # again: not once more
        sent(SUNDAY + timedelta(days=1))
    assert warnings(rows, SUNDAY + timedelta(days=1))[0].startswith(told)
    Destination.shelf["lost"] = {address: {} for address in people(5).values()}
    sent(SUNDAY + timedelta(days=7))
    assert compared(rows)[1:] == [(SUNDAY + timedelta(days=7), 5, 5, 0, 0)]
    assert warnings(rows, SUNDAY + timedelta(days=7)) == []


@pytest.mark.parametrize(("when", "nights"), [("never", 0), ("every_night", 2), ("saturday", 1)])
def test_when_lists_are_compared_is_configured(rows, when, nights):
    for as_of in (NIGHT, SUNDAY):
        sent(as_of, compare=when)
    assert len(compared(rows)) == nights


def test_who_waits_for_approval_is_compared_as_well(rows):
    sent(NIGHT)
    decide(people(40), as_of=SUNDAY)
    export.run(SUNDAY, settings())
    assert rows("select status from activation.export_runs where as_of = %s", SUNDAY) == [{"status": "waiting"}]
    assert compared(rows) == [(SUNDAY, 5, 5, 0, 0)]


def test_what_cannot_be_read_back_is_a_warning_and_fails_no_night(rows, monkeypatch):
    def broken(*_):
        raise FatalError("the shelf is closed")

    monkeypatch.setattr(Destination, "readback", broken)
    sent(SUNDAY)
    assert "lost of shelf: could not be read back: the shelf is closed" in warnings(rows, SUNDAY)[0]
    monkeypatch.undo()


def test_a_destination_that_cannot_tell_is_not_compared(rows, monkeypatch):
    monkeypatch.setattr(Destination, "readback", lambda *_: None)
    sent(SUNDAY)
    assert (compared(rows), warnings(rows, SUNDAY)) == ([], [])


def test_a_great_list_is_not_read(rows, monkeypatch):
    monkeypatch.setattr(Destination, "readback", lambda *_: 1 / 0)
    sent(SUNDAY, compare_up_to=4)
    assert compared(rows) == [(SUNDAY, 5, None, None, None)]


def test_of_a_list_that_is_longer_than_expected_no_more_is_read(rows, monkeypatch):
    monkeypatch.setattr(Destination, "readback", lambda *_: (f"{n}@example.com" for n in range(10**9)))
    sent(SUNDAY, compare_up_to=5)
    assert "there are more than 10 people in it" in warnings(rows, SUNDAY)[0]


@pytest.mark.parametrize(
    ("channel", "written"), [("email", " Ann@Example.com"), ("sms", "0033 6 12-34-56-78"), ("sms", "+33612345678")]
)
def test_addresses_compare_as_our_tables_have_them(channel, written):
    assert comparable(channel, written) == ("ann@example.com" if channel == "email" else "+33612345678")
