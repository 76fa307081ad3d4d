"""`perennial sources again` sets stored cursors back, and the next night reads what changed since, once."""

from datetime import date, timedelta

import pytest
from click.testing import CliRunner

from perennial import cli, config
from perennial.connections import Connection
from perennial.errors import ConfigError
from perennial.sources.extract import extract
from perennial.sources.sql import Settings
from perennial.warehouse import loader
from perennial.warehouse.rewind import rewind

pytestmark = pytest.mark.server

NIGHT = date(2026, 1, 5)
COLUMNS = {"order_id": "no", "customer_id": "who", "ordered_at": "at", "amount": "amount", "changed_at": "changed"}
COLUMNS |= {"status": {"constant": "placed"}, "currency": {"constant": "USD"}}


@pytest.fixture
def shop(state, warehouse):
    """Ten orders of ten months, loaded by a night; then one turns up that was committed late, dated in March."""
    import sqlite3

    with sqlite3.connect(state / "shop.db") as session:
        session.execute("create table orders (no text, who text, at text, amount text, changed text)")
        for n in range(1, 11):
            session.execute("insert into orders values (?, 'ann', ?, '5', ?)", [n, *[f"2025-{n:02}-10 10:00:00"] * 2])
    night(state, NIGHT)
    with sqlite3.connect(state / "shop.db") as session:
        session.execute("insert into orders values ('late', 'ann', '2025-03-10 10:00', '5', '2025-03-11 10:00:00')")
    return state


def settings() -> Settings:
    orders = {"table": "orders", "cursor": "changed", "columns": COLUMNS}
    entities = {
        "orders": orders,
        "customers": {"table": "orders", "columns": {"customer_id": "who", "registered_at": "at"}},
    }
    return Settings(
        kind="sql", connection="shop", timezone="America/New_York", overlap_days=1, sweep="never", entities=entities
    )


def night(state, as_of: date) -> dict[str, loader.Loaded]:
    batches = extract("it", settings(), Connection("sqlite", database=str(state / "shop.db")), as_of)
    return {batch.entity: loader.load(batch, settings(), ("USD",)) for batch in batches}


def test_what_changed_since_that_day_is_read_again_and_only_what_is_new_is_stored(shop):
    assert night(shop, NIGHT + timedelta(1))["orders"].new == 0, "the cursor has passed it"
    assert rewind("it", settings(), [], date(2025, 3, 1)) == ["orders"]
    assert loader.positions("it")["orders"]["newest"] == "2025-03-01T00:00:00-05:00"
    again = night(shop, NIGHT + timedelta(2))["orders"]
    assert (again.landed, again.new) == (9, 1)
    assert night(shop, NIGHT + timedelta(3))["orders"].landed == 1, "and goes on from where it was"


def test_a_cursor_is_never_set_forward(shop):
    with pytest.raises(ConfigError, match="source 'it': no cursor lies after 2026-01-01"):
        rewind("it", settings(), ["orders"], date(2026, 1, 1))


def test_an_entity_that_is_not_there_and_files_are_refused(warehouse):
    with pytest.raises(ConfigError, match="source 'it' has no entity 'refunds'; it has orders, customers"):
        rewind("it", settings(), ["refunds"], NIGHT)
    with pytest.raises(ConfigError, match="a file is read again when it is delivered again"):
        rewind("click_collect", config.load().sources.sources["click_collect"], [], NIGHT)
    said = CliRunner().invoke(cli.cli, ["sources", "again", "webshop", "--since", "2025-01-01"])
    assert "no source 'webshop' in config/sources.yml; it has shop, click_collect" in str(said.exception)
