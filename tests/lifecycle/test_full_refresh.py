"""What a full refresh by hand must not do to the timeline."""

from datetime import date

import pytest

from perennial import config, transform
from perennial.errors import FatalError
from perennial.warehouse.database import connect

pytestmark = pytest.mark.server


def test_episodes_in_full_without_the_lists_they_read_are_refused_and_stay(warehouse, rows):
    with connect() as session:
        session.execute("create table intermediate.int_episodes (customer_key text)")
        session.execute("insert into intermediate.int_episodes values ('ann')")
    with pytest.raises(FatalError, match="int_episodes in full needs int_changed_customers in the same run: select"):
        transform.run(
            ["run", "--full-refresh", "--select", "int_episodes"], config.load(), date(2017, 9, 30), warehouse
        )
    assert rows("select * from intermediate.int_episodes") == [{"customer_key": "ann"}]
