"""Two sample source systems, a shop and a click & collect service, moved forward day by day.

Their customers and orders derive from the Complete Journey data; see `world`.
"""

import json
from datetime import date
from pathlib import Path

from perennial import connections, paths
from perennial.connections import Connection
from perennial.errors import ConfigError
from perennial.progress import say
from perennial.sample import click_collect, shop
from perennial.sample import world as worlds


def prepare(until: date, households: int | None = None) -> None:
    """Bring both systems to the end of business day `until`, with all households or a slice."""
    if not worlds.FIRST_DAY <= until <= worlds.LAST_DAY:
        raise ConfigError(
            f"sample: there is no business day {until.isoformat()}; the data covers "
            f"{worlds.FIRST_DAY.isoformat()} to {worlds.LAST_DAY.isoformat()}. "
            "Choose a day between them."
        )
    _same_slice(households)
    world = worlds.build(households)
    _remember_slice(households)
    sold = shop.sync(_shop(), world, until)
    say(f"sample: shop has {sold['customers']:,} customers and {sold['orders']:,} orders until {sold['until']}")
    picked = click_collect.sync(drop_folder(), world, until)
    say(
        f"sample: click & collect delivered {picked['files']:,} files with {picked['rows']:,} rows "
        f"until {until.isoformat()}"
    )


def drop_folder() -> Path:
    """Where click & collect drops its files."""
    return paths.state() / "drop" / "click_collect"


def _shop() -> Connection:
    """The shop's database: the configured one, or else one on the embedded server."""
    found = connections.configured("shop")
    if found is None:
        from perennial import embedded

        embedded.ensure_database("shop")
        found = embedded.connection("shop")
    return found


def _slice_file() -> Path:
    return paths.state() / "sample" / "slice.json"


def _same_slice(households: int | None) -> None:
    """Refuse another slice: the systems would lose or suddenly gain customers."""
    if not _slice_file().exists():
        return
    known = json.loads(_slice_file().read_text(encoding="utf-8"))["households"]
    if known != households:
        raise ConfigError(
            f"sample: asked for {_words(households)}, but the sample systems below "
            f"{paths.state()} were made with {_words(known)}. Ask for {_words(known)}, "
            "or choose an empty state folder (PERENNIAL_STATE)."
        )


def _remember_slice(households: int | None) -> None:
    if _slice_file().exists():
        return
    _slice_file().parent.mkdir(parents=True, exist_ok=True)
    part = _slice_file().with_suffix(".part")
    part.write_text(json.dumps({"households": households}) + "\n", encoding="utf-8")
    part.replace(_slice_file())


def _words(households: int | None) -> str:
    return "all households" if households is None else f"{households} households"
