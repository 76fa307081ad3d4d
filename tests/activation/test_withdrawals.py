"""Who said no leaves every list the same night, whatever became of the plan; nobody else is told anything by that."""

from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
import shelf
from shelf import Destination, on_shelf, people, settings
from test_left_since import loaded, opt_out
from test_told_as_a_whole import AtOnce

from perennial import night
from perennial.activation import approval, export
from perennial.destinations import registry
from perennial.errors import FatalError, GateError, RetriableError
from perennial.warehouse.database import connect
from verdicts import NIGHT, decide

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("stocked")]

TOMORROW = NIGHT + timedelta(days=1)
NAME = f"{TOMORROW}.lost.shelf"
FREE = settings()
MANY = people(40)
NEW = people(40) | people(40, first=100)  # twice as many: guard `size`


def problem() -> None:
    with connect() as session:
        session.execute("insert into activation.audience_problems values (%s, 'lost', 'query_failed', 'x')", [TOMORROW])


def denied(purpose: str = "marketing", customer: str = "k0001") -> None:
    with connect() as session:
        session.execute("insert into activation.consents values (%s, 'email', %s, 'denied')", [customer, purpose])


def erased() -> None:
    with connect() as session:
        session.execute("insert into pii.erasure_salt (salt) values ('salt')")
        session.execute("insert into ops.erasures values ('e', '2017-10-01 00:00+00', 'ann', null, 1, 1)")
        session.execute(
            "insert into pii.erased_addresses select 'e', 'email', pii.erasure_hash('email', 'p1@example.com')"
        )


def rejected() -> None:
    export.plans(TOMORROW, FREE)
    with connect() as session:
        assert approval.reject(session, NAME, "ann")


def break_verdicts() -> None:
    with connect() as session:
        session.execute("delete from marts.customer_360 where customer_key = 'k0100'")


WHY = {
    "waits": (FREE, lambda: None, None),
    "was rejected": (FREE, rejected, None),
    "is stopped": (FREE, problem, GateError),
    "is gone from config": (settings(audiences=("other",)), lambda: None, None),
    "cannot be planned": (FREE, break_verdicts, GateError),
}


def there() -> None:
    """Forty members, and eighty who are to be there tomorrow."""
    decide(MANY)
    export.run(NIGHT, settings(guards={"first": False, "size": None}))
    decide(NEW, as_of=TOMORROW)
    Destination.told.clear()


SAID = {"a tool": lambda: opt_out("P1@example.com "), "a source": denied, "the court": erased}


@pytest.mark.parametrize(
    ("why", "to"), [(why, "a tool") for why in WHY] + [("waits", "a source"), ("waits", "the court")]
)
def test_who_said_no_leaves_although_her_plan(rows, why, to):
    asked, happens, error = WHY[why]
    there()
    SAID[to]()
    happens()
    for _ in range(2):
        with pytest.raises(error) if error else nullcontext():
            export.run(TOMORROW, asked)
        assert Destination.told == [("remove", "k0001")], "once, and nothing but that"
    assert on_shelf() == set(MANY.values()) - {"p1@example.com"}
    (row,) = rows("select audience, removes, status from activation.withdrawals")
    assert tuple(row.values()) == ("lost", 1, "done")
    found = rows("select op, status from activation.export_rows where plan like '%%.withdrawn'")
    assert found == [{"op": "remove", "status": "done"}]
    assert not {row["customer_key"] for row in rows("select customer_key from pii.destination_members")} & {"k0001"}


def test_who_only_left_the_audience_or_never_said_yes_waits_with_the_plan():
    there()
    opt_out("p1@example.com", channel="sms")
    denied(purpose="service", customer="k0002")
    decide({key: address for key, address in NEW.items() if key != "k0003"}, as_of=TOMORROW)
    assert export.run(TOMORROW, FREE) == 0
    assert Destination.told == []


def test_of_an_audience_nobody_configures_any_more_a_no_to_any_purpose_counts():
    there()
    denied(purpose="service", customer="k0002")
    export.run(TOMORROW, settings(audiences=("other",)))
    assert Destination.told == [("remove", "k0002")]


def test_who_merged_meanwhile_leaves_under_her_old_key():
    there()
    with connect() as session:
        session.execute("insert into intermediate.int_former_keys values ('k0001', 'k0002')")
    denied(customer="k0002")
    export.run(TOMORROW, FREE)
    assert sorted(Destination.told) == [("remove", "k0001"), ("remove", "k0002")]


def test_an_address_that_somebody_else_keeps_stays_and_she_is_forgotten(rows):
    decide({"ann": "home@example.com", "bob": "home@example.com"} | MANY)
    export.run(NIGHT, settings())
    decide(NEW, as_of=TOMORROW)
    Destination.told.clear()
    denied(customer="ann")
    export.run(TOMORROW, FREE)
    assert Destination.told == []
    assert rows("select customer_key from pii.destination_members where address = 'home@example.com'") == [
        {"customer_key": "bob"}
    ]


def test_a_whole_file_is_written_without_her_and_without_anybody_new(monkeypatch):
    written = []

    class File(AtOnce):
        """Remembers what it was given."""

        def deliver(self, delivery):
            members = list(delivery.members())
            written.append(({m.address for m in members}, delivery.valid_until))
            yield from super().deliver(replace(delivery, members=lambda: iter(members)))
            self.receipt = {"path": f"{delivery.as_of}", "sha256": str(len(written))}

    monkeypatch.setattr(
        registry, "kinds", lambda: {"shelf": SimpleNamespace(Settings=shelf.Settings, Destination=File)}
    )
    there()
    opt_out("p1@example.com")
    export.run(TOMORROW, FREE)
    export.run(TOMORROW, FREE)
    days = timedelta(days=FREE.audiences.audiences["lost"].valid_days)
    assert written == [
        (set(MANY.values()), NIGHT + days),
        (set(MANY.values()) - {"p1@example.com"}, NIGHT + days),  # nobody new, and no day longer
    ]


def test_many_who_say_no_trip_no_guard_and_leave_with_the_plan():
    there()
    left = {key: address for key, address in MANY.items() if key > "k0012"}
    for key in MANY.keys() - left.keys():
        denied(customer=key)
    decide(left, as_of=TOMORROW)
    assert export.plans(TOMORROW, FREE) == {}
    assert export.run(TOMORROW, FREE) == 27
    assert on_shelf() == set(left.values())


def test_all_who_say_no_leave_an_empty_list_and_nobody_is_asked():
    decide(people(3))
    export.run(NIGHT, FREE)
    decide({}, as_of=TOMORROW)
    for key in people(3):
        denied(customer=key)
    assert export.run(TOMORROW, FREE) == 0
    assert on_shelf() == set()


@pytest.mark.parametrize("again", [False, True], ids=["before it went", "after it went"])
def test_a_member_who_opts_out_between_decision_and_sending_leaves_that_night(rows, again):
    decide(MANY)
    export.run(NIGHT, FREE)
    decide(MANY, as_of=TOMORROW)
    if again:
        export.run(TOMORROW, FREE)
    Destination.told.clear()
    opt_out("p1@example.com")
    assert export.run(TOMORROW, FREE) == 39
    assert Destination.told == [("remove", "k0001")]
    assert on_shelf() == set(MANY.values()) - {"p1@example.com"}
    found = rows("select op, status from activation.export_rows where plan = %s", NAME)
    assert found == [{"op": "remove", "status": "done"}]


def test_a_member_who_has_a_new_address_and_opts_out_leaves_under_the_old_one():
    decide(people(3))
    export.run(NIGHT, FREE)
    decide(people(3) | {"k0001": "new@example.com"}, as_of=TOMORROW)
    export.plans(TOMORROW, FREE)
    opt_out("new@example.com")
    export.run(TOMORROW, FREE)
    assert on_shelf() == {"p0@example.com", "p2@example.com"}


@pytest.mark.parametrize("waits", [False, True], ids=["her audience goes out", "her audience waits"])
@pytest.mark.parametrize("later", [NIGHT, TOMORROW], ids=["the same night", "the next night"])
def test_who_was_being_told_of_when_it_broke_off_and_then_said_no_is_taken_out(rows, waits, later):
    decide(people(5))
    Destination.break_after = 2  # two are told, the second batch is never acknowledged
    Destination.batch = 5
    with pytest.raises(RetriableError):
        export.run(NIGHT, FREE)
    Destination.break_after, Destination.batch = None, 2
    assert on_shelf() == {"p0@example.com", "p1@example.com"}
    opt_out("p1@example.com")
    if later == TOMORROW or waits:
        decide({"k0000": "p0@example.com"} if not waits else people(60, first=100), as_of=later)
    export.run(later, settings(guards={"first": True}) if waits else FREE)
    assert "p1@example.com" not in on_shelf()
    assert not rows("select from pii.destination_members where address = 'p1@example.com'")


def test_what_was_withdrawn_before_the_plan_went_is_not_taken_out_twice(rows):
    there()
    decide(people(39), as_of=TOMORROW)  # p39 leaves, and nobody minds
    export.plans(TOMORROW, FREE)
    opt_out("p39@example.com")
    assert export.run(TOMORROW, FREE) == 39
    export.run(TOMORROW, FREE)
    assert Destination.told == [("remove", "k0039")]


def test_while_a_tool_is_silent_who_is_known_to_have_said_no_leaves_and_nobody_comes():
    there()
    opt_out("p1@example.com")
    decide(people(45), as_of=TOMORROW)
    with pytest.raises(FatalError, match="the key of the shelf expired"):
        export.run(TOMORROW, FREE, silent={"shelf": FatalError("the key of the shelf expired")})
    assert Destination.told == [("remove", "k0001")]
    export.run(TOMORROW, FREE)
    assert on_shelf() == set(people(45).values()) - {"p1@example.com"}


class Night:
    """A night that ended before anything was sent: blocked by the gate, or not even built."""

    def __init__(self, monkeypatch, built: bool):
        monkeypatch.setattr(night.config, "load", lambda: FREE)
        with connect() as session:
            session.execute(
                "insert into ops.nights (as_of, build_started_at, built_at) values "
                "(%s, '2017-10-01 00:00+00', '2017-10-01 00:00+00'), (%s, %s, %s)",
                [NIGHT, TOMORROW, *["2017-10-02 00:00+00" if built else None] * 2],
            )


@pytest.mark.parametrize("said", ["tool", "source"])
def test_a_closed_gate_keeps_nobody_in_a_list_and_lets_nobody_in(monkeypatch, said):
    there()
    Night(monkeypatch, built=True)
    opt_out("p1@example.com") if said == "tool" else denied()
    with pytest.raises(GateError):
        night.send(TOMORROW)
    assert night.withdraw(TOMORROW) == 1
    assert Destination.told == [("remove", "k0001")]
    assert night.withdraw(TOMORROW) == 0


def test_of_a_night_that_was_not_built_what_was_loaded_counts(monkeypatch):
    there()
    Night(monkeypatch, built=False)
    loaded(TOMORROW)
    assert night.withdraw(TOMORROW) == 1
    assert Destination.told == [("remove", "k0001")]


def test_a_night_before_the_newest_takes_nobody_out(monkeypatch):
    there()
    Night(monkeypatch, built=True)
    opt_out("p1@example.com")
    assert night.withdraw(NIGHT) == 0
    assert Destination.told == []


def test_nobody_said_anything_before_the_first_night(monkeypatch):
    monkeypatch.setattr(night.config, "load", lambda: FREE)
    assert night.withdraw(NIGHT) == 0


def warnings(rows) -> list[str]:
    return [row["message"] for row in rows("select message from ops.gate_results where check_name <> 'lists of tools'")]


def exposed(rows, as_of) -> list[str]:
    query = "select customer_key from activation.contact_ledger where is_still_there and as_of = %s order by 1"
    return [row["customer_key"] for row in rows(query, as_of)]


@pytest.mark.parametrize("how", ["rejected", "failed", "never answered"])
def test_a_removal_that_failed_is_told_of_counts_as_written_to_and_is_tried_every_night(rows, how):
    decide(people(5))
    export.run(NIGHT, FREE)
    if how == "never answered":
        Destination.break_after = len(Destination.told)
    else:
        setattr(Destination, "reject" if how == "rejected" else "fail", {"k0001"})
    nights = [NIGHT + timedelta(days=n) for n in (1, 2)]
    for as_of in nights:
        decide(people(1) | people(3, first=2), as_of=as_of)
        with pytest.raises(RetriableError) if how != "rejected" else nullcontext():
            export.run(as_of, FREE)
        (said,) = warnings(rows)
        assert said.startswith("still in a tool's list although to be taken out: lost of shelf (1).")
        assert exposed(rows, as_of) == ["k0001"]
        with connect() as session:
            session.execute("delete from ops.gate_results")
    assert {
        r["contacted_on"] for r in rows("select contacted_on from activation.contact_ledger where is_still_there")
    } == {as_of + timedelta(days=1) for as_of in nights}
    Destination.reject, Destination.fail, Destination.break_after = set(), set(), None
    last = nights[-1] + timedelta(days=1)
    decide(people(1) | people(3, first=2), as_of=last)
    export.run(last, FREE)
    assert "p1@example.com" not in on_shelf()
    assert (warnings(rows), exposed(rows, last)) == ([], [])


def test_once_it_succeeds_the_same_night_she_counts_no_more(rows):
    decide(people(2))
    export.run(NIGHT, FREE)
    decide(people(1), as_of=TOMORROW)
    Destination.fail = {"k0001"}
    with pytest.raises(RetriableError):
        export.run(TOMORROW, FREE)
    Destination.fail = set()
    export.run(TOMORROW, FREE)
    assert (warnings(rows), exposed(rows, TOMORROW)) == ([], [])


def test_who_waits_for_approval_to_leave_counts_as_written_to_and_is_no_warning(rows):
    decide(MANY)
    export.run(NIGHT, FREE)
    decide(people(20), as_of=TOMORROW)
    export.run(TOMORROW, FREE)
    assert exposed(rows, TOMORROW) == sorted(MANY.keys() - people(20).keys())
    assert warnings(rows) == []


def test_people_in_a_list_of_a_destination_that_is_gone_are_told_of(rows):
    there()
    opt_out("p1@example.com")
    export.run(TOMORROW, settings(destinations=("another",)))
    (said,) = warnings(rows)
    assert "lost of shelf (1). Take them out there" in said
    assert Destination.told == []
