"""One file with everything of her, for her only, and nothing of anybody else."""

import json
import stat
from pathlib import Path

import erased_shop as world
import pytest
from click.testing import CliRunner
from erased_shop import KEY, erased, exported

from perennial import cli, paths
from perennial.warehouse.database import connect

pytestmark = pytest.mark.server


def written(*more: str) -> tuple[Path, dict]:
    """The file of Ann, and what it tells."""
    said = CliRunner().invoke(cli.cli, ["export-person", KEY, *more])
    assert said.exit_code == 0, said.output
    path = Path(said.output.partition(".json:")[0] + ".json")
    return path, json.loads(path.read_text("utf-8"))


def test_it_holds_what_stands_in_any_table_that_names_her_and_a_new_one_too(shop):
    exported()
    with connect() as session:
        session.execute("create table marts.planted (customer_key text, note text)")
        session.execute("create view activation.seen as select * from marts.planted")
        session.execute("insert into marts.planted values (%s, 'canary'), ('someone', 'of another')", [KEY])
        session.execute(
            "insert into pii.opt_outs values ('tool', 'email', 'ann@example.com', 'complaint', '2026-01-01')"
        )
    _, told = written()
    assert told["records"] == [
        {"source": "desk", "customer_id": world.DESK},
        {"source": "it", "customer_id": world.ANN},
    ]
    found = {name: len(rows) for name, rows in told["sections"].items()}
    for name, count in {"raw.customers": 1, "raw.orders": 2, "raw.consents": 1, "marts.fct_orders": 2}.items():
        assert found[name] == count, name
    for name in ("activation.export_rows", "activation.audience_verdicts", "pii.destination_members", "pii.opt_outs"):
        assert found[name] == 1, name
    assert told["sections"]["marts.planted"] == [{"customer_key": KEY, "note": "canary"}]
    assert told["sections"]["activation.seen"] == told["sections"]["marts.planted"]
    assert told["sections"]["raw.customers"][0]["email"].strip() == "Ann@Example.com"


def test_nobody_else_is_in_it_not_even_who_shares_something_with_her(shop):
    exported()
    with connect() as session:
        session.execute(
            "create table marts.pairs (customer_key text, source text, source_customer_id text, shared text)"
        )
        session.execute("insert into marts.pairs values (%s, 'it', '1012', 'phone')", [KEY])
    path, told = written()
    text = path.read_text("utf-8")
    assert "marts.pairs" not in told["sections"]
    for word in ("bo@example.com", "joann@", '"1012"', world.key("it", "1012")):
        assert word not in text


def test_only_its_owner_may_read_it_and_nothing_half_written_is_left(shop, tmp_path):
    path, _ = written("--to", str(tmp_path / "out"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [p.name for p in path.parent.iterdir()] == [f"person-{KEY}.json"]


def test_erasing_her_deletes_the_file_that_was_written_for_her(shop):
    path, _ = written()
    assert path.parent == paths.state() / "persons"
    erased()
    assert not path.exists()
