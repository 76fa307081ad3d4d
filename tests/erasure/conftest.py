"""A shop of the test's own, one night old."""

import pytest
from erased_shop import TABLES, Shop

from perennial.warehouse.database import connect


@pytest.fixture
def shop(warehouse, state, config_folder) -> Shop:
    with connect() as session:
        session.execute(TABLES)
    made = Shop(state, config_folder)
    made.night()
    return made
