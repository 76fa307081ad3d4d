"""`perennial sources check` shows what a night would load, and leaves nothing behind."""

import pytest
from click.testing import CliRunner

from perennial import cli, config, paths
from perennial.sources import registry
from perennial.warehouse import contract
from perennial.warehouse.preview import previews

pytestmark = pytest.mark.server

HEAD = "pickup_ref,kundenmail,mobile,placed_local,basket_value,cur,state,newsletter"
GOOD = "CC-{n},person{n}@example.com,+1413555000{n},2017-07-01 23:30:00,{n}0.50,USD,collected,Y"
BROKEN = "CC-9,nine@example.com,,2017-07-01 23:30:00,12;5O,USD,collected,Y"
TRACES = """
    select (select count(*) from ops.batches) + (select count(*) from ops.cursors) + (select count(*) from raw.orders)
        + (select count(*) from quarantine.rejected_rows) as n
"""


@pytest.fixture
def shop(warehouse, drop_folder):
    """A file of five orders, one of them broken; the other source of config/ is not configured."""
    lines = [HEAD, *(GOOD.format(n=n) for n in range(1, 5)), BROKEN]
    (drop_folder / "click_collect_2017-07-01.csv").write_text("\n".join(lines) + "\n")


def check(*arguments: str):
    return CliRunner().invoke(cli.cli, ["sources", "check", *arguments])


def test_rows_are_shown_as_the_contract_has_them_and_what_is_wrong_is_counted(shop):
    said = check("click_collect")
    assert said.exit_code == 0, said.output
    assert "click_collect.orders: 5 rows, 1 of them would be rejected" in said.output
    assert "1 x not_a_number in basket_value, e.g. '12;5O'" in said.output
    assert "40.5000" in said.output
    assert "placed" in said.output


def test_no_contact_detail_is_shown(shop):
    said = check("click_collect")
    assert "click_collect.customers: 5 rows" in said.output
    assert "p***" in said.output
    assert "example.com" not in said.output
    assert "1413555" not in said.output


def test_nothing_is_landed_stored_or_moved_on(shop, rows):
    before = config.load().sources.sources["click_collect"]
    for _ in range(2):
        assert "5 rows" in check("click_collect", "--all").output
    assert rows(TRACES) == [{"n": 0}]
    assert not (paths.state() / "landing").exists()
    assert config.load().sources.sources["click_collect"] == before


def test_only_so_many_rows_are_read(shop):
    said = check("click_collect", "--rows", "2")
    assert "click_collect.orders: the first 2 rows, 0 of them would be rejected" in said.output


def test_a_source_that_cannot_be_read_is_named_and_holds_up_no_other(shop):
    said = check()
    assert said.exit_code == 1
    assert "connection 'shop' is not configured. Set AIRFLOW_CONN_SHOP" in said.output
    assert "click_collect.orders: 5 rows" in said.output
    assert "Error: shop: not all could be read" in said.output


def test_a_source_that_is_not_there_is_refused(shop):
    said = check("webshop")
    assert "no source 'webshop' in config/sources.yml; it has shop, click_collect" in str(said.exception)


@pytest.mark.parametrize("kind", sorted(registry.kinds()))
def test_every_kind_can_be_looked_at(kind, example_of, warehouse):
    example = example_of(kind)
    source = example.settings()
    seen = {one.entity: one for one in previews("it", source, example.connection(), ("USD",), 1000)}
    assert list(seen) == list(source.entities)
    for entity, one in seen.items():
        assert one.columns == [c.name for c in contract.ENTITIES[entity].columns if c.name in one.columns]
        assert not one.rejected
    assert seen["orders"].examples
    assert "example.com" not in str(seen)


def test_of_a_shop_with_an_api_only_what_changed_lately_is_asked_for(example_of, warehouse):
    example = example_of("shopify")  # orders 11 and 12 are 40 and 20 days old
    found = {one.entity: one for one in previews("it", example.settings(), example.connection(), ("USD",), None)}
    assert [row[0] for row in found["orders"].examples] == ["12"]
