"""Whatever is wrong with one destination is named and accounted for, and the others have their people."""

import pytest
from exported import TOMORROW, decide_for, people, place, rows_of, settings
from test_every_destination import channels_of, harness_of
from twins.harness import AUDIENCE

from http_twin import Answer
from perennial import paths
from perennial.activation import export, opt_outs
from perennial.destinations import registry
from perennial.errors import FatalError, PerennialError, RetriableError
from perennial.warehouse.database import connect
from verdicts import NIGHT, TABLES

pytestmark = pytest.mark.server

GARBAGE = {
    "html": b"<html>busy</html>",
    "cut off": b'{"data": {"id": "x", "attri',
    "wrong types": {"data": 5, "id": [], "job_id": {}, "processId": "x", "sid": 7, "lists": 1, "result": "no"},
}


@pytest.fixture(params=[kind for kind in registry.kinds() if kind != "files"])
def vendor(request, warehouse, time):
    harness = harness_of(request.param)(channels_of(request.param)[0])
    if harness.twin is None:
        pytest.skip("there is no vendor")
    with connect() as session:
        session.execute(TABLES)
    yield harness
    harness.close()


@pytest.fixture
def beside(vendor):
    """Files of the same people, after the vendor's in the order of the file."""
    harness = harness_of("files")(vendor.channel)
    decide_for(harness, people(harness, 20), "beside")
    return harness


def wanted(vendor, beside, **more):
    return settings(there=place(vendor, **more), beside=place(beside))


def connections(vendor, key=None):
    return {"vendor": vendor.connection(key or vendor.key)}.get


def filed(beside) -> int:
    path = paths.state() / beside.folder / str(NIGHT) / "of_beside.csv"
    return len(path.read_text().splitlines()) - 1 if path.exists() else -1


def failing(how: type[PerennialError], match: str, asked, lookup) -> str:
    with pytest.raises(how, match=match) as caught:
        export.run(NIGHT, asked, lookup)
    return str(caught.value)


def test_a_wrong_key_is_named_and_nobody_counts_as_told(vendor, beside):
    decide_for(vendor, people(vendor, 20))
    said = failing(FatalError, "connection 'vendor'", wanted(vendor, beside), connections(vendor, "SECRET098765"))
    assert "SECRET" not in said
    assert "done" not in rows_of("there")
    assert filed(beside) == 20
    # with the right key the rest follows
    assert export.run(NIGHT, wanted(vendor, beside), connections(vendor)) == 40
    assert rows_of("there") == {"done": list(people(vendor, 20))}


def test_with_a_wrong_key_the_other_tools_still_tell_who_opted_out(vendor, beside):
    folder = paths.private_folder(paths.state() / beside.folder / "optouts")
    (folder / "a.csv").write_text(f"{'email' if vendor.channel == 'email' else 'phone'}\n{beside.address(3)}\n")
    pulled = opt_outs.pull(NIGHT, wanted(vendor, beside), connections(vendor, "SECRET098765"))
    assert "connection 'vendor'" in str(pulled.failed["there"])
    with connect() as session:
        found = session.execute("select destination, address from pii.opt_outs").fetchall()
    assert [tuple(row.values()) for row in found] == [("beside", beside.address(3))]


def test_others_need_not_wait_for_a_tool_that_does_not_tell_who_opted_out(vendor, beside):
    decide_for(vendor, people(vendor, 20))
    asked = wanted(vendor, beside)
    places = asked.destinations.destinations
    places["there"] = places["there"].model_copy(update={"others_wait": False})
    lookup = connections(vendor, "SECRET098765")
    pulled = opt_outs.pull(NIGHT, asked, lookup)
    assert set(pulled.silent) == {"there"}
    with pytest.raises(FatalError, match="connection 'vendor'"):
        export.run(NIGHT, asked, lookup, pulled.silent)
    assert rows_of("there") == {}
    assert filed(beside) == 20


def test_a_list_deleted_at_the_vendor_is_named_and_its_people_stay_accounted(vendor, beside):
    if vendor.messages:
        pytest.skip("keeps no list")
    decide_for(vendor, people(vendor, 20))
    export.run(NIGHT, wanted(vendor, beside), connections(vendor))
    vendor.delete_list()
    decide_for(vendor, people(vendor, 20), as_of=TOMORROW, stage="silent")
    decide_for(beside, people(beside, 19), "beside", as_of=TOMORROW)
    with pytest.raises(FatalError, match=f"audience '{AUDIENCE}'.*gone"):
        export.run(TOMORROW, wanted(vendor, beside), connections(vendor))
    with connect() as session:
        found = session.execute(
            "select destination, status, error from activation.export_runs where as_of = %s", [TOMORROW]
        )
        runs = {row["destination"]: (row["status"], row["error"]) for row in found}
        members = session.execute("select count(*) as n from pii.destination_members where destination = 'there'")
        assert members.fetchone()["n"] == 20
    assert runs["there"][0] == "failed"
    assert "gone" in runs["there"][1]
    assert runs["beside"] == ("done", None)


@pytest.mark.parametrize("garbage", GARBAGE, ids=str)
def test_garbage_is_named_nobody_is_done_and_when_it_ends_all_are(vendor, beside, garbage):
    decide_for(vendor, people(vendor, 20))
    vendor.twin.fail(Answer(200, GARBAGE[garbage]), "", times=10_000)
    asked = wanted(vendor, beside)
    if vendor.messages:  # each may have been sent: all are accounted for, and none is sent again
        export.run(NIGHT, asked, connections(vendor))
        assert rows_of("there") == {"handed_over": list(people(vendor, 20))}
        assert filed(beside) == 20
        vendor.twin.faults.clear()
        export.run(NIGHT, asked, connections(vendor))
        assert vendor.twin.messages == []
        return
    failing(RetriableError, "not what the vendor promises|not JSON|rows failed", asked, connections(vendor))
    assert set(rows_of("there")) <= {"failed", "planned"}
    assert filed(beside) == 20
    vendor.twin.faults.clear()
    export.run(NIGHT, asked, connections(vendor))
    assert rows_of("there") == {"done": list(people(vendor, 20))}


def test_numbers_and_addresses_that_the_vendor_does_not_take_are_rejected_one_by_one(vendor, beside):
    bad = [vendor.address(n) for n in (4, 7)]
    for address in bad:
        vendor.twin.landlines.add(address) if vendor.messages else vendor.spoil(address)
    decide_for(vendor, people(vendor, 20))
    export.run(NIGHT, wanted(vendor, beside), connections(vendor))
    assert rows_of("there")["rejected"] == ["k004", "k007"]
    assert len(rows_of("there")["done"]) == 18
    with connect() as session:
        errors = session.execute("select error from activation.export_rows where status = 'rejected'").fetchall()
    assert all(row["error"] and not any(address in row["error"] for address in bad) for row in errors)


def test_an_audience_of_nobody_asks_nothing_and_one_that_became_empty_is_emptied(vendor, beside):
    asked = wanted(vendor, beside)
    decide_for(vendor, {})
    export.run(NIGHT, asked, connections(vendor))
    assert vendor.twin.calls == []
    assert filed(beside) == 20
    decide_for(vendor, people(vendor, 20))
    export.run(NIGHT, asked, connections(vendor))
    decide_for(vendor, {}, as_of=TOMORROW)
    decide_for(beside, {}, "beside", as_of=TOMORROW)
    assert export.run(TOMORROW, asked, connections(vendor)) == 0
    with connect() as session:
        assert session.execute("select count(*) as n from pii.destination_members").fetchone()["n"] == 0
    if not vendor.messages:
        assert vendor.people() == {}
    empty = paths.state() / beside.folder / str(TOMORROW) / "of_beside.csv"
    assert len(empty.read_text().splitlines()) == 1, "the header"
    assert vendor.twin.violations == []
