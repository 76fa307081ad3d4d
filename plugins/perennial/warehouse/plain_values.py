"""Values of plain texts as int64, null where a text is not plainly one; see plain_rows.py."""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

AMOUNT = pa.decimal128(18, 4)
PLAIN_AMOUNT = r"^-?[0-9]{1,14}(\.[0-9]{1,4})?$"
PLAIN_WHOLE = r"^-?[0-9]{1,14}$"
DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
CLOCK = r"[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?"
IN_ZONE = f"^{DAY}{CLOCK}(Z|[+-](0[0-9]|1[0-4])(:?[0-5][0-9])?)$"
LOCAL = f"^{DAY}({CLOCK})?$"
FIRST, LAST = (int(np.datetime64(day, "us").astype("int64")) for day in ("1970-01-02", "2200-01-01"))
TO_THE_MINUTE = len("2025-01-02 10:00Z")
PER_DAY = 86_400_000_000


def is_clean(text: pa.Array) -> pa.Array | None:
    """Whether a text holds neither NUL nor U+FFFD; None if no text of the column does."""
    data = np.frombuffer(text.buffers()[2] or b"", np.uint8)
    if not len(data) or (data.min() > 0 and data.max() < 0x80):
        return None
    return pc.invert(pc.or_(pc.match_substring(text, "\ufffd"), pc.match_substring(text, "\0")))


def without_blanks(text: pa.Array) -> pa.Array:
    """Null for an empty text."""
    if pc.min(pc.binary_length(text)).as_py() != 0:
        return text
    return pc.if_else(pc.equal(text, ""), None, text)


def ten_thousandths(text: pa.Array) -> pa.Array:
    """Of an amount, exact."""
    try:
        exact = text.cast(AMOUNT)
    except pa.ArrowInvalid:
        exact = _cast(_shaped(text, PLAIN_AMOUNT), AMOUNT)
    # all fit into 64 bits, the lower half of what Arrow keeps
    halves = np.frombuffer(exact.buffers()[1], "<i8")[2 * exact.offset : 2 * (exact.offset + len(exact)) : 2]
    return _with_nulls(np.ascontiguousarray(halves), exact)


def cents(text: pa.Array) -> pa.Array:
    """Ten thousandths of an amount in hundredths."""
    return pc.multiply(_shaped(text, PLAIN_WHOLE).cast(pa.int64()), 100)


def whole(text: pa.Array) -> pa.Array:
    """A whole number."""
    return _shaped(text, PLAIN_WHOLE).cast(pa.int64())


def moments(text: pa.Array, offsets: Callable[[np.ndarray], np.ndarray]) -> pa.Array:
    """Microseconds since 1970 in UTC. `offsets`: of days since 1970, those of local noon to UTC, or 0 with a mask."""
    found = _all_in_utc(text)
    if found is None:
        zoned = _shaped(text, IN_ZONE)
        found = _cast(zoned, pa.timestamp("us", "UTC")).cast(pa.int64())
        if zoned.null_count > text.null_count:
            local = _shaped(pc.if_else(zoned.is_null(), text, None), LOCAL)
            found = pc.coalesce(found, _in_utc(_cast(local, pa.timestamp("us")).cast(pa.int64()), offsets))
    usual = pc.and_(pc.greater_equal(found, FIRST), pc.less(found, LAST))
    return found if pc.all(usual).as_py() else pc.if_else(usual, found, None)


def _all_in_utc(text: pa.Array) -> pa.Array | None:
    """All to the minute at least, with a Z, as databases tell them: no pattern is needed, Arrow reads no others."""
    if not pc.all(pc.ends_with(text, "Z")).as_py() or (pc.min(pc.binary_length(text)).as_py() or 0) < TO_THE_MINUTE:
        return None
    try:
        return text.cast(pa.timestamp("us", "UTC")).cast(pa.int64())
    except pa.ArrowInvalid:
        return None


def _in_utc(local: pa.Array, offsets: Callable[[np.ndarray], np.ndarray]) -> pa.Array:
    """Local time as UTC, null on days on which the clock is changed and in years that nobody means."""
    local = pc.if_else(pc.and_(pc.greater_equal(local, FIRST), pc.less(local, LAST)), local, None)
    is_null = local.is_null().to_numpy(zero_copy_only=False)
    since = pc.fill_null(local, FIRST).to_numpy()
    days, places = np.unique(since // PER_DAY, return_inverse=True)
    shifts, is_known = offsets(days)
    return pa.array(since - shifts[places], mask=is_null | ~is_known[places])


def _shaped(text: pa.Array, pattern: str) -> pa.Array:
    """Null where a text does not match."""
    fits = pc.match_substring_regex(text, pattern)
    return text if pc.all(fits).as_py() else pc.if_else(fits, text, None)


def _cast(text: pa.Array, kind: pa.DataType) -> pa.Array:
    """Null where a text of the right shape means nothing, such as the 30th of February."""
    try:
        return text.cast(kind)
    except pa.ArrowInvalid:
        if len(text) == 1:
            return pa.nulls(1, kind)
    half = len(text) // 2
    return pa.concat_arrays([_cast(text.slice(0, half), kind), _cast(text.slice(half), kind)])


def _with_nulls(values: np.ndarray, like: pa.Array) -> pa.Array:
    return pa.array(values, mask=like.is_null().to_numpy(zero_copy_only=False) if like.null_count else None)
