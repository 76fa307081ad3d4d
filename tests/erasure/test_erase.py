"""Nothing of somebody erased is found, everybody else stays, totals are what they were, and she does not come back."""

import hashlib
import json
from datetime import UTC, datetime, timedelta

import erased_shop as world
import pytest
from click.testing import CliRunner
from erased_shop import KEY, NIGHT, erased, everything, exported, finished, key, landed, lines, traces

from perennial import cli, config, landing, paths
from perennial.activation import opt_outs
from perennial.destinations.base import OptOut
from perennial.erasure import audience_files, erase, papers, proof, salted
from perennial.errors import FatalError, RetriableError
from perennial.lifecycle import find
from perennial.places import local
from perennial.runs import exclusively
from perennial.warehouse import loader, quarantine
from perennial.warehouse.database import connect

pytestmark = pytest.mark.server

AT = datetime(2026, 1, 5, tzinfo=UTC)
REVENUE = """
    select source, ordered_at::date::text as day, sum(amount)::text as amount, count(*) as orders
    from raw.orders group by 1, 2 order by 1, 2
"""


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


def test_rows_that_come_again_are_the_tombstones_that_are_there(shop, rows):
    erased()
    before = rows("select * from raw.customers order by 1, 2")
    done = shop.night(NIGHT + timedelta(7))  # everything once more, and the ids
    assert [one.new for one in done] == [0] * len(done)
    assert rows("select * from raw.customers order by 1, 2") == before
    assert rows("select * from ops.swept_rows") == []
    assert traces(everything()) == traces(landed()) == []


def test_what_was_landed_and_not_loaded_is_loaded_without_her(shop, rows):
    later = NIGHT + timedelta(1)
    shop.sell("A8", world.ANN, "2025-12-01 10:00:00", "100.00")
    shop.land(later)
    erased()
    shop.load(later)
    assert [row["amount"] for row in rows("select amount::text from raw.orders where order_id = 'A8'")] == ["100.0000"]
    assert traces(everything()) == traces(landed()) == []


def test_a_rejected_row_that_is_replayed_afterwards_counts_and_is_nobodys(shop, rows):
    shop.do("update customers set memo = 'Staff: Ann Lee' where id = ?", world.ANN)
    shop.night(NIGHT + timedelta(1))
    erased()
    settings = config.load().sources.model_copy(deep=True)
    settings.sources["it"].entities["customers"].exclude.clear()
    _, (done,) = quarantine.replay("it", "customers", settings)
    assert (done.loaded, done.still) == (1, 0)
    assert traces(everything()) == traces(landed()) == []


def test_a_new_order_of_hers_counts_and_is_nobodys(shop, rows):
    erased()
    shop.sell("A9", world.ANN, "2025-12-01 10:00:00", "100.00")
    shop.night(NIGHT + timedelta(1))
    (order,) = rows("select customer_id, amount::text from raw.orders where order_id = 'A9'")
    (known,) = rows("select distinct customer_id from raw.orders where order_id = 'A1'")
    assert (order["customer_id"], order["amount"]) == (known["customer_id"], "100.0000")
    assert traces(everything()) == traces(landed()) == []


def test_a_warehouse_made_anew_knows_who_was_erased_before_it_reads_a_source(shop, rows):
    erased()
    told = rows("select * from raw.orders order by source, order_id")
    with connect() as session:
        session.execute("truncate raw.customers, raw.orders, raw.consents, ops.batches, ops.erasures cascade")
        session.execute("truncate pii.erasure_salt")
    salted.restore()
    settings = config.load().sources
    for batch in landing.everything():
        if not batch.as_of.endswith(".ids"):
            loader.load(batch, settings.sources[batch.source], ("USD",))
    technical = {"loaded_at"}
    replayed = rows("select * from raw.orders order by source, order_id")
    assert [{k: v for k, v in row.items() if k not in technical} for row in replayed] == [
        {k: v for k, v in row.items() if k not in technical} for row in told
    ]
    shop.night(NIGHT + timedelta(1))
    assert traces(everything()) == traces(landed()) == []


def test_what_a_campaign_tool_says_of_her_afterwards_is_not_kept(shop, rows):
    with connect() as session:
        opt_outs._keep(session, "tool", OptOut("Ann@example.com", "email", "complaint", AT))
    erased()
    said = [("email", " ANN@example.com"), ("sms", "1 413 555 0101"), ("email", "joann@example.com")]
    with connect() as session:
        kept = [opt_outs._keep(session, "tool", OptOut(one, channel, "unsubscribed", AT)) for channel, one in said]
    assert kept == [0, 0, 1]
    assert rows("select address from pii.opt_outs") == [{"address": "joann@example.com"}]


@pytest.mark.parametrize(
    ("module", "step"),
    [
        (erase.quarantined, "clean"),
        (erase.verdicts, "close"),
        (erase.landed, "rewrite"),
        (erase.landed, "_rehash"),
        (landing, "_seal"),
        (audience_files, "clean"),
        (audience_files._Folder, "_finish"),
        (papers, "clean"),
        (proof, "scan"),
        (erase, "_forget_versions"),
    ],
    ids=lambda of: getattr(of, "__name__", of),
)
def test_killed_at_any_step_the_next_erase_finishes(shop, rows, monkeypatch, module, step):
    path, before = exported(), rows(REVENUE)
    real, seen = getattr(module, step), []

    def dies(*arguments, **named):
        seen.append(step)
        if step != "scan" or len(seen) > 1:  # the first one is the preview
            raise KeyboardInterrupt
        return real(*arguments, **named)

    with monkeypatch.context() as patch:
        patch.setattr(module, step, dies)
        with pytest.raises(KeyboardInterrupt):
            erased()
    finished()
    assert traces(everything()) == traces(landed()) == []
    assert rows(REVENUE) == before
    assert rows("select from pii.erasing") == rows("select from ops.erasures where finished_at is null") == []
    manifest = json.loads(path.with_suffix(".manifest.json").read_text())
    assert manifest["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    hashes = {batch.batch_id: batch.sha256 for batch in landing.everything() if not batch.as_of.endswith(".ids")}
    assert {r["batch_id"]: r["manifest_sha256"] for r in rows("select * from ops.batches")} == hashes
    assert [one.new for one in shop.night(NIGHT + timedelta(1))] == [0] * 4


def test_a_table_nobody_thought_of_is_cleaned_of_her_key_and_one_that_quotes_her_address_is_named(shop, rows):
    with connect() as session:
        session.execute("create table marts.planted (customer_key text, notes jsonb, keys text[])")
        session.execute("insert into marts.planted values (%s, %s, %s)", [KEY, json.dumps({"of": KEY}), [KEY, "x"]])
        session.execute("create table marts.quoting (note text)")
        session.execute("insert into marts.quoting values ('mail to Ann@Example.com.'), ('mail to joann@example.com')")
    with pytest.raises(FatalError, match=r"still found in marts\.quoting \(1\)"):
        erased()
    (planted,) = rows("select * from marts.planted")
    assert planted["notes"] == {"of": planted["customer_key"]}
    assert planted["keys"] == [planted["customer_key"], "x"]
    assert planted["customer_key"] != KEY
    with connect() as session:
        session.execute("delete from marts.quoting where note like '%Ann@%'")
    (done,) = finished()
    assert done.proof.hits == 0


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


def test_a_file_that_cannot_be_replaced_is_named_and_the_erasure_waits_for_a_person(shop, monkeypatch):
    path = exported()
    with monkeypatch.context() as patch:
        patch.setattr(local.Place, "write_once", True)
        with pytest.raises(FatalError, match=f"{path.name}: nothing is replaced there; delete this file"):
            erased()
    path.unlink()
    (done,) = finished()
    assert done.proof.hits == 0


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


def test_a_rejected_row_of_hers_stays_rejected_for_the_same_reason(shop, rows):
    shop.sell("A7", world.ANN, "2025-05-01 10:00:00", "free")
    shop.do("update customers set memo = 'Staff: Ann Lee' where id = ?", world.ANN)
    shop.night(NIGHT + timedelta(1))
    columns = "batch_id, row_no, reason, column_name, mapped ->> 'customer_id' as who, payload"
    asked = f"select {columns} from quarantine.rejected_rows order by 1, 2"
    before = rows(asked)
    assert {row["reason"] for row in before} == {"not_a_number", "excluded_by_rule"}
    erased()
    after = rows(asked)
    kept = ("batch_id", "row_no", "reason", "column_name")
    assert [[row[k] for k in kept] for row in after] == [[row[k] for k in kept] for row in before]
    assert all(row["who"].startswith("erased-") for row in after)
    assert {row["payload"].get("memo") for row in after} == {None, "staff"}
    with connect() as session:
        session.execute("truncate raw.customers, raw.orders, raw.consents, ops.batches cascade")
    for batch in landing.everything():
        if not batch.as_of.endswith(".ids"):
            loader.load(batch, config.load().sources.sources[batch.source], ("USD",))
    assert [[row[k] for k in kept] for row in rows(asked)] == [[row[k] for k in kept] for row in before]
    assert traces(everything()) == traces(landed()) == []


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


def test_she_is_not_erased_while_something_runs_or_a_night_is_not_built(shop):
    for what in ("marts", "extract.it", "load.desk"):
        with exclusively(what), pytest.raises(RetriableError, match=what):
            erased()
    with connect() as session:
        session.execute("update ops.nights set built_at = null")
    with pytest.raises(FatalError, match="did not end"):
        erased()


def test_the_command_asks_first_and_says_what_it_found(shop, rows):
    run = lambda *words, **more: CliRunner().invoke(cli.cli, ["erase", *words], **more)  # noqa: E731
    dry = run(KEY, "--dry-run")
    assert "2  raw.orders" in dry.output
    assert run(KEY, input="n\n").exit_code == 0
    assert traces(everything())
    assert rows("select * from ops.erasures") == []
    said = run(KEY, "--yes").output
    assert "0 hits" in said
    assert "source it: it still has her" in said
    assert traces(said.replace(KEY, "")) == traces(everything()) == []
    assert "was erased on" in run(KEY).output
