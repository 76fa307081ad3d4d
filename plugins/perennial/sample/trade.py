"""What happens in the shop: orders, their items, cancellations and refunds."""

import numpy as np
import pandas as pd

from perennial.sample import baskets, chance
from perennial.sample.baskets import Lines
from perennial.sample.people import CUSTOMER_BASE, DAY, HOUR, utc

CANCELLED, REFUNDED = 0.007, 0.02
# One refund in five meets an order with a single paid line and is full anyway: a quarter in all.
FULL = 0.05
# Of the partly refunded orders; about 0.02 % of all orders.
REFUNDED_AGAIN = 0.014


def orders(lines: Lines, in_shop: np.ndarray) -> pd.DataFrame:
    """One order per basket of the shop, as it ends: `in_shop` tells which baskets are meant."""
    first = lines.starts[in_shop]
    number, placed_at = lines.basket[first], lines.placed_at[first]
    cancelled = chance.chosen(number, "cancelled", CANCELLED)
    after = chance.seconds(chance.between(number, "cancelled after", HOUR, 48 * HOUR))
    cancelled_at = np.where(cancelled, placed_at + after, np.datetime64("NaT"))
    return pd.DataFrame(
        {
            "order_no": number,
            "customer_no": lines.household[first].astype(np.int64) + CUSTOMER_BASE,
            "placed_at": utc(placed_at),
            "status": np.where(cancelled, "cancelled", "placed"),
            "cancelled_at": utc(cancelled_at),
            "total_cents": lines.totals()[in_shop],
            "currency": "USD",
            "changed_at": utc(np.where(cancelled, cancelled_at, placed_at)),
        }
    )


def order_items(lines: Lines, in_shop: np.ndarray) -> pd.DataFrame:
    """The lines of the shop's orders; they never change after the order was placed."""
    sizes = lines.sizes()
    line_no = np.arange(len(lines.basket)) - np.repeat(lines.starts, sizes) + 1
    kept = np.repeat(in_shop, sizes)
    department, category = baskets.products(lines.product[kept])
    return pd.DataFrame(
        {
            "order_no": lines.basket[kept],
            "line_no": line_no[kept].astype(np.int32),
            "product_no": lines.product[kept],
            "department": department,
            "category": category,
            "quantity": lines.quantity[kept],
            "amount_cents": lines.cents[kept],
            "changed_at": utc(lines.placed_at[kept]),
        }
    )


def refunds(shop_orders: pd.DataFrame, items: pd.DataFrame) -> pd.DataFrame:
    """Money given back: mostly one line of an order, sometimes all of it, rarely a second line."""
    could = (shop_orders["status"] == "placed") & (shop_orders["total_cents"] > 0)
    could &= chance.chosen(shop_orders["order_no"], "refunded", REFUNDED)
    refunded = shop_orders.loc[could, ["order_no", "placed_at", "total_cents"]]
    number = refunded["order_no"].to_numpy()
    of_refunded = items["order_no"].isin(number) & (items["amount_cents"] > 0)
    paid = items.loc[of_refunded].groupby("order_no")["amount_cents"].agg(list)
    full = chance.chosen(number, "full refund", FULL)
    again = chance.chosen(number, "refunded again", REFUNDED_AGAIN)
    line = chance.share(number, "refunded line")
    wait = chance.between(number, "refund after", DAY, 20 * DAY)
    wait_again = chance.between(number, "second refund after", DAY, 10 * DAY)

    rows = []
    for i, order in enumerate(refunded.itertuples(index=False)):
        amounts = paid[order.order_no]
        place = int(line[i] * len(amounts))
        amount = order.total_cents if full[i] else amounts[place]
        rows.append((order.order_no, 1, order.placed_at, wait[i], amount))
        if again[i] and not full[i] and len(amounts) > 1:
            # The next line: together the two never exceed what was paid.
            amount = amounts[(place + 1) % len(amounts)]
            rows.append((order.order_no, 2, order.placed_at, wait[i] + wait_again[i], amount))
    frame = pd.DataFrame(rows, columns=["order_no", "nth", "placed_at", "wait", "amount_cents"])
    refunded_at = frame["placed_at"] + pd.to_timedelta(frame["wait"], unit="s")
    result = pd.DataFrame(
        {
            "refund_no": frame["order_no"].astype(np.int64) * 10 + frame["nth"].astype(np.int64),
            "order_no": frame["order_no"].astype(np.int64),
            "refunded_at": refunded_at,
            "amount_cents": frame["amount_cents"].astype(np.int32),
            "currency": "USD",
            "changed_at": refunded_at,
        }
    )
    return result.sort_values(["changed_at", "refund_no"], ignore_index=True)
