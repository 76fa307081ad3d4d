"""Plays click & collect: one CSV file per business day, written by another team with other habits.

The files know customers by e-mail address only, tell the stores' wall time without a zone, and now
and then contain a bad row. Which rows are bad is decided by hashes, so `expected_dirt` can tell how
many there are.
"""

import csv
import io
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from perennial import paths
from perennial.sample import chance
from perennial.sample.pickups import DIRT
from perennial.sample.world import FIRST_DAY, ZONE, World

HEADER = ["pickup_ref", "kundenmail", "mobile", "placed_local", "store", "basket_value", "cur"]
HEADER += ["state", "newsletter"]


def sync(folder: Path, world: World, until: date) -> dict[str, object]:
    """Bring `folder` to the end of business day `until`: one file per day since the first.

    Returns the number of `files` and `rows` up to `until`, how many files were `written` by this
    call, and the `dirt` they contain.
    """
    paths.private_folder(folder)
    delivered = deliveries(world)
    by_day = dict(list(delivered.groupby("day", sort=False)))
    written = rows = 0
    days = [FIRST_DAY + timedelta(days=n) for n in range((until - FIRST_DAY).days + 1)]
    for day in days:
        today = by_day.get(day, delivered.head(0))
        rows += len(today)
        written += _write(folder / f"click_collect_{day.isoformat()}.csv", _as_csv(today))
    return {
        "files": len(days),
        "rows": rows,
        "written": written,
        "dirt": _dirt(delivered, until),
    }


def expected_dirt(world: World, until: date) -> dict[str, int]:
    """How many bad rows of each kind the files up to `until` contain.

    A wrong value that is corrected counts once the correction is delivered, likewise a pickup that
    was collected and becomes void.
    """
    return _dirt(deliveries(world), until)


def _dirt(delivered: pd.DataFrame, until: date) -> dict[str, int]:
    seen = delivered.loc[delivered["day"] <= until, "shows"].value_counts()
    return {kind: int(seen.get(kind, 0)) for kind in DIRT}


def deliveries(world: World) -> pd.DataFrame:
    """Every row of every file as text, with its `day` and, as `shows`, its kind of dirt."""
    pickups = world.pickups
    number = pickups["basket_no"].to_numpy()
    local = pickups["placed_at"].dt.tz_convert(ZONE)
    rows = pd.DataFrame(
        {
            "pickup_ref": [f"CC-{n}" for n in number.tolist()],
            "kundenmail": _as_typed(pickups["email"], number),
            "mobile": pickups["mobile"],
            "placed_local": local.dt.strftime("%Y-%m-%d %H:%M:%S"),
            "store": pickups["store"].astype("str"),
            "basket_value": _decimal(pickups["value_cents"].to_numpy()),
            "cur": "USD",
            "state": pickups["state"],
            "newsletter": pickups["newsletter"],
            "day": local.dt.date,
            "shows": pickups["dirt"],
        }
    )
    return pd.concat([_soil(rows, pickups), *_again(rows, number)], ignore_index=True)


def _soil(rows: pd.DataFrame, pickups: pd.DataFrame) -> pd.DataFrame:
    """The first delivery of every pickup, the bad ones made bad."""
    rows, number, dirt = rows.copy(), pickups["basket_no"].to_numpy(), pickups["dirt"]
    rows.loc[dirt == "missing_email", "kundenmail"] = ""
    unreadable = np.where(chance.chosen(number, "unreadable", 0.5), "n/a", "12,5O")
    rows["basket_value"] = rows["basket_value"].mask(dirt == "bad_amount", unreadable)
    # The year 2017 with two digits swapped.
    far = "2107" + rows["placed_local"].str.slice(4)
    rows["placed_local"] = rows["placed_local"].mask(dirt == "far_future", far)
    rows.loc[dirt == "unknown_currency", "cur"] = "XTS"
    too_much = pickups["value_cents"].to_numpy() + chance.between(number, "too much", 100, 1500)
    wrong = dirt == "corrected_later"
    rows["basket_value"] = rows["basket_value"].mask(wrong, _decimal(too_much))
    rows.loc[dirt == "voided_later", "state"] = "collected"
    # These two are no dirt before their second delivery shows it.
    rows.loc[wrong | (dirt == "voided_later"), "shows"] = ""
    return rows


def _again(rows: pd.DataFrame, number: np.ndarray) -> list[pd.DataFrame]:
    """The second deliveries: true values some days later, void pickups on the next day."""
    after = {
        "corrected_later": chance.between(number, "corrected after", 1, 6),
        "voided_later": np.ones(len(number), dtype=np.int64),
    }
    found = []
    for kind, days in after.items():
        mine = (rows["shows"] == kind).to_numpy()
        later = [day + timedelta(days=n) for day, n in zip(rows.loc[mine, "day"], days[mine].tolist(), strict=True)]
        found.append(rows[mine].assign(day=later))
    return found


def _as_typed(emails: pd.Series, number: np.ndarray) -> pd.Series:
    """E-mail addresses as people type them at a counter: some shouted, some with stray spaces."""
    habit = chance.share(number, "typed")
    typed = emails.mask(habit < 0.04, emails.str.upper()).mask(habit > 0.96, emails.str.title())
    spaced = (habit * 1000 % 10).astype(int)  # other digits of the same number
    return typed.mask(spaced == 0, " " + typed).mask(spaced == 1, typed + "  ")


def _decimal(cents: np.ndarray) -> list[str]:
    return [f"{c // 100}.{c % 100:02d}" for c in cents.tolist()]


def _as_csv(delivered: pd.DataFrame) -> bytes:
    target = io.StringIO(newline="")
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(delivered[HEADER].itertuples(index=False))
    return target.getvalue().encode()


def _write(path: Path, content: bytes) -> bool:
    """Write the file unless it already says the same; readers never see half of it."""
    if path.exists() and path.read_bytes() == content:
        return False
    part = path.with_name(path.name + ".part")
    part.write_bytes(content)
    part.chmod(0o600)
    part.replace(path)
    return True
