"""On Complete Journey: do customers buy what was suggested to them, more often than what sells best anyway?"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd
import psycopg
import pytest
from offer_shop import database

from perennial import config, transform
from perennial.connections import Connection
from perennial.sample import baskets

pytestmark = pytest.mark.server

NIGHT = date(1999, 12, 31)  # what the SQL is compiled for; replaced by each origin
ORIGINS = (date(2017, 6, 30), date(2017, 9, 30))
HORIZON = timedelta(days=92)
MODELS = {"category_affinity": "marts", "int_next_categories": "intermediate"}
TABLE = """
create schema if not exists intermediate;
create schema if not exists marts;
create table intermediate.int_customer_categories (
    customer_key text, category text, order_days integer, first_on date, last_on date, sum_of_log_gaps double precision,
    built_from text, categories_hash bigint
)
"""


@pytest.fixture(scope="module")
def purchases() -> pd.DataFrame:
    """One row per household, category and day."""
    lines = baskets.read()
    frame = pd.DataFrame(
        {
            "customer": lines.household,
            "category": pd.Series(baskets.products(lines.product)[1]).astype("category"),
            "day": lines.placed_at.astype("datetime64[D]"),
        }
    )[lines.cents > 0]
    return frame.dropna().drop_duplicates()


@pytest.fixture(scope="module")
def compiled(server: Connection, tmp_path_factory):
    """A session on a database of its own, and the SQL of the models."""
    with database(server, "suggestions", tmp_path_factory.mktemp("state")) as to:
        transform.run(["compile", "--select", *MODELS], config.load(), NIGHT, to)
        written = transform.target_folder(NIGHT) / "compiled"
        sql = {model: next(written.rglob(f"{model}.sql")).read_text("utf-8") for model in MODELS}
        with psycopg.connect(host=to.host, user=to.login, dbname=to.database) as session:
            session.execute(TABLE)
            yield session, sql


@dataclass
class Judged:
    """What became of suggestions of an origin: shares of customers who bought it in the 92 days after."""

    customers: int
    first: float
    first_popular: float
    of_three: float
    of_three_popular: float
    anything: float  # any category that she did not have, at random


def judge(purchases: pd.DataFrame, compiled, origin: date) -> Judged:
    """Suggest at the end of `origin`, and see what followed."""
    session, sql = compiled
    day = np.datetime64(origin)
    past = purchases[purchases["day"] <= day]
    bought = past.groupby(["customer", "category"], observed=True)["day"].max().reset_index()
    session.execute("truncate intermediate.int_customer_categories")
    with session.cursor().copy(
        "copy intermediate.int_customer_categories (customer_key, category, last_on, categories_hash) from stdin"
    ) as copy:
        for row in bought.itertuples():
            copy.write_row((str(row.customer), row.category, row.day.date(), None))
        for customer in bought["customer"].unique():
            copy.write_row((str(customer), None, None, 1))
    session.execute("analyze intermediate.int_customer_categories")
    for model, schema in MODELS.items():
        session.execute(f"drop table if exists {schema}.{model}")
        session.execute(f"create table {schema}.{model} as {sql[model].replace(str(NIGHT), str(origin))}")
    told = session.execute(
        "select customer_key, category from intermediate.int_next_categories where place > 0 order by 1, place"
    ).fetchall()
    suggested: dict[int, list[str]] = {}
    for customer, category in told:
        suggested.setdefault(int(customer), []).append(category)
    has = bought.groupby("customer")["category"].agg(set)
    after = purchases[(purchases["day"] > day) & (purchases["day"] <= np.datetime64(origin + HORIZON))]
    got = after.groupby("customer")["category"].agg(set)
    popular = bought["category"].value_counts().loc[lambda counts: counts > 0].index.tolist()
    rows = []
    for customer, best in suggested.items():
        new = [category for category in popular if category not in has[customer]]
        bought_after = got.get(customer, set())
        rows.append(
            (
                best[0] in bought_after,
                new[0] in bought_after,
                np.mean([one in bought_after for one in best]),
                np.mean([one in bought_after for one in new[:3]]),
                np.mean([one in bought_after for one in new]),
            )
        )
    return Judged(len(rows), *np.mean(rows, axis=0))


@pytest.mark.parametrize("origin", ORIGINS, ids=str)
def test_suggestions_are_bought_five_times_as_often_as_chance_and_no_less_than_what_sells_best(
    purchases, compiled, origin
):
    found = judge(purchases, compiled, origin)
    assert found.customers > 2200
    assert found.first > 5 * found.anything
    assert found.first >= found.first_popular
    assert found.of_three >= found.of_three_popular
