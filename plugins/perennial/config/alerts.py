"""config/alerts.yml: who is told how a night ended."""

from functools import reduce
from operator import or_
from typing import Annotated

from pydantic import Field

from perennial.alerts.registry import kinds
from perennial.entry import Entry, Identifier

Alert = Annotated[reduce(or_, (module.Settings for module in kinds().values())), Field(discriminator="kind")]


class Alerts(Entry):
    """The whole file."""

    alerts: dict[Identifier, Alert]
