"""Numbers that look random and are not: each is a hash of a stable id and of what it is for.

The same household gets the same name, channel and habits in every slice of the world and on every
machine.
"""

import hashlib

import numpy as np

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def _mix(values: np.ndarray) -> np.ndarray:
    """Spread every bit of a 64-bit number over all its bits (the finaliser of splitmix64)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def share(ids: np.ndarray, purpose: str) -> np.ndarray:
    """A number in [0, 1) per id; different purposes give independent numbers."""
    # CRC32 would be simpler, but it is linear: two purposes would give related numbers.
    key = np.uint64(int.from_bytes(hashlib.blake2b(purpose.encode(), digest_size=8).digest()))
    mixed = _mix(_mix(np.asarray(ids).astype(np.uint64) * _GOLDEN) ^ key)
    return (mixed >> np.uint64(11)).astype(np.float64) * 2.0**-53


def between(ids: np.ndarray, purpose: str, low: int, high: int) -> np.ndarray:
    """A whole number in [low, high) per id."""
    return low + np.floor(share(ids, purpose) * (high - low)).astype(np.int64)


def chosen(ids: np.ndarray, purpose: str, probability: float) -> np.ndarray:
    """True for about `probability` of the ids."""
    return share(ids, purpose) < probability


def one_of(ids: np.ndarray, purpose: str, weights: dict[str, float]) -> np.ndarray:
    """One key of `weights` per id, in the given proportions (which add up to 1)."""
    steps = np.cumsum(list(weights.values()))[:-1]
    return np.array(list(weights), dtype=object)[np.searchsorted(steps, share(ids, purpose), "right")]


def seconds(values: np.ndarray) -> np.ndarray:
    """Whole seconds as time spans, to be added to moments."""
    return values.astype("timedelta64[s]")
