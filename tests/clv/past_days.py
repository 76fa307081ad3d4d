"""What the warehouse would say of a past day, straight from a frame of order days, without any SQL."""

from dataclasses import replace

import pandas as pd
from clv_data import histories, history

from perennial.clv.fit import RECENT_DAYS
from perennial.value.histories import Past


def past(orders: pd.DataFrame, origin, horizon: int) -> Past:
    """The customers known at the end of `origin`, sorted by id; `orders` has one row per customer and order day."""
    origin = pd.Timestamp(origin)
    known = history(orders, origin)

    def count(after, until, first=True):
        rows = orders[(orders["date"] > after) & (orders["date"] <= until)]
        if not first:
            rows = rows[rows["date"] > rows["customer_id"].map(orders.groupby("customer_id")["date"].min())]
        totals = rows.groupby("customer_id")["amount"].agg(["size", "sum"]).reindex(known.index).fillna(0.0)
        return totals["size"].to_numpy(), totals["sum"].to_numpy()

    recent = count(origin - pd.Timedelta(days=RECENT_DAYS), origin, first=False)[0]
    latest = count(origin - pd.Timedelta(days=horizon), origin)[0]
    followed = count(origin, origin + pd.Timedelta(days=horizon))
    told = replace(histories(known), recent=recent)
    return Past(origin.date(), horizon, told, latest, *followed)
