"""A night's activation in a process of its own that is killed, as by `kill -9`, at the nth passage of a named point.

Nothing in the product knows of it: in the child, which is forked, the functions at these points are wrapped.
"""

import contextlib
import multiprocessing
import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import httpx
import psycopg

from fake_time import Time
from perennial import http_client as client
from perennial.activation import approval, export, opt_outs, plan, send, whole
from perennial.config import Config
from perennial.connections import Connection
from perennial.destinations import lists
from perennial.errors import PerennialError
from perennial.places import local, s3, sftp
from perennial.warehouse.database import connect

AT_ONCE = 10  # so that few people are several batches
PLACES = (local.Place, s3.Place, sftp.Place)
FORK = multiprocessing.get_context("fork")


@dataclass
class Passages:
    """How often each point was passed; at one of them the process ends."""

    deadly: str | None = None
    at: int = 0
    seen: Counter = field(default_factory=Counter)

    def __call__(self, point: str) -> None:
        self.seen[point] += 1
        if point == self.deadly and self.seen[point] == self.at:
            os.kill(os.getpid(), signal.SIGKILL)


def night(settings: Config, as_of: date, connections: dict[str, Connection]) -> None:
    """Pull, plan, let everything go that waits, send."""
    opt_outs.pull(as_of, settings, connections.get)
    for name in export.plans(as_of, settings):
        with connect() as session:
            approval.approve(session, name, "ann")
    with contextlib.suppress(PerennialError):  # rows that fail are looked at afterwards
        export.run(as_of, settings, connections.get)


def killed_night(*asked: Any, deadly: str | None = None, at: int = 0) -> Counter:
    """The night in a child; what it passed, nothing if it was killed. RuntimeError if it ended in another way."""
    mine, its = FORK.Pipe(duplex=False)
    child = FORK.Process(target=_child, args=(its, Passages(deadly, at), asked), daemon=True)
    child.start()
    its.close()
    try:
        seen = mine.recv()
    except EOFError:
        seen = None
    child.join()
    if child.exitcode != (-signal.SIGKILL if deadly else 0):
        raise RuntimeError(f"the child ended with {child.exitcode}, not at passage {at} of '{deadly}'")
    return seen


def _child(to: Any, passed: Passages, asked: tuple) -> None:
    for owner, name, how in _points(passed):
        setattr(owner, name, how(getattr(owner, name)))
    small()
    night(*asked)
    to.send(passed.seen)


def small() -> None:
    """Several batches of few people, and no waiting for vendors."""
    client.time = Time()
    client._buckets.clear()
    send.AT_ONCE = AT_ONCE
    for tool in lists.ListTool.__subclasses__():
        tool.limits = lists.Limits(AT_ONCE, tool.limits.size, tool.limits.row_size, AT_ONCE)


def _points(passed: Passages) -> Iterator[tuple[Any, str, Callable]]:
    """What is wrapped, and how."""

    def before(point: str) -> Callable:
        return _around(lambda function, *a, **k: passed(point) or function(*a, **k))

    def after(point: str) -> Callable:
        def run(function: Callable, *a: Any, **k: Any) -> Any:
            result = function(*a, **k)
            passed(point)
            return result

        return _around(run)

    def handing(function: Callable, *a: Any) -> Iterator[Any]:
        for change in function(*a):
            passed("a change handed over")
            yield change

    for owner, name, point, how in (
        (opt_outs, "_keep", "an opt-out read", after),
        (plan, "make", "a plan not yet written", after),
        (approval, "approve", "an approval not yet written", after),
        (send.Account, "note", "an outcome not yet noted", before),
        (whole, "write", "an account not yet written", before),
        (psycopg.Connection, "commit", "before a commit", before),
        (psycopg.Connection, "commit", "after a commit", after),
        (httpx.Client, "send", "before a request", before),
        (httpx.Client, "send", "after an answer", after),
        (client.Client, "pause", "a job polled", before),
        (lists.ListTool, "_send", "before a batch", before),
        *((place, "write", "before a file is put", before) for place in PLACES),
        *((place, "write", "after a file is put", after) for place in PLACES),
        (Path, "rename", "before a rename", before),
        (Path, "rename", "after a rename", after),
        (os, "replace", "before a replacement", before),
        (os, "replace", "after a replacement", after),
        (send, "_finish", "a delivery ends", before),
    ):
        yield owner, name, how(point)
    yield send.Account, "handed", _around(handing)


def _around(wrapper: Callable) -> Callable:
    """A decorator that gives the function it replaces to `wrapper`, methods and functions alike."""

    def decorate(function: Callable) -> Callable:
        def replaced(*a: Any, **k: Any) -> Any:
            return wrapper(function, *a, **k)

        return replaced

    return decorate


def passages(seen: Counter, chance: Random) -> list[tuple[str, int]]:
    """Of every point its first passage, and another one."""
    return [(point, n) for point, count in sorted(seen.items()) for n in sorted({1, chance.randint(1, count)})]
