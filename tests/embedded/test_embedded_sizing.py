"""How much of the machine the embedded server takes."""

import pytest

from perennial.embedded import sizing

GIGABYTE = 2**30


@pytest.mark.parametrize(
    ("gigabytes", "buffers", "work"), [(1, 128, 16), (2, 256, 21), (8, 1024, 85), (24, 3072, 256), (512, 3072, 256)]
)
def test_memory_grows_with_the_machine_between_two_ends(gigabytes, buffers, work):
    found = dict(setting.split("=") for setting in sizing.settings(gigabytes * GIGABYTE))
    assert (found["shared_buffers"], found["work_mem"]) == (f"{buffers}MB", f"{work}MB")


@pytest.mark.parametrize(("cores", "workers"), [(1, 2), (2, 2), (4, 2), (6, 3), (64, 4)])
def test_two_queries_at_once_share_the_cores(cores, workers):
    assert sizing.settings(GIGABYTE, cores)[-1] == f"max_parallel_workers_per_gather={workers}"


@pytest.mark.parametrize(("text", "fewer"), [("1073741824\n", True), ("max\n", False), (None, False)])
def test_a_container_has_what_it_may_use(tmp_path, monkeypatch, text, fewer):
    file = tmp_path / "memory.max"
    if text:
        file.write_text(text)
    monkeypatch.setattr(sizing, "LIMIT", file)
    machine = sizing.psutil.virtual_memory().total
    assert sizing.usable_memory() == (min(machine, GIGABYTE) if fewer else machine)
