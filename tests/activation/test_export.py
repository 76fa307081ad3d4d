"""What a destination has is what was decided, whatever happens on the way; surprises wait for a person."""

from contextlib import nullcontext
from datetime import UTC, datetime, timedelta

import pytest
import shelf
from shelf import Destination, Killed, on_shelf, people, settings

from perennial.activation import approval, export, plan
from perennial.activation.guards import Counts, tripped
from perennial.destinations.base import Guards
from perennial.errors import FatalError, GateError, RetriableError
from perennial.warehouse.database import connect
from verdicts import NIGHT, decide

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("stocked")]

TOMORROW = NIGHT + timedelta(days=1)


def runs(rows) -> list[tuple]:
    columns = "audience, status, members_before, members, adds, updates, removes, tripped"
    return [tuple(r.values()) for r in rows(f"select {columns} from activation.export_runs order by as_of, audience")]


def test_a_destination_is_told_only_what_it_does_not_know(rows):
    decide(people(5))
    assert export.run(NIGHT, settings()) == 5
    assert on_shelf() == set(people(5).values())
    Destination.told.clear()
    decide(people(5, first=1), as_of=TOMORROW)
    assert export.run(TOMORROW, settings()) == 5
    assert sorted(Destination.told) == [("add", "k0005"), ("remove", "k0000")]
    assert on_shelf() == set(people(5, first=1).values())
    assert runs(rows) == [("lost", "done", 0, 5, 5, 0, 0, []), ("lost", "done", 5, 5, 1, 0, 1, [])]


def test_who_came_in_is_counted_as_written_to_once(rows):
    decide(people(3))
    export.run(NIGHT, settings())
    export.run(NIGHT, settings())
    decide(people(3), as_of=TOMORROW, stage="silent")
    export.run(TOMORROW, settings())
    found = rows("select customer_key, as_of, contacted_on from activation.contact_ledger order by 1")
    assert [tuple(r.values()) for r in found] == [(key, NIGHT, NIGHT) for key in people(3)]


def test_the_same_night_again_tells_nobody_anything(rows):
    decide(people(5))
    export.run(NIGHT, settings())
    before = rows("select * from pii.destination_members order by customer_key")
    Destination.told.clear()
    assert export.run(NIGHT, settings()) == 5
    assert Destination.told == []
    assert rows("select * from pii.destination_members order by customer_key") == before


def test_somebody_who_changed_is_updated_and_a_new_address_replaces_the_old_one():
    decide(people(3))
    export.run(NIGHT, settings())
    Destination.told.clear()
    decide(people(3), as_of=TOMORROW, stage="silent")
    export.run(TOMORROW, settings())
    assert {op for op, _ in Destination.told} == {"update"}
    assert {one["stage"] for one in Destination.shelf["lost"].values()} == {"silent"}
    Destination.told.clear()
    decide(people(3) | {"k0000": "new@example.com"}, as_of=TOMORROW, stage="silent")
    export.run(TOMORROW, settings())
    assert Destination.told == [("remove", "k0000"), ("add", "k0000")]
    assert on_shelf() == {"new@example.com", "p1@example.com", "p2@example.com"}


def test_an_address_that_two_people_share_stays_where_one_of_them_does(rows):
    decide({"ann": "home@example.com", "bob": "home@example.com", "eve": "eve@example.com"})
    export.run(NIGHT, settings())
    decide({"bob": "home@example.com"}, as_of=TOMORROW)
    export.run(TOMORROW, settings())
    assert on_shelf() == {"home@example.com"}
    assert rows("select customer_key from pii.destination_members") == [{"customer_key": "bob"}]


def test_who_takes_over_an_address_can_leave_again_though_her_plan_never_went_out():
    decide({"ann": "home@example.com", "eve": "eve@example.com"})
    export.run(NIGHT, settings())
    decide({"bob": "home@example.com", "eve": "eve@example.com"}, as_of=TOMORROW)
    export.plans(TOMORROW, settings())  # it waits, or what was to send it was lost
    assert on_shelf() == {"home@example.com", "eve@example.com"}
    decide({"eve": "eve@example.com"}, as_of=TOMORROW + timedelta(days=1))  # bob opted out
    export.run(TOMORROW + timedelta(days=1), settings())
    assert on_shelf() == {"eve@example.com"}


def test_two_who_swap_their_addresses_both_stay(rows):
    decide({"ann": "one@example.com", "bob": "two@example.com"})
    export.run(NIGHT, settings())
    decide({"ann": "two@example.com", "bob": "one@example.com"}, as_of=TOMORROW)
    export.run(TOMORROW, settings())
    assert on_shelf() == {"one@example.com", "two@example.com"}
    found = rows("select customer_key, address from pii.destination_members order by 1")
    assert [tuple(row.values()) for row in found] == [("ann", "two@example.com"), ("bob", "one@example.com")]


def test_nobody_is_taken_out_who_came_by_another_way():
    Destination.shelf["lost"] = {"theirs@example.com": {}}
    decide(people(2))
    export.run(NIGHT, settings())
    decide({}, as_of=TOMORROW)
    export.run(TOMORROW, settings(guards={"first": False, "empty": False}))
    assert on_shelf() == {"theirs@example.com"}


@pytest.mark.parametrize("how", [RetriableError, FatalError, Killed], ids=lambda one: one.__name__)
@pytest.mark.parametrize("after", range(5))
def test_whenever_it_breaks_off_the_next_run_does_the_rest(rows, how, after):
    decide(people(5))
    Destination.break_after, Destination.how = after, how
    with pytest.raises(how):
        export.run(NIGHT, settings())
    Destination.break_after = None
    export.run(NIGHT, settings())
    assert on_shelf() == set(people(5).values())
    assert rows("select count(*) as n from pii.destination_members") == [{"n": 5}]
    assert [row[1] for row in runs(rows)] == ["done"]
    # what was acknowledged before is not told again
    assert len(Destination.told) - 5 <= Destination.batch


@pytest.mark.parametrize("after", range(5))
def test_a_message_is_never_sent_twice_not_even_on_a_later_night(rows, after):
    decide(people(5))
    Destination.break_after, Destination.how = after, Killed
    with pytest.raises(Killed):
        export.run(NIGHT, settings(at_most_once=True))
    Destination.break_after = None
    export.run(NIGHT, settings(at_most_once=True))
    decide(people(5), as_of=TOMORROW)
    export.run(TOMORROW, settings(at_most_once=True))
    keys = [key for _, key in Destination.told]
    assert len(keys) == len(set(keys))
    unknown = rows("select count(*) as n from activation.export_rows where status = 'handed_over'")[0]["n"]
    assert len(keys) + unknown >= 5
    ledger = rows("select customer_key, as_of from activation.contact_ledger order by 1")
    assert [tuple(r.values()) for r in ledger] == [(key, NIGHT) for key in people(5)], "cool-downs count all of them"


def test_who_merged_or_moved_gets_no_second_message_and_stays_in_the_list(rows, monkeypatch):
    for wanted in (settings(at_most_once=True), settings()):
        monkeypatch.setattr(Destination, "at_most_once", wanted.destinations.destinations["shelf"].at_most_once)
        with connect() as session:
            session.execute("truncate activation.export_runs cascade; truncate pii.destination_members")
            session.execute("delete from intermediate.int_former_keys")
        decide(people(3))
        export.run(NIGHT, wanted)
        Destination.told.clear()
        with connect() as session:
            session.execute("insert into intermediate.int_former_keys values ('k0000', 'both'), ('k0001', 'both')")
        decide({"both": "p0@example.com", "k0002": "new@example.com"}, as_of=TOMORROW)
        export.run(TOMORROW, wanted)
        moved = [("update", "k0002")] if Destination.at_most_once else [("add", "k0002"), ("remove", "k0002")]
        assert sorted(Destination.told) == sorted([("remove", "k0001"), *moved])
        found = rows("select customer_key, address from pii.destination_members order by 1")
        assert [tuple(r.values()) for r in found] == [("both", "p0@example.com"), ("k0002", "new@example.com")]
        Destination.told.clear()


@pytest.mark.parametrize(("status", "again"), [("rejected", False), ("failed", True)])
def test_a_message_that_was_refused_counts_as_not_sent(rows, status, again):
    decide(people(2))
    setattr(Destination, "reject" if status == "rejected" else "fail", {"k0000"})
    with pytest.raises(RetriableError) if again else nullcontext():
        export.run(NIGHT, settings(at_most_once=True))
    for table in ("activation.contact_ledger", "pii.destination_members"):
        assert rows(f"select customer_key from {table}") == [{"customer_key": "k0001"}]
    shelf.clean()
    export.run(NIGHT, settings(at_most_once=True))
    assert Destination.told == ([("add", "k0000")] if again else [])


def test_who_is_rejected_is_named_and_who_failed_is_tried_again(rows):
    decide(people(5))
    Destination.reject, Destination.fail = {"k0001"}, {"k0003"}
    with pytest.raises(RetriableError, match=f"{NIGHT}.lost.shelf: 1 rows failed and are sent again"):
        export.run(NIGHT, settings())
    Destination.fail = set()
    Destination.told.clear()
    export.run(NIGHT, settings())
    assert Destination.told == [("add", "k0003")]
    left = rows("select customer_key, status, attempts, error from activation.export_rows where status <> 'done'")
    assert [tuple(r.values()) for r in left] == [("k0001", "rejected", 1, "not liked")]
    assert on_shelf() == set(people(5).values()) - {"p1@example.com"}


def test_one_destination_that_fails_leaves_the_others_alone(rows):
    both = settings(audiences=("lost", "silent"))
    decide(people(2), "lost")
    decide(people(2), "silent")
    with connect() as session:
        session.execute("update activation.audience_members set channel = 'sms' where audience = 'lost'")
    with pytest.raises(GateError, match="lost to shelf: 2 people are to be exported, 0 have an address"):
        export.run(NIGHT, both)
    assert (on_shelf("lost"), on_shelf("silent")) == (set(), set(people(2).values()))


def test_an_audience_that_could_not_be_decided_keeps_its_members_and_others_are_sent(rows):
    both = settings(audiences=("lost", "silent"), guards={"first": False, "empty": False})
    decide(people(3))
    export.run(NIGHT, both)
    decide({}, as_of=TOMORROW)
    decide(people(2, first=10), "silent", as_of=TOMORROW)
    with connect() as session:
        session.execute(
            "insert into activation.audience_problems values (%s, 'lost', 'query_failed', 'division by zero')",
            [TOMORROW],
        )
    assert export.plans(TOMORROW, both) == {}
    with pytest.raises(GateError, match=r"audience lost is stopped: query_failed \(division by zero\)"):
        export.run(TOMORROW, both)
    assert (len(on_shelf()), len(on_shelf("silent"))) == (3, 2)
    assert runs(rows)[2:] == [
        ("lost", "unevaluable", 3, 3, 0, 0, 0, ["unevaluable"]),
        ("silent", "done", 0, 2, 2, 0, 0, []),
    ]
    with connect() as session:
        session.execute("delete from activation.audience_problems")
    export.run(TOMORROW, both)
    assert (on_shelf(), runs(rows)[2][1]) == (set(), "done"), "mended, it is decided as any other"


@pytest.mark.parametrize(
    ("tonight", "guard"),
    [
        (people(40), None),
        (people(32), None),
        (people(31), "removals"),
        (people(31) | people(9, first=100), "removals"),
        (people(52), None),
        (people(53), "size"),
        ({}, "empty"),
    ],
)
def test_a_surprising_plan_waits_and_nobody_is_told(rows, tonight, guard):
    decide(people(40))
    export.run(NIGHT, settings())
    Destination.told.clear()
    decide(tonight, as_of=TOMORROW)
    export.run(TOMORROW, settings())
    *_, run = runs(rows)
    assert run[1] == ("waiting" if guard else "done")
    assert (guard in run[-1]) if guard else run[-1] == []
    assert on_shelf() == set((people(40) if guard else tonight).values())


def test_shares_of_a_handful_surprise_nobody(rows):
    decide(people(3))
    export.run(NIGHT, settings())
    decide(people(1), as_of=TOMORROW)
    export.run(TOMORROW, settings())
    assert on_shelf() == {"p0@example.com"}


@pytest.mark.parametrize(
    ("before", "after", "guards"),
    [(19, 20, []), (19, 3000, ["size"]), (19, 25, ["size"]), (12, 19, []), (20, 3, ["removals", "size"])],
)
def test_a_small_audience_that_becomes_a_great_one_waits(before, after, guards):
    """Shares count as soon as there are twenty, on either side."""
    counts = Counts(before, after, max(after - before, 0), 0, max(before - after, 0))
    assert tripped(counts, Guards()) == guards


def test_what_was_approved_is_sent_and_nothing_else():
    wary = settings(guards={"first": True})
    decide(people(5))
    assert list(export.plans(NIGHT, wary)) == [f"{NIGHT}.lost.shelf"]
    assert export.run(NIGHT, wary) == 0
    with connect() as session:
        assert approval.approve(session, f"{NIGHT}.lost.shelf", "ann")
    decide(people(6))  # the data drifted after the approval
    assert export.run(NIGHT, wary) == 0
    assert on_shelf() == set()
    with connect() as session:
        assert approval.approve(session, f"{NIGHT}.lost.shelf", "ann")
    assert export.run(NIGHT, wary) == 6
    decide(people(6), as_of=TOMORROW)
    assert export.plans(TOMORROW, wary) == {}, "the second export of an audience is none to ask about"


def test_an_approved_plan_that_broke_off_goes_on_without_asking_again(rows):
    wary = settings(guards={"first": True})
    decide(people(30))
    export.plans(NIGHT, wary)
    with connect() as session:
        approval.approve(session, f"{NIGHT}.lost.shelf", "ann")
    Destination.break_after = 10
    with pytest.raises(RetriableError):
        export.run(NIGHT, wary)
    Destination.break_after = None
    assert export.run(NIGHT, wary) == 30
    assert len(on_shelf()) == 30


def test_who_bought_after_the_night_is_left_out(rows):
    decide(people(4))
    morning = datetime(2017, 10, 1, 9, tzinfo=UTC)
    with connect() as session:
        for key, at in (("k0001", morning), ("k0002", morning - timedelta(days=1))):
            session.execute("insert into intermediate.int_customer_keys values ('shop', %s, %s)", [key + "x", key])
            session.execute(
                "insert into raw.orders (source, order_id, customer_id, ordered_at, status, amount, currency, "
                "payload_hash, batch_id, row_no) values ('shop', %s, %s, %s, 'paid', 1, 'USD', "
                "'00000000-0000-0000-0000-000000000000', 'b', 1)",
                [key, key + "x", at],
            )
    export.run(NIGHT, settings())
    assert on_shelf() == set(people(4).values()) - {"p1@example.com"}
    assert rows("select bought_since from activation.export_runs") == [{"bought_since": 1}]


def test_no_address_stands_outside_pii(rows):
    decide(people(3))
    Destination.reject = {"k0001"}
    export.run(NIGHT, settings())
    for table in ("export_runs", "export_rows"):
        assert "@" not in str(rows(f"select t::text as row from activation.{table} as t"))


def test_members_and_changes_show_no_address_when_printed():
    from perennial.destinations.base import Change, Member

    assert "@" not in repr(Change("add", Member("k", "ann@example.com", {"stage": "lost"})))


def test_a_rejected_change_is_forgotten_when_the_plan_is_another(rows):
    decide(people(2))
    Destination.reject = {"k0001"}
    export.run(NIGHT, settings())
    decide(people(1))
    export.run(NIGHT, settings())
    assert [row["customer_key"] for row in rows("select customer_key from activation.export_rows")] == ["k0000"]


def test_an_answer_of_the_warehouse_quotes_nobody_and_leaves_other_audiences_alone(monkeypatch, capsys):
    decide(people(2))
    decide(people(2, first=5), audience="silent")

    def broken(session, made):
        if made.audience == "lost":
            session.execute("select 'p0@example.com'::integer")
        return 0

    monkeypatch.setattr(plan, "drop_opted_out", broken)
    with pytest.raises(RetriableError, match="lost to shelf: the warehouse answered 22P02"):
        export.run(NIGHT, settings(audiences=("lost", "silent")))
    assert "@" not in capsys.readouterr().out
    assert on_shelf("silent") == set(people(2, first=5).values())
