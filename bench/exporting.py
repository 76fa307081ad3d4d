"""One night's export in a process of its own: prints seconds, CPU seconds and the peak of its memory in megabytes."""

import re
import sys
import time
from dataclasses import replace
from datetime import date
from pathlib import Path

from pydantic import TypeAdapter

from perennial import config, http_client
from perennial.activation import export
from perennial.connections import Connection
from perennial.destinations import registry

KEY = "pk_0123456789abcdef"
WHERE = {"files": {"folder": "audiences/all"}, "klaviyo": {"connection": "vendor"}}


class Hurried:
    """A clock that a sleep moves on: what is measured is work, not the vendor's pace."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def main(kind: str, night: str, url: str) -> None:
    """Plan and send the audience `all`."""
    http_client.time = Hurried()
    asked = {"kind": kind, "channel": "email", "guards": {"first": False}, **WHERE[kind]}
    place = TypeAdapter(registry.kinds()[kind].Settings).validate_python(asked)
    shipped = config.load()
    one = next(iter(shipped.audiences.audiences.values())).model_copy(update={"destinations": ["there"]})
    settings = replace(
        shipped,
        audiences=shipped.audiences.model_copy(update={"audiences": {"all": one}}),
        destinations=shipped.destinations.model_copy(update={"destinations": {"there": place}}),
    )
    wall, cpu = time.monotonic(), time.process_time()
    export.run(date.fromisoformat(night), settings, {"vendor": Connection("http", host=url, password=KEY)}.get)
    wall, cpu = time.monotonic() - wall, time.process_time() - cpu
    peak = int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024
    print(f"{wall:.2f} {cpu:.2f} {peak:.0f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
