"""A tool that holds lists is told by the next plan that she is out; her address is kept until then, and no longer."""

from datetime import timedelta

import erased_shop as world
import pytest
import shelf
from shelf import Destination

from perennial import config
from perennial.activation import export
from perennial.destinations import registry
from perennial.erasure import by_hand
from perennial.warehouse.database import connect
from verdicts import TABLES, decide

pytestmark = pytest.mark.server

NIGHT, TOMORROW = world.NIGHT, world.NIGHT + timedelta(days=1)
ANN, BO = world.KEY, world.key("it", "1012")


@pytest.fixture
def listed(shop, monkeypatch) -> config.Config:
    """Ann and Bo are on a list of a tool."""
    settings = shelf.settings()
    monkeypatch.setattr(registry, "kinds", lambda: {"shelf": shelf.MODULE})
    monkeypatch.setattr(config, "load", lambda: settings)
    shelf.clean()
    with connect() as session:
        for table in TABLES.split(";"):
            if table.strip() and not any(there in table for there in ("int_customer_keys", "int_gone_records")):
                session.execute(table)
    decide({ANN: "ann@example.com", BO: "bo@example.com"}, as_of=NIGHT)
    export.run(NIGHT, settings)
    assert set(Destination.shelf["lost"]) == {"ann@example.com", "bo@example.com"}
    return settings


def test_the_next_plan_takes_her_out_and_then_her_address_is_gone(listed, rows):
    done = world.erased()
    assert done.waiting == [("shelf", "lost")]
    assert done.proof.hits == 0
    assert any(line.startswith("shelf (shelf): the next plan takes her out") for line in done.by_hand)
    assert len(rows("select from pii.destination_members where address = 'ann@example.com'")) == 1
    Destination.told.clear()
    decide({BO: "bo@example.com"}, as_of=TOMORROW)
    export.run(TOMORROW, listed)
    (removal,) = Destination.told
    assert removal[0] == "remove"
    assert removal[1] != ANN
    assert set(Destination.shelf["lost"]) == {"bo@example.com"}
    assert world.traces(world.everything()) == []


def test_a_message_cannot_be_taken_back_so_nothing_waits(listed, rows, monkeypatch):
    monkeypatch.setattr(shelf.Destination, "at_most_once", True)
    assert by_hand.without_removal(listed) == ["shelf"]
    assert world.erased().waiting == []
    assert world.traces(world.everything()) == []
