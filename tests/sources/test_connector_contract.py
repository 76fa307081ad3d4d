"""What every kind of source must do. The registry finds a new one; it needs an `examples/example_<kind>.py`."""

import importlib
import json
import logging
from datetime import timedelta

import pyarrow as pa
import pytest
from examples.nights import SUNDAY, night
from examples.shop import NIGHT
from shop_twins.server import REPEAT

from http_twin import CUT, DROP, Answer
from perennial import landing
from perennial.clock import wall_clock
from perennial.errors import ConfigError, FatalError, PerennialError, RetriableError
from perennial.sources import registry, sweep
from perennial.sources.base import MAY_BE_UNKNOWN, SweptSettings
from perennial.sources.extract import extract
from perennial.warehouse import contract

PASSING = {
    "429 with a wait": Answer(429, {}, (("Retry-After", "17"),)),
    "503": Answer(503, {}),
    "500 without words": Answer(500, b""),
    "dropped": DROP,
    "cut in the middle": CUT,
    "the page before": REPEAT,
    "garbage": Answer(200, b"<html>busy</html>"),
}


@pytest.fixture(params=sorted(registry.kinds()))
def example(request, example_of):
    return example_of(request.param)


@pytest.fixture
def vendor(example):
    if example.twin is None:
        pytest.skip("has no server of its own")
    return example


def keys(example, entity, rows) -> set[str]:
    origin = example.settings().entities[entity].columns[contract.ENTITIES[entity].key[0]]
    return {row[origin.from_] for row in rows}


def test_every_kind_brings_an_example():
    missing = [kind for kind in registry.kinds() if not importlib.util.find_spec(f"examples.example_{kind}")]
    assert not missing, f"no tests/sources/examples/example_{missing}.py"


def test_the_first_time_everything_is_read_and_once(example):
    rows = example.read().rows
    assert {entity: keys(example, entity, found) for entity, found in rows.items()} == example.first
    for found in rows.values():
        assert len(found) == len({json.dumps(row) for row in found})


def test_rows_come_as_text_tables_with_the_promised_columns(example):
    for _, extracted in registry.kinds()[example.kind].open("it", example.settings(), example.connection(), {}, NIGHT):
        for table in extracted.tables:
            assert table.schema.names == list(extracted.columns)
            assert set(table.schema.types) == {pa.string()}


def test_the_next_time_only_what_changed_is_read(example):
    positions = example.read().positions
    example.change()
    rows = example.read(positions).rows
    for entity, wanted in example.changed.items():
        assert wanted <= keys(example, entity, rows[entity])
    for entity, known in example.untouched.items():
        assert not known & keys(example, entity, rows[entity])


def test_without_news_the_position_stays(example):
    positions = example.read().positions
    assert example.read(positions).positions == positions


@pytest.mark.server
def test_every_row_passes_the_contract(example, warehouse):
    for loaded in (night(example), example.change() or night(example, NIGHT + timedelta(1))):
        assert loaded
        for entity, counts in loaded.items():
            assert counts.quarantined == 0, entity
        assert sum(counts.loaded for counts in loaded.values()) > 0


@pytest.mark.server
def test_the_same_rows_again_change_nothing(example, warehouse):
    first = night(example)
    second = night(example, NIGHT + timedelta(1), overlap_days=366)
    assert sum(counts.new for counts in first.values()) > 0
    assert [counts.new for counts in second.values()] == [0] * len(second)


@pytest.mark.server
def test_killed_between_entities_and_run_again_the_same_rows_are_there(example, warehouse, monkeypatch):
    whole = example.read().rows
    write, survived = landing.write, iter(range(len(whole) - 1))

    def dies(*arguments):
        if next(survived, None) is None:
            raise KeyboardInterrupt
        return write(*arguments)

    monkeypatch.setattr(landing, "write", dies)
    with pytest.raises(KeyboardInterrupt):
        extract("it", example.settings(), example.connection(), NIGHT)
    monkeypatch.setattr(landing, "write", write)
    assert landed(extract("it", example.settings(), example.connection(), NIGHT)) == whole


@pytest.mark.server
def test_failing_at_any_call_and_run_again_the_same_rows_are_there(vendor, warehouse, state):
    whole = vendor.read().rows
    calls = len(vendor.twin.calls)
    assert calls > len(whole)
    for good in range(0, calls, 1 + calls // 10):
        as_of = NIGHT + timedelta(good)
        vendor.twin.fail(Answer(503, {}), times=1000, after=good)
        with pytest.raises(RetriableError, match="source 'it'"):
            extract("it", vendor.settings(), vendor.connection(), as_of)
        vendor.twin.faults.clear()
        assert landed(extract("it", vendor.settings(), vendor.connection(), as_of)) == whole


def landed(batches) -> dict[str, list[dict]]:
    return {b.entity: [row for rows in landing.read(b) for row in rows.to_pylist()] for b in batches}


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING)
def test_what_passes_is_survived_wherever_it_happens(vendor, fault):
    whole = vendor.read().rows
    calls = len(vendor.twin.calls)
    for good in range(calls):
        vendor.twin.faults.clear()
        vendor.twin.fail(fault, after=good)
        try:
            rows = vendor.read().rows
        except RetriableError:  # neither survived nor taken for the truth
            assert fault in (REPEAT, PASSING["garbage"])
            continue
        for entity, found in rows.items():
            assert {json.dumps(r) for r in found} == {json.dumps(r) for r in whole[entity]}


def test_a_wait_that_is_asked_for_is_kept(vendor, time):
    vendor.twin.fail(PASSING["429 with a wait"])
    vendor.read()
    assert 17 in time.slept


def test_a_clock_that_runs_ahead_does_not_hide_what_comes(example):
    """Changes dated in the future are read, and the position stays behind them."""
    positions = example.read().positions
    example.now += timedelta(days=400)
    example.change()
    ahead = example.read(positions).positions
    limit = (wall_clock() + timedelta(minutes=20)).isoformat()
    for entity, position in ahead.items():
        assert (position.get("newest") or "") < limit, entity


# the weekly sweep


def test_every_entity_is_swept_or_the_connector_says_why_not(example):
    kind, source = registry.kinds()[example.kind], example.settings(sweep="sunday") if example.gone else None
    assert bool(example.gone) == hasattr(kind, "ids")
    if source is None:
        assert {*contract.ENTITIES} == {*kind.NOT_SWEPT}
        return
    assert isinstance(source, SweptSettings)
    for name in source.entities:
        why = sweep.why_not(kind, name)
        alone = source.model_copy(update={"entities": {name: sweep.ids_of(name, source.entities[name])}})
        found = [] if why else [entity for entity, _ in kind.ids("it", alone, example.connection(), NIGHT)]
        assert why or found == [name]


@pytest.mark.server
def test_what_is_deleted_without_a_word_is_found_and_nothing_else(example, warehouse, rows):
    """airbyte 10281: Shopify tells nobody what was deleted, and neither do others."""
    if not example.gone:
        pytest.skip("says why it is not swept")
    night(example, NIGHT + timedelta(1))
    example.change()
    night(example, SUNDAY - timedelta(1))
    night(example, SUNDAY)
    counts = "select entity, gone_rows + unseen_rows as missing from ops.sweeps where as_of = %s"
    told = {row["entity"]: row["missing"] for row in rows(counts, SUNDAY)}
    assert told == dict.fromkeys(told, 0)
    assert {*example.gone} <= {*told}
    example.vanish()
    night(example, SUNDAY + timedelta(7))
    missing: dict[str, set[str]] = {}
    for row in rows("select entity, finding, key[1] as id from ops.swept_rows where finding = 'gone'"):
        missing.setdefault(row["entity"], set()).add(row["id"])
    assert missing == example.gone
    assert rows("select from ops.swept_rows where finding = 'unseen'") == []


@pytest.mark.server
def test_of_a_sweep_only_keys_and_dates_are_landed(example, warehouse):
    if not example.gone:
        pytest.skip("says why it is not swept")
    source = example.settings(sweep="monday")
    sweep.land("it", source, example.connection(), NIGHT)
    for entity, mapped in source.entities.items():
        if ids := landing.find("it", entity, sweep.batch_of(NIGHT)):
            contracted = contract.ENTITIES[entity]
            keys = {mapped.columns[name].from_ for name in (*contracted.key, contracted.dated) if name}
            assert {*ids.columns} - {MAY_BE_UNKNOWN} == keys, entity


def test_a_connection_that_is_missing_is_named(vendor):
    with pytest.raises(ConfigError, match=r"source 'it': connection 'shop'.*AIRFLOW_CONN_SHOP"):
        list(registry.kinds()[vendor.kind].open("it", vendor.settings(), None, {}, NIGHT))


def test_a_right_that_was_taken_away_is_named_with_its_remedy(vendor):
    vendor.revoke()
    with pytest.raises(FatalError, match=r"source 'it': connection 'shop'.*(Make a key with|Grant)"):
        vendor.read()


def test_no_key_is_ever_shown(vendor, caplog, capsys):
    caplog.set_level(logging.DEBUG)
    wrong = f"{vendor.secret[:-4]}zzzz"
    seen = [repr(vendor.settings()), repr(vendor.connection())]
    vendor.read()
    with pytest.raises(FatalError, match=r"source 'it': connection 'shop'.*Make a key") as refused:
        vendor.read(connection=vendor.connection(wrong))
    echo = {"errors": [{"message": f"bad {vendor.secret} of ann@example.com"}], "message": f"bad {vendor.secret}"}
    for status, body in ((400, echo), (500, {}), (403, echo), (200, [echo]), (200, {"data": [echo]})):
        answer = Answer(status, body)
        vendor.twin.fail(answer, times=1000)
        with pytest.raises(PerennialError, match="source 'it'") as error:
            vendor.read()
        vendor.twin.faults.clear()
        seen.append(str(error.value))
    seen += [str(refused.value), caplog.text, *capsys.readouterr()]
    for text in seen:
        assert vendor.secret not in text
        assert wrong not in text
        assert "example.com" not in text.replace("shop.example.com", "")
