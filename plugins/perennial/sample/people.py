"""Who the sample customers are: names, contact details, channel, registration and consents.

Every address is below example.com and every telephone number in the range reserved for fiction.
"""

import unicodedata

import numpy as np
import pandas as pd

from perennial.sample import chance
from perennial.sample.baskets import Lines
from perennial.sample.names import AREA_CODES, FIRST, LAST

HOUR, DAY = 3600, 86400
YEAR = (np.datetime64("2017-01-01T05:00:00"), np.datetime64("2018-01-01T05:00:00"))
YEAR_SECONDS = int((YEAR[1] - YEAR[0]).astype(int))

CHANNELS = {"shop": 0.70, "both": 0.25, "pickup": 0.05}
SOURCES = {"organic": 0.40, "search": 0.25, "referral": 0.20, "flyer": 0.15}
GRANTED = {"email": 0.70, "sms": 0.45}
OPT_OUT, PROSPECTS = 0.06, 0.04

# Numbers of people who never order start here; households have 1 to 2500.
PROSPECT_BASE = 10_000
CUSTOMER_BASE = 100_000


def people(lines: Lines) -> pd.DataFrame:
    """Everyone of the world: the households and the prospects, who register and never order."""
    first_line = np.unique(lines.household, return_index=True)  # lines are sorted by moment
    household, first_basket = first_line[0].astype(np.int64), lines.placed_at[first_line[1]]
    before = chance.seconds(chance.between(household, "registered", 3 * HOUR, 40 * DAY))
    # Each household decides about one possible prospect, so that slices agree.
    prospect = household[chance.chosen(household, "prospect", PROSPECTS)] + PROSPECT_BASE
    across = YEAR[0] + chance.seconds(chance.between(prospect, "registered", 0, YEAR_SECONDS))
    number = np.concatenate([household, prospect])
    first = np.array(FIRST, dtype=object)[chance.between(number, "first", 0, len(FIRST))]
    last = np.array(LAST, dtype=object)[chance.between(number, "last", 0, len(LAST))]
    is_prospect = number > PROSPECT_BASE
    everyone = pd.DataFrame(
        {
            "person_no": number,
            "first_name": first,
            "last_name": last,
            "email": [f"{_plain(f)}.{_plain(n)}.{i}@example.com" for f, n, i in zip(first, last, number, strict=True)],
            "mobile": _mobile(number),
            "country": "US",
            "acquisition_source": chance.one_of(number, "source", SOURCES),
            "channel": np.where(is_prospect, "shop", chance.one_of(number, "channel", CHANNELS)),
            "prospect": is_prospect,
            "registered_at": utc(np.concatenate([first_basket - before, across])),
        }
    )
    return everyone.sort_values(["registered_at", "person_no"], ignore_index=True)


def customers(everyone: pd.DataFrame) -> pd.DataFrame:
    """The people the shop knows, as rows of its customer table."""
    known = everyone[everyone["channel"] != "pickup"]
    known = known.drop(columns=["person_no", "channel", "prospect"])
    known.insert(0, "customer_no", everyone["person_no"] + CUSTOMER_BASE)
    return known.assign(changed_at=known["registered_at"]).reset_index(drop=True)


def consents(shop_customers: pd.DataFrame) -> pd.DataFrame:
    """What shop customers said about marketing: once at registration, some take it back later.

    Every statement is a row of its own; the newest of a customer and channel is in force.
    """
    number = shop_customers["customer_no"].to_numpy()
    registered = shop_customers["registered_at"].dt.tz_localize(None).to_numpy()
    parts = []
    for place, (channel, probability) in enumerate(GRANTED.items(), start=1):
        granted = chance.chosen(number, f"consent {channel}", probability)
        parts.append(_statements(number, place, channel, granted, registered))
        leaves = granted & chance.chosen(number, f"opt-out {channel}", OPT_OUT)
        since = np.maximum(registered[leaves] + np.timedelta64(HOUR, "s"), YEAR[0])
        span = (YEAR[1] - since).astype("timedelta64[s]").astype(np.int64)
        later = np.floor(chance.share(number[leaves], f"opt-out time {channel}") * span)
        moment = since + chance.seconds(np.maximum(later, 0))
        refused = np.zeros(len(moment), dtype=bool)
        parts.append(_statements(number[leaves], place + 2, channel, refused, moment))
    return pd.concat(parts).sort_values(["changed_at", "consent_no"], ignore_index=True)


def _statements(number: np.ndarray, place: int, channel: str, granted: np.ndarray, moment: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "consent_no": number * 10 + place,
            "customer_no": number,
            "channel": channel,
            "purpose": "marketing",
            "status": np.where(granted, "granted", "denied"),
            "changed_at": utc(moment),
        }
    )


def utc(moments: np.ndarray) -> pd.Series:
    """Moments without zone, meant as UTC, as a column with zone."""
    return pd.Series(moments.astype("datetime64[us]")).dt.tz_localize("UTC")


def _plain(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name).lower()
    return "".join(c for c in letters if c.isascii() and c.isalpha())


def _mobile(number: np.ndarray) -> list[str]:
    place = np.where(number > PROSPECT_BASE, number - PROSPECT_BASE + 2499, number - 1)
    # Multiplying by a number coprime to 5,000 scatters neighbours without giving two the same.
    place = place * 1237 % 5000
    return [f"+1{AREA_CODES[p // 100]}55501{p % 100:02d}" for p in place.tolist()]
