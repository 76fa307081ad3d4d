"""Which rows of a batch may have the same key, found with eight bytes a row."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

LONGEST = 1 << 16  # bytes of a key that count; what only differs behind them is taken for the same
BUCKETS = 16  # sorted one after the other, so that it needs little memory
WEIGHTS = np.random.default_rng(7).integers(0, 1 << 63, LONGEST, dtype=np.uint64) * np.uint64(2) + np.uint64(1)


def key_hashes(parts: list[pa.Array]) -> np.ndarray:
    """One number per row; keys that are the same have the same, others very probably not."""
    hashed = np.zeros(len(parts[0]), np.uint64)
    for place, part in enumerate(parts):
        one = _of_texts(part) if part.type == pa.string() else part.to_numpy().view(np.uint64) * WEIGHTS[0]
        hashed = hashed * WEIGHTS[place + 1] + one
    return hashed


def _of_texts(text: pa.Array) -> np.ndarray:
    sizes = pc.binary_length(text).to_numpy()
    starts = np.frombuffer(text.buffers()[1], np.int32)[text.offset : text.offset + len(text)]
    data = np.frombuffer(text.buffers()[2], np.uint8)[starts[0] : starts[0] + sizes.sum()]
    places = np.arange(len(data)) - np.repeat(starts - starts[0], sizes)
    weighed = data * WEIGHTS[np.minimum(places, LONGEST - 1)]
    return np.add.reduceat(weighed, starts - starts[0])


def repeated(hashes: list[np.ndarray]) -> np.ndarray:
    """Places, counted through all arrays, of rows whose hash occurs more than once."""
    twice = []
    for bucket in range(BUCKETS):
        some = np.sort(np.concatenate([part[part % BUCKETS == bucket] for part in hashes] or [np.empty(0, np.uint64)]))
        twice.append(some[1:][some[1:] == some[:-1]])
    wanted = np.unique(np.concatenate(twice))
    if not len(wanted):
        return np.empty(0, np.int64)
    first, found = 0, []
    for part in hashes:
        found.append(first + np.flatnonzero(np.isin(part, wanted)))
        first += len(part)
    return np.concatenate(found)
