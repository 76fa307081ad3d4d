"""config/destinations.yml: where audiences go."""

import os.path
from typing import Literal

from pydantic import Field, model_validator

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

    @model_validator(mode="after")
    def _apart(self) -> "Destinations":
        folders: dict[str, str] = {}
        for name, destination in self.destinations.items():
            folder = os.path.normpath(destination.folder)
            if folder in folders:
                raise ValueError(
                    f"'{folders[folder]}' and '{name}' share the folder '{folder}' and would overwrite each other; "
                    "give each its own"
                )
            folders[folder] = name
        return self
