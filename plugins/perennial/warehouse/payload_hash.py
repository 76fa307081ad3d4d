"""The hash of a row, as rowcheck.py has PostgreSQL make it: md5 of the contract columns as text."""

import hashlib

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

try:  # half the time of OpenSSL's for texts this short, where Python was built with it
    from _md5 import md5
except ImportError:
    from hashlib import md5

BETWEEN, NOTHING = "\x01", "\x02"


def payload_hashes(texts: list[pa.Array]) -> np.ndarray:
    """16 bytes per row."""
    joined = pc.binary_join_element_wise(*texts, BETWEEN, null_handling="replace", null_replacement=NOTHING)
    rows = joined.cast(pa.binary()).to_numpy(zero_copy_only=False)
    return np.frombuffer(b"".join([md5(row).digest() for row in rows]), np.uint8).reshape(-1, 16)


def email_keys(emails: pa.Array) -> pa.Array:
    """What `as: email_key` makes of addresses in ASCII; null of a blank one."""
    encoded = pc.ascii_lower(pc.ascii_trim(emails, " ")).dictionary_encode()
    keys = [_email_key(email) for email in encoded.dictionary.to_pylist()]
    return pa.array(keys, pa.string()).take(encoded.indices)


def _email_key(email: str) -> str | None:
    return f"email:{hashlib.md5(email.encode(), usedforsecurity=False).hexdigest()}" if email else None
