"""A landed batch is written anew under a manifest that supersedes; killed in between, it is one of the two."""

import json

import pyarrow as pa
import pytest

from perennial import landing
from perennial.landing import Extract

NIGHT = "2017-09-30"


@pytest.fixture
def batch(state) -> landing.Batch:
    table = pa.table({"id": ["1", "2"], "name": ["Ann", "Bo"]})
    return landing.write("shop", "customers", NIGHT, Extract(["id", "name"], [table], dict))


def nameless(rows: pa.Table, first: int) -> pa.Table:
    names = [None if said == "Ann" else said for said in rows["name"].to_pylist()]
    return rows if names == rows["name"].to_pylist() else rows.set_column(1, "name", pa.array(names, pa.string()))


def rows_of(batch: landing.Batch) -> list[dict]:
    return [row for rows in landing.read(batch) for row in rows.to_pylist()]


def files(batch: landing.Batch) -> set[str]:
    return {path.name for path in landing.folder(batch.source, batch.entity, batch.as_of).iterdir()}


def test_the_new_manifest_names_the_one_it_supersedes_and_the_old_file_is_gone(batch):
    made = landing.supersede(batch, nameless)
    assert rows_of(landing.find("shop", "customers", NIGHT)) == [{"id": "1", "name": None}, {"id": "2", "name": "Bo"}]
    assert (made.supersedes, made.rows) == (batch.sha256, 2)
    assert made.sha256 != batch.sha256
    assert files(batch) == {"manifest.json", "part-00000.1.parquet"}


def test_where_nothing_changes_nothing_is_written(batch):
    made = landing.supersede(landing.supersede(batch, nameless), nameless)
    assert made == landing.find("shop", "customers", NIGHT)
    assert files(batch) == {"manifest.json", "part-00000.1.parquet"}


def test_a_manifest_that_supersedes_none_has_the_hash_that_it_always_had(batch):
    told = json.loads((landing.folder("shop", "customers", NIGHT) / "manifest.json").read_text())
    assert "supersedes" not in told
    assert landing.find("shop", "customers", NIGHT).sha256 == batch.sha256


@pytest.mark.parametrize("killed", ["_seal", "_write_file"])
def test_killed_in_between_it_is_finished_by_the_next_try(batch, monkeypatch, killed):
    real = getattr(landing, killed)

    def dies(*arguments):
        if killed == "_write_file":
            real(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(landing, killed, dies)
        with pytest.raises(KeyboardInterrupt):
            landing.supersede(batch, nameless)
    assert rows_of(landing.find("shop", "customers", NIGHT))[0]["name"] == "Ann", "the old one is whole"
    landing.supersede(landing.find("shop", "customers", NIGHT), nameless)
    assert rows_of(landing.find("shop", "customers", NIGHT))[0]["name"] is None
    assert files(batch) == {"manifest.json", "part-00000.1.parquet"}


def test_old_files_that_a_crash_left_behind_the_new_manifest_go_with_the_next_try(batch):
    folder = landing.folder("shop", "customers", NIGHT)
    old = (folder / "part-00000.parquet").read_bytes()
    made = landing.supersede(batch, nameless)
    (folder / "part-00000.parquet").write_bytes(old)
    landing.supersede(made, nameless)
    assert files(batch) == {"manifest.json", "part-00000.1.parquet"}
