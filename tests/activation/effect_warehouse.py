"""What judges an effect, compiled by dbt, and many experiments at a time: each one is a stage of one audience."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
import psycopg
from decision_warehouse import settings

from compiled_models import NIGHT, compiled, fill, pointed_at
from perennial.connections import Connection

SUMS = ("count_over", "count_ordered", "y", "x", "yy", "xx", "xy")
SHARES = (0.5, 0.1, 0.05, 0.02)  # an audience for each of these holdouts
TABLES = """
create table marts.dim_reasons (kind text, reason text, label_en text, label_zh text);
insert into marts.dim_reasons select 'effect', unnest(array[
    'works', 'harms', 'unclear', 'too_early', 'no_holdout', 'sample_ratio_mismatch'
]);
create table intermediate.int_holdout_outcomes (
    audience text, is_held_out boolean, stage text, abc_tier text, state text, value numeric, value_before numeric,
    has_ordered boolean, is_written boolean, entered_on date, over_on date
);
"""


def audiences() -> dict:
    """An audience for each share."""
    common = {"label": {"en": "x", "zh": "x"}, "objective": "retain", "purpose": "marketing"}
    common |= {"destinations": ["email_files"], "where": {"orders": {"at_least": 1}}}
    return {f"holdout_{share:.2f}".replace(".", "_"): common | {"holdout": share} for share in SHARES}


@dataclass
class Experiments:
    """Sums of many experiments, two arms each (treated, held out): arrays of experiments x arms."""

    sums: dict[str, np.ndarray]

    @classmethod
    def of(cls, value: np.ndarray, before: np.ndarray, held: np.ndarray) -> "Experiments":
        """From arrays of experiments x people; nan where somebody does not count."""
        return cls.growing(value, before, held, [value.shape[1]])

    @classmethod
    def growing(cls, value: np.ndarray, before: np.ndarray, held: np.ndarray, looks: Sequence[int]) -> "Experiments":
        """The same looked at when so many people each are there: all experiments at the first look, then the next."""
        arms = [np.isfinite(value) & (held == arm) for arm in (False, True)]
        y, x = np.nan_to_num(value), np.nan_to_num(before)
        made = {"y": y, "x": x, "yy": y * y, "xx": x * x, "xy": x * y, "count_over": 1.0, "count_ordered": y > 0}
        at = [0, *looks[:-1]]

        def summed(what: np.ndarray) -> np.ndarray:
            return np.cumsum(np.add.reduceat(what[:, : looks[-1]], at, axis=1), axis=1).T.reshape(-1)

        return cls({name: np.stack([summed(arm * made[name]) for arm in arms], 1) for name in SUMS})


class Judge:
    """The shipped SQL, on a database of its own."""

    def __init__(self, warehouse: Connection, state: Path):
        self.session = psycopg.connect(host=warehouse.host, user=warehouse.login, dbname=warehouse.database)
        self.session.execute("set client_min_messages = warning")
        self.session.execute(TABLES)
        self.session.commit()
        with pointed_at(warehouse, state):
            chosen = settings(audiences(), holdout={"universal": 0.05})
            self.sql = compiled(("int_holdout_sums", "fct_campaign_uplift"), chosen, warehouse)
        self.session.execute(f"create table intermediate.int_holdout_sums as {self.sql['int_holdout_sums']}")

    def sums(self, value: np.ndarray, before: np.ndarray, held: np.ndarray) -> dict[str, list[float]]:
        """Of one experiment, as the SQL adds up; an array per sum, treated first."""
        outcomes = zip(value.tolist(), before.tolist(), held.tolist(), strict=True)
        self.session.execute("truncate intermediate.int_holdout_outcomes")
        fill(
            self.session,
            "intermediate.int_holdout_outcomes",
            "audience, is_held_out, stage, state, value, value_before, has_ordered, is_written, entered_on, over_on",
            (("a", h, "s", "over", y, x, y > 0, False, NIGHT - timedelta(days=28), NIGHT) for y, x, h in outcomes),
        )
        rows = self._rows(f"select * from ({self.sql['int_holdout_sums']}) s where segmentation = 'all' order by 2")
        return {name: [float(row[name]) for row in rows] for name in SUMS}

    def judge(self, share: float, experiments: Experiments) -> dict[str, np.ndarray]:
        """Columns of marts.fct_campaign_uplift, a value per experiment."""
        audience = f"holdout_{share:.2f}".replace(".", "_")
        arrays = [experiments.sums[name] for name in SUMS]
        self.session.execute("truncate intermediate.int_holdout_sums")
        fill(
            self.session,
            "intermediate.int_holdout_sums",
            f"audience, is_held_out, segmentation, segment, count_running, {', '.join(SUMS)}",
            (
                (audience, bool(arm), "stage", str(number), 0, *(f"{a[number, arm]:.17g}" for a in arrays))
                for number in range(len(arrays[0]))
                for arm in (0, 1)
            ),
        )
        rows = self._rows(
            f"select * from ({self.sql['fct_campaign_uplift']}) u where segmentation = 'stage' "
            "order by cast(segment as integer)"
        )
        numbers = [name for name in rows[0] if isinstance(rows[0][name], bool) or hasattr(rows[0][name], "as_tuple")]
        found = {name: np.array([row[name] for row in rows], float) for name in numbers}
        return found | {"verdict": np.array([row["verdict"] for row in rows])}

    def _rows(self, query: str) -> list[dict]:
        with self.session.cursor(row_factory=psycopg.rows.dict_row) as cursor:
            return cursor.execute(query).fetchall()


@contextmanager
def judge(server: Connection, state: Path) -> Iterator[Judge]:
    """A judge, and afterwards its database is gone."""
    with psycopg.connect(host=server.host, user=server.login, dbname="postgres", autocommit=True) as session:
        session.execute("create database effects template template")
        made = Judge(Connection("postgres", server.host, server.port, server.login, database="effects"), state)
        try:
            yield made
        finally:
            made.session.close()
            session.execute("drop database effects with (force)")
