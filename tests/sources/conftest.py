"""Examples of sources, each with what it needs to be read."""

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from drop_reading import Drop
from examples.shop import Example

from fake_time import Time
from perennial.clock import wall_clock


@pytest.fixture
def example_of(state: Path, time: Time) -> Iterator[Callable[[str], Example]]:
    """The example of a kind; at the end its twin must have understood everything."""
    made: list[Example] = []

    def make(kind: str) -> Example:
        module = importlib.import_module(f"examples.example_{kind}")
        found = next(c for c in vars(module).values() if isinstance(c, type) and getattr(c, "kind", None) == kind)
        made.append(found(state, wall_clock().replace(microsecond=0), time.monotonic))
        return made[-1]

    yield make
    for example in made:
        example.close()


@pytest.fixture
def drop(state: Path) -> Drop:
    """A drop folder that is empty."""
    return Drop(state)
