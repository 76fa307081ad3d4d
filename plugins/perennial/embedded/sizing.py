"""How much of the machine the server may use: a share of it, between what works and what still helps."""

import os
from pathlib import Path

import psutil

LIMIT = Path("/sys/fs/cgroup/memory.max")  # of a container; "max" where there is none
MEGABYTE = 2**20

# name: (share of the memory, least, most), in megabytes. Two models are built at once, each by several processes with
# several sorts and hash tables.
SHARES = {
    "shared_buffers": (1 / 8, 128, 3072),
    "work_mem": (1 / 96, 16, 256),
    "maintenance_work_mem": (1 / 48, 64, 512),
    "effective_cache_size": (1 / 2, 512, 1 << 20),
}
MOST_WORKERS = 4


def settings(memory: int | None = None, cores: int | None = None) -> list[str]:
    """Settings for a machine with so many bytes and cores, by default this one, e.g. work_mem=85MB."""
    megabytes = (memory or usable_memory()) // MEGABYTE
    sizes = [
        f"{name}={min(max(int(megabytes * share), least), most)}MB" for name, (share, least, most) in SHARES.items()
    ]
    return [*sizes, f"max_parallel_workers_per_gather={workers(cores or len(os.sched_getaffinity(0)))}"]


def workers(cores: int) -> int:
    """Helpers of one query: half the cores, since two models are built at once; at least PostgreSQL's own two."""
    return min(max(cores // 2, 2), MOST_WORKERS)


def usable_memory() -> int:
    """Bytes that this machine, or the container we are in, has in all."""
    machine = psutil.virtual_memory().total
    try:
        return min(machine, int(LIMIT.read_text()))
    except (OSError, ValueError):
        return machine
