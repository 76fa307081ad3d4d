"""config/destinations.yml: where audiences go."""

import os.path
from functools import reduce
from operator import or_
from typing import Annotated

from pydantic import Field, model_validator

from perennial.destinations.registry import kinds
from perennial.entry import Entry, Identifier

SETTINGS = tuple(module.Settings for module in kinds().values())
# each kind has settings of its own
Destination = Annotated[reduce(or_, SETTINGS), Field(discriminator="kind")] if len(SETTINGS) > 1 else SETTINGS[0]


class Destinations(Entry):
    """The whole file."""

    destinations: dict[Identifier, Destination] = Field(min_length=1)

    @model_validator(mode="after")
    def _apart(self) -> "Destinations":
        """No two destinations have the same target, such as a folder."""
        targets: dict[str, str] = {}
        for name, destination in self.destinations.items():
            if destination.target is None:
                continue
            target = os.path.normpath(destination.target)
            if target in targets:
                raise ValueError(
                    f"'{targets[target]}' and '{name}' share '{target}' and would overwrite each other; "
                    "give each its own"
                )
            targets[target] = name
        return self
