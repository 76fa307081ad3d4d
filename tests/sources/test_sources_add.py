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
from perennial.warehouse import contract, database

pytestmark = pytest.mark.server

BUYERS = "create table buyers (BuyerNo text, Mail text, created_at text)"
SALES = "create table sales (id text, buyer_id text, order_date text, state text, total_cents integer, updated_at text)"


@pytest.fixture
def market_rows(market):
    """Run statements on the market's database."""

    def write(*statements: str) -> None:
        with sqlite3.connect(market.parent.parent / "market.db") as session:
            for statement in statements:
                session.execute(statement)

    return write


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


AT_MARKET = ("--connection", "market")
TIMES = ("--timezone", "UTC")


def run(*arguments: str):
    return CliRunner().invoke(cli.cli, arguments)


def added(*more: str):
    return run("sources", "add", "market", "orders=sales", "customers=buyers", *AT_MARKET, *TIMES, *more)


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
    seen = run("sources", "check", "market").output
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
        (["shop", "orders=sales", *TIMES], "sources.yml:13: source 'shop' is there already"),
        (["my market", "orders=sales", *TIMES], "my market"),
        (["market", "orders=sales", "--timezone", "Mars/Base"], "is 'Mars/Base'; accepted: an IANA time zone"),
        (["market", "orders=sales", "--connection", "bazaar"], "connection 'bazaar' is not configured"),
        (
            ["market", "orders=sales"],
            "times in order_date have no zone. Say how they are meant: --timezone America/New_Y",
        ),
        (
            ["market", "orders=sales", "--constant", "orders.status=paid"],
            "orders.status=paid; accepted: placed, cancel",
        ),
        (["market", "orders=sales", "--constant", "orders.when=now"], "--constant orders.when: unknown"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_written(market, arguments, said):
    before = market.read_bytes()
    known = [] if "--connection" in arguments else ["--connection", "market"]
    refused = run("sources", "add", *arguments, *known)
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


CONSENTS = "create table consents (customer_id text, {columns}, updated_at text)"


def proposed(entity: str, *columns: str, given: dict | None = None, **seen: list[str]):
    return propose(contract.ENTITIES[entity], list(columns), lambda column: seen[column], "EUR", given or {})


@pytest.mark.parametrize("value", ["-1", "!yes", "не y", "1.", "yes?", "+1", "y/n", "(true)"])
def test_a_value_means_something_only_as_it_stands(value):
    found = proposed("consents", "customer_id", "opt_in", "updated_at", opt_in=[value, "Yes "])
    assert found.columns["status"] == {"from": "opt_in", "values": {"Yes ": "granted"}}
    assert found.unknown_values == {"opt_in": [value]}


def test_case_spaces_and_hyphens_of_a_value_mean_nothing():
    found = proposed("consents", "customer_id", "consent", "updated_at", consent=["Opted-In", " OPTED OUT", "0"])
    assert found.columns["status"]["values"] == {"Opted-In": "granted", " OPTED OUT": "denied", "0": "denied"}


@pytest.mark.parametrize(
    ("columns", "taken"),
    [
        (["status", "opt_in"], "opt_in"),
        (["state", "status", "subscribed"], "subscribed"),
        (["order_status", "status"], "status"),
    ],
)
def test_the_status_of_something_else_is_no_consent(columns, taken):
    found = proposed("consents", "customer_id", *columns, "updated_at", **{column: ["1"] for column in columns})
    assert found.columns["status"]["from"] == taken


def test_what_a_consent_is_for_is_never_guessed(market, market_rows):
    market_rows(
        CONSENTS.format(columns="opt_in text"), "insert into consents values ('a', 'yes', '2017-01-01 10:00:00')"
    )
    assert proposed("consents", "customer_id", "state", "updated_at").missing == ["channel", "purpose", "status"]
    told = ["sources", "add", "market", "consents=consents", *AT_MARKET, *TIMES]
    for column, constant in (("channel", "email"), ("purpose", "marketing")):
        refused = run(*told)
        assert refused.exit_code == 1
        assert f"nothing is called like {column}; it has customer_id, opt_in" in str(refused.exception)
        assert f"--map consents.{column}=COLUMN, or what it always is: --constant" in str(refused.exception)
        told += ["--constant", f"consents.{column}={constant}"]
    said = run(*told)
    assert said.exit_code == 0, said.output
    assert "note: consents: in opt_in 'yes' is granted: is that right?" in said.output
    columns = config.load().sources.sources["market"].entities["consents"].columns
    assert (columns["channel"].constant, columns["purpose"].constant) == ("email", "marketing")


@pytest.mark.parametrize("column", ["type", "Kind", "consent-type", "topic"])
def test_consent_to_something_else_is_not_taken_for_consent_to_be_written_to(market, market_rows, column):
    market_rows(
        CONSENTS.format(columns=f'opt_in text, "{column}" text'),
        *(f"insert into consents values ('a', 'yes', '{what}', '2017-01-01 10:00:00')" for what in ("terms", "sms")),
    )
    told = ["sources", "add", "market", "consents=consents", *AT_MARKET, *TIMES, "--constant", "consents.channel=email"]
    refused = run(*told, "--constant", "consents.purpose=marketing")
    assert refused.exit_code == 1
    assert f"'{column}' may tell what a consent is for" in str(refused.exception)
    said = run(*told, "--map", f"consents.purpose={column}")
    assert said.exit_code == 0, said.output
    assert config.load().sources.sources["market"].entities["consents"].columns["purpose"].from_ == column


def test_the_id_of_a_line_is_not_its_number_and_a_price_is_no_sum():
    found = proposed("order_lines", "id", "order_id", "line_no", "price", "amount", "line_total")
    assert (found.columns["line_no"], found.columns["amount"]) == ("line_no", "line_total")
    assert proposed("order_lines", "id", "order_id", "price", "unit_price").missing == ["line_no", "amount"]
    assert (
        proposed("order_lines", "order_id", "line_no", "price", given={"amount": "price"}).columns["amount"] == "price"
    )


def test_what_open_and_closed_mean_is_left_to_a_person(market, market_rows):
    market_rows("update sales set state = 'closed' where id = '2'")
    said = added().output
    assert "note: orders: what 'closed' in state means is not known; such rows would be rejected" in said
    assert "note: orders: in state 'paid' is placed: is that right?" in said


def test_addresses_that_serve_as_ids_are_made_ids_that_are_none(market, market_rows):
    market_rows("update sales set buyer_id = 'Ann@example.com'")
    said = added()
    assert (
        "note: orders: buyer_id holds e-mail addresses, so customer_id is made of them (as: email_key)" in said.output
    )
    assert "customer_id: { from: buyer_id, as: email_key }" in said.output
    market_rows("update sales set buyer_id = 'a' where id = '1'")
    refused = run("sources", "add", "bazaar", "orders=sales", *AT_MARKET, *TIMES)
    assert "'buyer_id' holds e-mail addresses among other ids" in str(refused.exception)


@pytest.mark.parametrize("at", ["2017-01-01T10:00:00Z", "2017-01-01 10:00:00+08", "2017-01-01 10:00:00.5 -03:00"])
def test_a_zone_is_asked_for_only_where_a_time_has_none(market, market_rows, at):
    market_rows(f"update sales set order_date = '{at}', updated_at = '{at}'")
    assert run("sources", "add", "market", "orders=sales", *AT_MARKET, "--dry-run").exit_code == 0
    market_rows("update sales set order_date = '2017-01-01' where id = '2'")
    assert "times in order_date have no zone" in str(
        run("sources", "add", "market", "orders=sales", *AT_MARKET).exception
    )


def test_the_type_of_a_column_tells_whether_its_times_have_a_zone(market, warehouse, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_MARKET", warehouse.to_json())
    with database.connect() as session:
        session.execute("create table public.buyers (id bigint, created_at timestamptz, updated_at timestamptz)")
    told = ("sources", "add", "market", "customers=public.buyers", *AT_MARKET, "--dry-run")
    assert "timezone: UTC" in run(*told).output
    with database.connect() as session:
        session.execute("alter table public.buyers alter updated_at type timestamp")
    assert "times in updated_at have no zone" in str(run(*told).exception)


EVENTS = "create table visits (id text, user_id text, kind text, created_at text)"


@pytest.mark.parametrize("kind", ["mail to ann@example.com", "called 413-555-0001", "+14135550001"])
def test_no_contact_detail_is_written_or_told(market, market_rows, kind):
    market_rows(EVENTS, f"insert into visits values ('1', 'a', '{kind}', '2017-01-01 10:00:00')")
    market_rows(f"update sales set state = '{kind}' where id = '2'")
    before = market.read_bytes()
    refused = run("sources", "add", "market", "events=visits", *AT_MARKET, *TIMES)
    assert "'kind' holds what may be contact details" in str(refused.exception)
    assert kind not in str(refused.exception) + refused.output
    said = added("--dry-run").output
    assert f"what '{kind[0]}***' in state means is not known" in said
    assert kind not in said
    assert market.read_bytes() == before


def test_more_values_than_can_be_mapped_are_refused_and_not_cut_off(market, market_rows):
    market_rows(EVENTS)
    market_rows(*(f"insert into visits values ('{n}', 'a', 'kind {n}', '2017-01-01 10:00:00')" for n in range(50)))
    assert run("sources", "add", "market", "events=visits", *AT_MARKET, *TIMES, "--dry-run").exit_code == 0
    market_rows("insert into visits values ('50', 'a', 'kind 50', '2017-01-01 10:00:00')")
    refused = run("sources", "add", "market", "events=visits", *AT_MARKET, *TIMES)
    assert "'kind' has more than 50 different values, too many to be mapped one by one" in str(refused.exception)


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
