"""Make things in a thread while those before them are used: one side waits for a server, the other computes."""

import queue
import threading
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

Item = TypeVar("Item")
MADE = 2  # how many may lie ready; what is made can be large


def ahead(items: Iterable[Item]) -> Iterator[Item]:
    """The items in their order, made by a thread. What making them raises is raised here; leaving early ends it."""
    ready: queue.Queue[tuple[bool, Any]] = queue.Queue(MADE)
    is_left = threading.Event()

    def put(entry: tuple[bool, Any]) -> bool:
        while not is_left.is_set():
            try:
                ready.put(entry, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def make() -> None:
        made = iter(items)
        try:
            all(put((True, item)) for item in made)
            put((False, None))
        except BaseException as error:
            put((False, error))
        finally:
            getattr(made, "close", lambda: None)()  # what it holds open is closed by the thread that used it

    maker = threading.Thread(target=make, name="ahead", daemon=True)
    maker.start()
    try:
        while True:
            is_item, made = ready.get()
            if is_item:
                yield made
            elif made is None:
                return
            else:
                raise made
    finally:
        is_left.set()
        maker.join()
