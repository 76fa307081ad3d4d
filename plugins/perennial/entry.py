"""What everything read from config/ is made of."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,40}$")]


class Entry(BaseModel):
    """Base of everything read from config/: immutable, and unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, hide_input_in_errors=True)


class Misplaced(ValueError):
    """What is wrong with an entry, and where within it, so that the message names the very line."""

    def __init__(self, message: str, *at: str | int):
        super().__init__(message)
        self.at = at
