"""A warehouse whose verdicts a test writes, and a shelf to export them to."""

import pytest
import shelf

from perennial.destinations import registry
from perennial.warehouse.database import connect
from verdicts import TABLES


@pytest.fixture
def stocked(warehouse, monkeypatch):
    monkeypatch.setattr(registry, "kinds", lambda: {"shelf": shelf.MODULE})
    shelf.clean()
    with connect() as session:
        session.execute(TABLES)
