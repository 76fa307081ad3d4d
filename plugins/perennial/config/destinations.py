"""config/destinations.yml: where audiences go."""

from typing import Literal

from pydantic import Field

from perennial.config.files import Entry
from perennial.config.sources import Identifier


class Destination(Entry):
    """One way out of the warehouse, for one channel."""

    kind: Literal["files"]
    channel: Literal["email", "sms"]
    folder: str


class Destinations(Entry):
    """The whole file."""

    destinations: dict[Identifier, Destination] = Field(min_length=1)
