"""An erasure that was killed is finished by the next, and one that leaves anything says where."""

import hashlib
import json
from datetime import timedelta

import pytest
from click.testing import CliRunner
from erased_shop import ANN, DESK, KEY, NIGHT, REVENUE, erased, everything, exported, finished, landed, traces

from perennial import cli, config, landing
from perennial.erasure import audience_files, erase, papers, person, proof
from perennial.errors import FatalError, RetriableError
from perennial.places import local
from perennial.runs import exclusively
from perennial.warehouse.database import connect

pytestmark = pytest.mark.server


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
    if module in (erase.quarantined, erase.verdicts):
        assert rows("select * from ops.erasures") == finished() == []  # the warehouse is changed at once or not at all
        erased()
    else:
        assert len(finished()) == 1
    assert traces(everything()) == traces(landed()) == []
    assert rows(REVENUE) == before
    assert rows("select from pii.erasing") == rows("select from ops.erasures where finished_at is null") == []
    manifest = json.loads(path.with_suffix(".manifest.json").read_text())
    assert manifest["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    hashes = {batch.batch_id: batch.sha256 for batch in landing.everything() if not batch.as_of.endswith(".ids")}
    assert {r["batch_id"]: r["manifest_sha256"] for r in rows("select * from ops.batches")} == hashes
    assert [one.new for one in shop.night(NIGHT + timedelta(1))] == [0] * 4


def test_a_night_between_a_kill_and_the_next_erase_loads_her_under_one_name(shop, rows, monkeypatch):
    def dies(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(erase.landed, "rewrite", dies)
        with pytest.raises(KeyboardInterrupt):
            erased()
    shop.sell("A9", ANN, "2025-12-01 10:00:00", "100.00")
    shop.night(NIGHT + timedelta(1))
    assert len(rows("select distinct customer_id from raw.orders where order_id in ('A1', 'A9')")) == 1
    assert len(finished()) == 1
    assert traces(everything()) == traces(landed()) == []


def test_a_record_that_left_her_before_it_went_is_not_hers(shop, rows):
    stays = [("it", ANN, "2025-01-01", "infinity"), ("it", "7", "2025-01-01", "2025-06-01"), ("it", "8", "2025-01-01")]
    with connect() as session:
        insert = "insert into pii.identity_memberships values (%s, %s, %s, %s, %s, %s)"
        session.execute("insert into intermediate.int_gone_records values ('desk', 'email:x', %s)", [KEY])
        for source, said, since, *until in stays:
            own = hashlib.md5(f"{source}:{said}".encode()).hexdigest()
            session.execute(insert, [own, source, said, KEY, since, *(until or ["2025-03-01"])])
            if not until:
                session.execute(insert, [own, source, said, own, "2025-03-01", "2025-06-01"])
        found = person.find_out(session, KEY, config.load())
    assert {record.id for record in found.records} == {ANN, DESK, "7", "email:x"}


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


def test_a_file_that_cannot_be_replaced_is_named_and_the_erasure_waits_for_a_person(shop, monkeypatch):
    path = exported()
    with monkeypatch.context() as patch:
        patch.setattr(local.Place, "write_once", True)
        with pytest.raises(FatalError, match=f"{path.name}: nothing is replaced there; delete this file"):
            erased()
    path.unlink()
    (done,) = finished()
    assert done.proof.hits == 0


def test_she_is_not_erased_while_something_runs_or_a_night_is_not_built(shop):
    for what in ("marts", "extract.it", "load.desk"):
        with exclusively(what), pytest.raises(RetriableError, match=what):
            erased()
    with connect() as session:
        session.execute("insert into ops.nights (as_of) values (%s)", [NIGHT + timedelta(1)])
    with pytest.raises(FatalError, match="night 2026-01-05 runs, or did not end"):
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
