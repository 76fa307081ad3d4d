"""The landing zone is immutable, and half a batch is no batch."""

from datetime import date

import pyarrow as pa
import pytest

from perennial import landing
from perennial.errors import FatalError
from perennial.landing import Extract

NIGHT = date(2017, 9, 30)


def extract(*tables: dict, position=None) -> Extract:
    return Extract(["id", "name"], [pa.table(t) for t in tables], lambda: position or {})


def land(*tables: dict) -> landing.Batch:
    return landing.write("shop", "customers", NIGHT, extract(*tables, position={"newest": "2017-09-30"}))


def test_what_was_landed_is_found_and_read_again(state):
    batch = land({"id": ["1", "2"], "name": ["Ann", None]}, {"id": ["3"], "name": ["Bo"]})
    assert landing.find("shop", "customers", NIGHT) == batch
    assert batch.rows == 3
    assert [r for t in landing.read(batch) for r in t.column("id").to_pylist()] == ["1", "2", "3"]


def test_nothing_new_is_a_batch_too(state):
    batch = land()
    assert (batch.rows, batch.files, list(landing.read(batch))) == (0, [], [])
    assert landing.find("shop", "customers", NIGHT) == batch


def test_the_half_written_rest_of_a_killed_run_is_no_batch_and_is_written_anew(state):
    folder = landing.folder("shop", "customers", NIGHT)
    folder.mkdir(parents=True)
    (folder / "part-00000.parquet").write_bytes(b"PAR1 half")
    (folder / "part-00001.parquet.part").write_bytes(b"PA")
    assert landing.find("shop", "customers", NIGHT) is None
    batch = land({"id": ["1"], "name": ["Ann"]})
    assert sorted(p.name for p in folder.iterdir()) == ["manifest.json", "part-00000.parquet"]
    assert sum(t.num_rows for t in landing.read(batch)) == 1


def test_a_kill_before_the_manifest_leaves_no_batch(state, monkeypatch):
    def killed():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        landing.write("shop", "customers", NIGHT, Extract(["id"], [pa.table({"id": ["1"]})], killed))
    assert landing.find("shop", "customers", NIGHT) is None


def test_an_edited_file_is_refused(state):
    batch = land({"id": ["1"], "name": ["Ann"]})
    path = landing.folder("shop", "customers", NIGHT) / "part-00000.parquet"
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(FatalError, match=r"part-00000\.parquet: missing or changed"):
        list(landing.read(batch))


def test_only_the_owner_looks_into_a_landed_batch(state):
    land({"id": ["1"], "name": ["Ann"]})
    assert landing.folder("shop", "customers", NIGHT).stat().st_mode & 0o077 == 0
    assert (state / "landing").stat().st_mode & 0o077 == 0


def test_large_extracts_are_split_into_files_of_bounded_size(state, monkeypatch):
    monkeypatch.setattr(landing, "ROWS_PER_FILE", 4)
    batch = land(*({"id": [str(i), str(i)], "name": ["a", "b"]} for i in range(5)))
    assert [f["rows"] for f in batch.files] == [4, 4, 2]
