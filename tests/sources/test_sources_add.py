"""`perennial sources add` maps a table by what its columns are called, and writes nothing that is not valid."""

import sqlite3

import pytest
import yaml
from click.testing import CliRunner

from perennial import cli, config
from perennial.connections import Connection
from perennial.errors import ConfigError
from perennial.sources import entry_writer
from perennial.sources.proposal import propose
from perennial.warehouse import contract

pytestmark = pytest.mark.server

BUYERS = "create table buyers (BuyerNo text, Mail text, created_at text)"
SALES = "create table sales (id text, buyer_id text, order_date text, state text, total_cents integer, updated_at text)"


@pytest.fixture
def market(warehouse, config_folder, tmp_path, monkeypatch):
    """A database of two tables, and a config/ of its own."""
    file = tmp_path / "market.db"
    with sqlite3.connect(file) as session:
        session.execute(BUYERS)
        session.execute(SALES)
        session.execute(
            "insert into sales values ('1', 'a', '2017-01-01 10:00:00', 'paid', 1050, '2017-01-02 10:00:00')"
        )
        session.execute(
            "insert into sales values ('2', 'a', '2017-01-01 10:00:00', 'lost', 1050, '2017-01-02 10:00:00')"
        )
        session.execute("insert into buyers values ('a', 'ann@example.com', '2016-12-31 10:00:00')")
    monkeypatch.setenv("AIRFLOW_CONN_MARKET", Connection("sqlite", database=str(file)).to_json())
    return config_folder / "sources.yml"


def run(*arguments: str):
    return CliRunner().invoke(cli.cli, ["sources", *arguments])


def added(*more: str):
    return run("add", "market", "orders=sales", "customers=buyers", "--connection", "market", *more)


def test_what_was_added_can_be_read_at_once(market):
    before = market.read_text()
    said = added()
    assert said.exit_code == 0, said.output
    assert market.read_text().startswith(before.rstrip("\n"))  # comments and all
    entities = config.load().sources.sources["market"].entities
    assert entities["orders"].cursor == "updated_at"
    assert {name: origin.from_ for name, origin in entities["customers"].columns.items()} == {
        "customer_id": "BuyerNo",
        "email": "Mail",
        "registered_at": "created_at",
    }
    seen = run("check", "market").output
    assert "market.orders: 2 rows, 1 of them would be rejected" in seen
    assert "10.5000  USD" in seen
    assert "market.customers: 1 rows, 0 of them" in seen


def test_what_is_guessed_or_unknown_is_told(market):
    said = added().output
    assert "note: orders: no column for currency, so it is always USD" in said
    assert "note: orders: what 'lost' in state means is not known; such rows would be rejected" in said
    assert "note: customers: no column tells when a row changed" in said


def test_a_dry_run_writes_nothing(market):
    before = market.read_bytes()
    assert "order_id: id" in added("--dry-run").output
    assert market.read_bytes() == before


def test_where_a_guess_is_wrong_a_person_says_what_is_right(market):
    added("--map", "orders.ordered_at=updated_at")
    assert config.load().sources.sources["market"].entities["orders"].columns["ordered_at"].from_ == "updated_at"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["market", "orders=orders"], "no table 'orders'; there are buyers, sales"),
        (["market", "orders=buyers"], "nothing is called like order_id; it has BuyerNo, Mail, created_at. Say which"),
        (["market", "sales=sales"], "unknown entity 'sales'; accepted: customers, orders"),
        (["market", "orders=sales", "--map", "orders.when=id"], "--map orders.when: unknown; accepted: orders.amount"),
        (["market", "orders=sales", "--map", "orders.amount=worth"], "no column 'worth'; it has id, buyer_id"),
        (["shop", "orders=sales"], "sources.yml:11: source 'shop' is there already"),
        (["my market", "orders=sales"], "my market"),
        (["market", "orders=sales", "--timezone", "Mars/Base"], "is 'Mars/Base'; accepted: an IANA time zone"),
        (["market", "orders=sales", "--connection", "bazaar"], "connection 'bazaar' is not configured"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_written(market, arguments, said):
    before = market.read_bytes()
    known = [] if "--connection" in arguments else ["--connection", "market"]
    refused = run("add", *arguments, *known)
    assert refused.exit_code == 1
    assert said in str(refused.exception)
    assert market.read_bytes() == before
    assert [file.name for file in market.parent.glob("*.part")] == []


def test_the_sample_shop_is_mapped_as_it_ships():
    """By the names of its columns alone."""
    shipped = config.load().sources.sources["shop"]
    seen = {"status": ["placed", "cancelled", "granted", "denied"], "channel": ["email", "sms"]}
    for name, entity in shipped.entities.items():
        columns = [origin.from_ for origin in entity.columns.values() if origin.from_]
        found = propose(contract.ENTITIES[name], columns, lambda column: seen[column], "EUR", {})
        for column, origin in found.columns.items():
            asked = origin["from"] if isinstance(origin, dict) else origin
            assert asked == entity.columns[column].from_
        assert not found.missing


BREAKS = [
    "two\nlines",
    "carriage\rreturn",
    "next\x85line",
    "line\u2028separator",
    "bell\x07",
    "no\xa0break",
    "\U000e0001tag",
]


@pytest.mark.parametrize(
    "value", ["yes", "1", "a b", 'quoted "so"', "back\\slash", "null", "2017-01-01", "plain", "字", *BREAKS]
)
def test_values_are_read_as_they_were_meant(value):
    entry = {"kind": "sql", "entities": {"orders": {"table": value, "columns": {"status": {"values": {value: value}}}}}}
    assert yaml.safe_load(entry_writer.written("market", entry)) == {"market": entry}


ENTRY = {"kind": "sql", "entities": {"orders": {"table": "sales", "columns": {"status": "state"}}}}


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_an_entry_comes_before_what_follows_the_sources(tmp_path, line_end):
    file = tmp_path / "sources.yml"
    before = "sources:\n    shop:\n        kind: sql # ours\n\n# money\nbusiness:\n    currency: EUR\n"
    file.write_bytes(before.replace("\n", line_end).encode())
    text = entry_writer.insert(file, "market", ENTRY)
    assert list(yaml.safe_load(text)["sources"]) == ["shop", "market"]
    head, tail = before.replace("\n", line_end).split(f"{line_end}# money")
    assert text.startswith(head)
    assert text.endswith(f"state{line_end}{line_end}# money{tail}")
    assert text.count("\n") == text.count(line_end)


@pytest.mark.parametrize("last", ["    folder: drop", "    folder: drop # ours", "    folder: |\n      drop"])
def test_a_last_line_without_an_end_stays_where_it_is(tmp_path, last):
    file = tmp_path / "sources.yml"
    file.write_text(f"business: {{ currency: EUR }}\nsources:\n  shop:\n{last}")
    before = yaml.safe_load(file.read_text() + "\n")
    after = yaml.safe_load(entry_writer.insert(file, "market", ENTRY))
    assert after["sources"].pop("market") == ENTRY
    assert after == before


@pytest.mark.parametrize(
    "text",
    [
        "sources: { shop: { kind: files } }\n",
        "sources:\n  shop:\n    query: |+\n      select 1\n\n\n",
    ],
)
def test_a_file_that_would_not_stay_what_it_is_is_left_to_a_person(tmp_path, text):
    file = tmp_path / "sources.yml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=r"Add it by hand:\n *bazaar:"):
        entry_writer.insert(file, "bazaar", ENTRY)


def test_what_is_written_through_a_link_keeps_the_link_and_the_rights(market):
    real = market.with_name("real.yml")
    market.rename(real)
    real.chmod(0o640)
    market.symlink_to(real.name)
    assert added().exit_code == 0
    assert market.is_symlink()
    assert "market" in yaml.safe_load(real.read_text())["sources"]
    assert real.stat().st_mode & 0o777 == 0o640
