"""What happens at click & collect: one pickup per basket, and which of them is written badly."""

import numpy as np
import pandas as pd

from perennial.sample import chance
from perennial.sample.baskets import Lines
from perennial.sample.people import YEAR, YEAR_SECONDS, utc

VOID, NEWSLETTER = 0.01, 0.60
# Some end it when they no longer order: about 3 % are seen changing their answer.
NEWSLETTER_ENDS = 0.05

# With about 57 pickups a day this is one badly written row every other day.
DIRTY = 0.0088
DIRT = (
    "missing_email",
    "bad_amount",
    "far_future",
    "unknown_currency",
    "corrected_later",
    "voided_later",
)


def pickups(lines: Lines, in_shop: np.ndarray, everyone: pd.DataFrame) -> pd.DataFrame:
    """The true pickups; `dirt` names what goes wrong when one of them is written to a file."""
    first = lines.starts[~in_shop]
    number, person = lines.basket[first], lines.household[first].astype(np.int64)
    placed_at = lines.placed_at[first]
    contact = everyone.set_index("person_no").loc[person, ["email", "mobile"]]
    kind = chance.one_of(number, "dirt kind", dict.fromkeys(DIRT, 1 / len(DIRT)))
    dirt = np.where(chance.chosen(number, "dirty", DIRTY), kind, "")
    void = chance.chosen(number, "void", VOID) | (dirt == "voided_later")
    return pd.DataFrame(
        {
            "basket_no": number,
            "person_no": person,
            "email": contact["email"].to_numpy(),
            "mobile": contact["mobile"].to_numpy(),
            "placed_at": utc(placed_at),
            "store": lines.store[first],
            "value_cents": lines.totals()[~in_shop],
            "state": np.where(void, "void", "collected"),
            "newsletter": np.where(_subscribed(person, placed_at), "Y", "N"),
            "dirt": dirt,
        }
    )


def _subscribed(person: np.ndarray, placed_at: np.ndarray) -> np.ndarray:
    """A customer's answer is the same with every order, until some say no for good."""
    ends = chance.chosen(person, "newsletter ends", NEWSLETTER_ENDS / NEWSLETTER)
    end = YEAR[0] + chance.seconds(chance.between(person, "newsletter end", 0, YEAR_SECONDS))
    return chance.chosen(person, "newsletter", NEWSLETTER) & ~(ends & (placed_at >= end))
