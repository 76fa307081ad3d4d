"""The sample world: everything that ever happens in the two sample source systems.

It is derived from the Complete Journey data (about 2,500 households, the year 2017) and from hashes
of its ids, so two builds are equal and a slice of households shows exactly those of the full world.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from perennial.sample import baskets, chance, people, pickups, trade

ZONE = ZoneInfo("America/New_York")
FIRST_DAY = date(2017, 1, 1)
# The last orders are of 2017-12-31; their refunds and corrections follow within a month.
LAST_DAY = date(2018, 1, 31)
# The share of baskets that a household of both channels picks up.
PICKED_UP = 1 / 3


@dataclass(frozen=True)
class World:
    """The finished world, one frame per kind of thing; moments are in UTC."""

    people: pd.DataFrame
    customers: pd.DataFrame
    orders: pd.DataFrame
    order_items: pd.DataFrame
    refunds: pd.DataFrame
    consents: pd.DataFrame
    pickups: pd.DataFrame


def build(households: int | None = None) -> World:
    """The whole world, or the part of it that `households` households see."""
    lines = baskets.read(households)
    everyone = people.people(lines)
    in_shop = _in_shop(lines, everyone)
    customers = people.customers(everyone)
    orders = trade.orders(lines, in_shop)
    items = trade.order_items(lines, in_shop)
    return World(
        people=everyone,
        customers=customers,
        orders=orders,
        order_items=items,
        refunds=trade.refunds(orders, items),
        consents=people.consents(customers),
        pickups=pickups.pickups(lines, in_shop, everyone),
    )


def day_end(day: date) -> pd.Timestamp:
    """The moment a business day ends: midnight in the stores' zone."""
    return pd.Timestamp(day + timedelta(days=1), tz=ZONE).tz_convert("UTC")


def _in_shop(lines: baskets.Lines, everyone: pd.DataFrame) -> np.ndarray:
    """Tells for each basket whether it is an order of the shop (or else a pickup)."""
    channel = everyone.set_index("person_no")["channel"]
    channel = channel.loc[lines.household[lines.starts]].to_numpy()
    picked_up = chance.chosen(lines.basket[lines.starts], "picked up", PICKED_UP)
    return (channel == "shop") | ((channel == "both") & ~picked_up)
