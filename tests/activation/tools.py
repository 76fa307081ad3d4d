"""Campaign tools in which people opted out: a twin of every vendor, and the `optouts` folders of audience files."""

import csv
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from random import Random
from typing import Any

from pydantic import TypeAdapter
from test_every_destination import channels_of, harness_of
from twins.harness import Harness

from perennial import paths
from perennial.connections import Connection
from perennial.destinations import registry

OptOut = tuple[str, str, str]  # channel, address, reason
HEADER = {"email": "email", "sms": "phone"}


@contextmanager
def every_tool() -> Iterator[dict[str, Harness]]:
    """All that can be asked here, by a name for each kind and channel."""
    with ExitStack() as stack:
        made = {f"{k}_{channel}": harness_of(k)(channel) for k in registry.kinds() for channel in channels_of(k)}
        for harness in made.values():
            stack.enter_context(closing(harness))
        yield {name: h for name, h in made.items() if h.twin or h.kind == "files"}


def tell(tools: dict[str, Harness], opt_outs: list[OptOut], chance: Random) -> dict[str, list[OptOut]]:
    """Everybody says it in a tool of her channel that can know her reason; who said it where."""
    said = defaultdict(list)
    for channel, address, reason in opt_outs:
        knows = [
            name
            for name, tool in tools.items()
            if tool.channel == channel and (tool.twin is None or reason in tool.reasons)
        ]
        said[chance.choice(knows)].append((channel, address, reason))
    for name, heard in said.items():
        if tools[name].twin is None:
            _drop(tools[name], heard)
            continue
        for _, address, reason in heard:
            tools[name].opt_out(address, reason)
    return said


def _drop(tool: Harness, heard: list[OptOut]) -> None:
    """Two files, as different people would write them."""
    folder = paths.private_folder(paths.state() / tool.folder / "optouts")
    column = HEADER[tool.channel]
    for number in (0, 1):
        with (folder / f"{number}.csv").open("w", newline="", encoding="utf-8-sig" if number else "utf-8") as file:
            writer = csv.writer(file)
            writer.writerow([column, "reason", "at"] if number else ["note", column, "reason"])
            for _, address, reason in heard[number::2]:
                written = f" {address.upper()} "
                writer.writerow([written, reason, "2017-09-01T10:00:00+02:00"] if number else ["x", written, reason])


def places(tools: dict[str, Harness]) -> dict[str, Any]:
    """Their settings as in destinations.yml."""
    found = {}
    for name, tool in tools.items():
        asked = {"kind": tool.kind, "channel": tool.channel, **tool.settings()}
        if "connection" in asked:
            asked["connection"] = name
        found[name] = TypeAdapter(registry.kinds()[tool.kind].Settings).validate_python(asked)
    return found


def connections(tools: dict[str, Harness]) -> dict[str, Connection]:
    """How to reach them, by the names their settings have."""
    return {name: tool.connection(tool.key) for name, tool in tools.items() if tool.twin}
