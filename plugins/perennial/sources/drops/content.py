"""What a file of a drop is, found out before a row of it is believed: its hash, how it is packed, whether it is whole.

The whole file is unpacked once for that, and nothing of it kept: a truncated or poisoned archive delivers no row.
"""

import codecs
import hashlib
import io
import os
from dataclasses import dataclass
from typing import Any, BinaryIO

import pyarrow as pa

CHUNK = 1 << 20
PACKED = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
PARQUET = b"PAR1"
FOREIGN = {
    b"PK\x03\x04": "a zip archive or an Excel workbook",
    b"BZh": "packed with bzip2",
    b"\xfd7zXZ": "packed with xz",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
}
SMALL = 16 << 20  # bytes unpacked; below it no ratio is suspicious


class Unreadable(Exception):
    """Why a file, or what is left of it from a line on, cannot be read, and what to do; never what it holds."""

    def __init__(self, message: str, line: int | None = None):
        super().__init__(message)
        self.line = line


@dataclass(frozen=True)
class Limits:
    """What an archive may unpack to."""

    ratio: int
    bytes: int


@dataclass(frozen=True)
class Content:
    """A file as it was seen; `problem` tells why it cannot be read, `undecodable` the first line that is no text."""

    sha256: str
    size: int
    packed: str | None = None
    is_parquet: bool = False
    problem: str | None = None
    undecodable: int | None = None


def examine(stream: BinaryIO, encoding: str, limits: Limits) -> Content:
    """Read the whole stream once and go back to its beginning."""
    source = _Hashed(stream)
    head = source.peek(8)
    packed = next((how for magic, how in PACKED.items() if head.startswith(magic)), None)
    is_parquet = head.startswith(PARQUET)
    problem = next((f"is {what}; have plain, gzip or zstd files delivered" for magic, what in FOREIGN.items()
                    if head.startswith(magic)), None)  # fmt: skip
    text = _Text(encoding)
    if not problem and not is_parquet:
        problem = _unpack(source, packed, limits, text)
    source.drain()
    stream.seek(0)
    return Content(source.digest.hexdigest(), source.size, packed, is_parquet, problem, text.undecodable)


def plain(stream: BinaryIO, content: Content) -> BinaryIO:
    """The bytes of a file as it was examined, unpacked; what was added to it since stays out."""
    bounded = io.BufferedReader(_Bounded(stream, content.size), CHUNK)
    return _unpacked(bounded, content.packed) if content.packed else bounded


def _unpack(source: "_Hashed", packed: str | None, limits: Limits, text: "_Text") -> str | None:
    """Look at every byte; the problem, if there is one."""
    unpacked = _unpacked(source, packed) if packed else source
    size = 0
    try:
        while chunk := unpacked.read(CHUNK):
            if size == 0 and (problem := _foreign_text(chunk, text.encoding)):
                return problem
            size += len(chunk)
            text.see(chunk)
            if packed and size > limits.bytes:
                return f"unpacks to more than {limits.bytes / 1e9:g} GB; if that is right, raise `max_gigabytes`"
            if packed and size > max(SMALL, limits.ratio * source.size):
                return f"unpacks to more than {limits.ratio} times its size; if that is right, raise `max_ratio`"
    except OSError as error:
        cut = "truncated" in str(error).lower()
        what = f"is a {packed} file that ends too early" if cut else f"is a broken {packed} file"
        return f"{what}; have it delivered again"
    return None


def _foreign_text(start: bytes, encoding: str) -> str | None:
    wide = start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or start[:1000].count(0) > len(start[:1000]) / 4
    if wide and not encoding.replace("_", "-").startswith(("utf-16", "utf-32")):
        return f"is not {encoding}, it looks like UTF-16; set `encoding: utf-16`"
    return None


def _unpacked(stream: Any, packed: str) -> Any:
    return pa.CompressedInputStream(pa.PythonFile(stream, mode="r"), packed)


class _Text:
    """Whether bytes that pass are text in that encoding."""

    def __init__(self, encoding: str):
        self.encoding, self.undecodable = encoding, None
        self._decoder, self._lines = codecs.getincrementaldecoder(encoding)(), 1

    def see(self, chunk: bytes) -> None:
        if self.undecodable is None:
            try:
                self._decoder.decode(chunk)
                self._lines += chunk.count(b"\n")
            except UnicodeDecodeError as error:
                self.undecodable = self._lines + error.object[: error.start].count(b"\n")


class _Hashed:
    """A stream that hashes and counts what is read of it."""

    closed = False

    def __init__(self, stream: BinaryIO):
        self.digest, self.size = hashlib.sha256(), 0
        self._stream = stream

    def peek(self, size: int) -> bytes:
        head = self._stream.read(size)
        self._stream.seek(0)
        return head

    def read(self, size: int = CHUNK) -> bytes:
        chunk = self._stream.read(size)
        self.digest.update(chunk)
        self.size += len(chunk)
        return chunk

    def drain(self) -> None:
        while self.read():
            pass

    def close(self) -> None:
        pass


class _Bounded(io.RawIOBase):
    """The first bytes of a stream that is closed by somebody else."""

    def __init__(self, stream: BinaryIO, size: int):
        self._stream, self._left = stream, size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        chunk = self._stream.read(min(len(buffer), self._left))
        buffer[: len(chunk)] = chunk
        self._left -= len(chunk)
        return len(chunk)


def stamp(stream: BinaryIO) -> tuple[int, int]:
    """What changes when somebody writes into the file behind a stream."""
    found = os.fstat(stream.fileno())
    return found.st_size, found.st_mtime_ns
