"""`perennial sources check` shows what a night would load, and leaves nothing behind."""

import pytest
from click.testing import CliRunner

from perennial import cli, config, paths
from perennial.sources import registry
from perennial.sources.base import Column
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


def test_a_phone_number_is_shown_as_it_will_be_stored_not_as_it_was_delivered(warehouse, drop_folder):
    lines = [GOOD.format(n=n).replace(f"+1413555000{n}", number) for n, number in ((1, "413 555-0101"), (2, "no. 5"))]
    (drop_folder / "click_collect_2017-07-01.csv").write_text("\n".join([HEAD, *lines]) + "\n")
    source = config.load().sources.sources["click_collect"].model_copy(update={"default_country": "US"})
    seen = next(one for one in previews("click_collect", source, None, ("USD",), None) if one.entity == "customers")
    phone = seen.columns.index("phone")
    assert [row[phone] for row in seen.examples] == ["+***", "n***"]
    assert "phone numbers that are valid in no stated country: 1, such as n***" in seen.notes


def test_what_the_weekly_sweep_leaves_out_is_said_with_the_reason(shop, example_of):
    assert "the weekly sweep leaves it out: a file holds what is new, not everything" in check("click_collect").output
    stripe = example_of("stripe")
    seen = {one.entity: one for one in previews("it", stripe.settings(), stripe.connection(), ("USD",), 1000)}
    said = {entity for entity, one in seen.items() if any("weekly sweep" in note for note in one.notes)}
    assert said == {"events"}


@pytest.mark.parametrize("phone", ["+14135550001", "413 555-0001", "ask for Ann"])
def test_a_phone_number_that_is_an_id_is_no_more_shown_than_one_that_is_not(warehouse, drop_folder, phone):
    line = GOOD.format(n=1).replace("+14135550001", phone)
    (drop_folder / "click_collect_2017-07-01.csv").write_text(f"{HEAD}\n{line}\n")
    source = config.load().sources.sources["click_collect"].model_copy(deep=True)
    source.entities["orders"].columns["customer_id"] = Column(**{"from": "mobile"})
    source.entities["consents"].columns["status"] = Column(**{"from": "mobile"})  # is none, and refused
    seen = {one.entity: one for one in previews("click_collect", source, None, ("USD",), None)}
    assert [row[1] for row in seen["orders"].examples] == [f"{phone[:1]}***"]
    assert [one.value for one in seen["consents"].rejected] == [f"{phone[:1]}***"]
    assert phone not in str(seen)


def test_amounts_and_times_are_shown_however_many_digits_they_have(warehouse, drop_folder):
    line = GOOD.format(n=1).replace("10.50", "1234567.50")
    (drop_folder / "click_collect_2017-07-01.csv").write_text(f"{HEAD}\n{line}\n")
    said = check("click_collect").output
    assert "1234567.5000" in said
    assert "2017-07-01 23:30:00" in said


@pytest.mark.parametrize(
    ("value", "said"),
    [("[/promo]", "[/promo]"), ("[red]x", "[red]x"), ("\x1b[2Jx", "\\x1b[2Jx"), ("\u202ex", "\\u202ex")],
)
def test_what_a_source_delivers_is_text_and_nothing_a_terminal_would_act_on(warehouse, drop_folder, value, said):
    lines = [HEAD, GOOD.format(n=1).replace("CC-1", value), GOOD.format(n=2).replace("collected", value)]
    (drop_folder / "click_collect_2017-07-01.csv").write_text("\n".join(lines) + "\n")
    shown = check("click_collect")
    assert shown.exit_code == 0, shown.output
    assert f"value_not_allowed in state, e.g. '{said}'" in shown.output
    assert f" {said} " in shown.output
    assert value == said or value not in shown.output


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
