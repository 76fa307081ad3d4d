"""Nothing of somebody erased is found, everybody else stays, and totals are what they were."""

import hashlib
import json
from datetime import timedelta

import erased_shop as world
import pytest
import yaml
from erased_shop import KEY, NIGHT, REVENUE, erased, everything, exported, key, landed, lines, traces

from perennial import paths
from perennial.erasure import erase
from perennial.errors import FatalError
from perennial.lifecycle import find
from perennial.warehouse.database import connect

pytestmark = pytest.mark.server


def test_nothing_of_her_is_found_and_every_total_is_what_it_was(shop, rows):
    exported()
    (paths.state() / "report").mkdir()
    (paths.state() / "report" / "latest.html").write_text(f"<td>{KEY}</td><td>{key('it', '1012')}</td>")
    before = rows(REVENUE)
    others = rows("select * from raw.customers where customer_id <> %s order by 1, 2", world.ANN)
    assert traces(everything())
    assert traces(landed())
    done = erased()
    assert (done.records, done.proof.hits, done.waiting) == (2, 0, [])
    assert done.proof.tables > 30
    assert traces(everything()) == traces(landed()) == []
    assert f"<td>{key('it', '1012')}</td>" in (report := (paths.state() / "report" / "latest.html").read_text())
    assert KEY not in report
    assert rows(REVENUE) == before
    assert rows("select * from raw.customers where customer_id not like 'erased%%' order by 1, 2") == others
    (told,) = rows("select *, finished_at is not null as ended from ops.erasures")
    assert (told["ended"], told["count_hits"], told["count_records"], told["count_addresses"]) == (True, 0, 2, 2)
    assert rows("select * from pii.erasing") == []


def test_the_audience_file_is_written_anew_and_manifest_and_receipt_tell_its_hash(shop, rows):
    path = exported()
    erased()
    assert [row["email"] for row in lines(path)] == ["bo@example.com"]
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    manifest = json.loads(path.with_suffix(".manifest.json").read_text())
    assert (manifest["sha256"], manifest["rows"], manifest["bytes"]) == (digest, 1, path.stat().st_size)
    (run,) = rows("select receipt from activation.export_runs")
    assert (run["receipt"]["sha256"], run["receipt"]["rows"]) == (digest, 1)


def test_files_of_opt_outs_lose_her_too_whatever_separates_the_cells_of_audiences(shop, config_folder):
    file = config_folder / "destinations.yml"
    told = yaml.safe_load(file.read_text("utf-8"))
    told["destinations"]["email_files"]["layout"] = {"delimiter": ";"}
    file.write_text(yaml.safe_dump(told), "utf-8")
    path = exported()
    said = path.parents[1] / "optouts" / "tool.csv"
    said.parent.mkdir()
    said.write_text("email,reason\nAnn@example.com,complaint\njoann@example.com,complaint\n")
    erased()
    assert said.read_text() == "email,reason\njoann@example.com,complaint\n"
    assert "ann@" not in path.read_text()


def test_tonights_verdict_is_erased_and_the_gates_add_up(shop, rows):
    exported()
    erased()
    columns = "verdict, reason, valid_from::text, valid_to::text"
    found = rows(f"select {columns} from activation.audience_verdicts order by 2, 3, 4")
    assert [tuple(row.values()) for row in found] == [
        ("exclude", "erased", str(NIGHT), "infinity"),
        ("export", "export", "2026-01-02", str(NIGHT)),
        ("export", "export", "2026-01-02", "infinity"),
    ]
    gates = rows("select gate, count_before, count_ended, count_after from activation.audience_waterfall order by 1")
    assert [tuple(row.values()) for row in gates] == [(1, 2, 1, 1), (2, 1, 1, 0)]


def test_an_address_that_somebody_else_has_too_stays_hers(shop, rows):
    shop.do("update customers set mobile = '+14135550101' where id = '1012'")
    shop.night(NIGHT + timedelta(1))
    done = erased()
    assert (done.shared, done.proof.hits) == (1, 0)
    assert rows("select phone from raw.customers where customer_id = '1012' and phone is not null")
    assert rows("select channel from pii.erased_addresses") == [{"channel": "email"}]


def test_digits_that_are_also_the_number_of_an_order_are_no_address(shop, rows):
    shop.do("update customers set mobile = '4135550199' where id = ?", world.ANN)
    shop.sell("4135550199", "1012", "2025-06-01 10:00:00")
    shop.night(NIGHT + timedelta(1))
    assert erased().proof.hits == 0
    assert len(rows("select from raw.orders where order_id = '4135550199'")) == 1
    assert rows("select from raw.customers where phone = '4135550199'") == []
    assert "'phone': '4135550199'" not in landed()
    assert "'no': '4135550199'" in landed()


def test_other_schemas_of_the_same_database_are_not_touched(shop, rows):
    with connect() as session:
        session.execute("create schema till")
        session.execute("create table till.customers as select %s as customer_key, 'ann@example.com' as email", [KEY])
    assert erased().proof.hits == 0
    assert rows("select * from till.customers") == [{"customer_key": KEY, "email": "ann@example.com"}]


def test_what_is_left_of_her_cannot_be_erased_once_more(shop, rows):
    erased()
    shop.night(NIGHT + timedelta(1))
    (record,) = rows("select source, pseudonym from pii.erased_records where source = 'it'")
    with pytest.raises(FatalError, match="what an erasure left"):
        erased(f"it:{record['pseudonym']}")


def test_her_old_key_and_id_say_that_she_was_erased(shop):
    erased()
    with connect() as session:
        for typed in (KEY, f"it:{world.ANN}", key("desk", world.DESK)):
            with pytest.raises(FatalError, match="was erased on"):
                find.customer(session, typed, ["it", "desk"])
            assert erase.erased_on(session, typed)
        assert erase.erased_on(session, "it:1012") is None


def test_a_retired_key_leads_to_her(shop, rows):
    with connect() as session:
        session.execute(
            "insert into marts.dim_customer_redirects values (%s, %s, null)", [key("desk", world.DESK), KEY]
        )
    assert erased(key("desk", world.DESK)).records == 2


def test_an_override_that_names_her_is_told_and_never_edited(shop, config_folder):
    file = config_folder / "identity_overrides.csv"
    text = file.read_text("utf-8") + f"different,it,{world.ANN},it,1012,two people\n"
    file.write_text(text, "utf-8")
    told = [line for line in erased().by_hand if "identity_overrides" in line]
    assert told == ["config/identity_overrides.csv:2 names her (different); take the line out"]
    assert file.read_text("utf-8") == text
