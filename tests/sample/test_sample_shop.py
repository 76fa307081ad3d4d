"""The shop's database: days can be played one by one or at once, and nothing runs backwards."""

from datetime import date

import pandas as pd
import psycopg
import pytest

from perennial.connections import Connection
from perennial.errors import ConfigError, RetriableError
from perennial.sample import shop
from perennial.sample.world import World, day_end

pytestmark = pytest.mark.server

TABLES = ["customers", "orders", "order_items", "refunds", "consents", "sample_clock"]


def rows(connection: Connection, query: str) -> list[tuple]:
    with psycopg.connect(
        host=connection.host,
        port=connection.port,
        user=connection.login,
        dbname=connection.database,
        options="-c timezone=UTC",
    ) as database:
        found = database.execute(query)
        return found.fetchall() if found.description else []


def everything(connection: Connection) -> dict[str, list[tuple]]:
    return {
        t: rows(connection, f"select * from sales.{t} order by 1, 2")
        if t != "sample_clock"
        else rows(connection, "select * from sales.sample_clock")
        for t in TABLES
    }


def cancelled_over_midnight(world: World) -> pd.Series:
    """An order that is cancelled on a later business day than it was placed."""
    orders = world.orders.dropna(subset="cancelled_at")
    day = orders["placed_at"].dt.tz_convert("America/New_York").dt.date
    end = day.map(day_end)
    return orders[orders["cancelled_at"] >= end].assign(day=day).iloc[0]


def test_many_steps_end_where_one_step_ends(new_database, small: World) -> None:
    steps, once = new_database("steps"), new_database("once")
    days = [date(2017, m, d) for m in (2, 3, 4) for d in (1, 2, 3, 17)]
    days.append(cancelled_over_midnight(small)["day"])
    for day in sorted(days):
        shop.sync(steps, small, day)
    shop.sync(steps, small, date(2017, 12, 31))
    shop.sync(once, small, date(2017, 12, 31))
    found = everything(steps)
    assert found == everything(once)
    assert all(found.values())


def test_the_database_has_the_rows_of_the_world_up_to_the_day(new_database, small: World) -> None:
    shop_db, until = new_database("rows"), date(2017, 6, 30)
    result = shop.sync(shop_db, small, until)
    end = day_end(until)
    orders = small.orders[small.orders["placed_at"] < end]
    found = rows(shop_db, "select count(*), sum(total_cents), max(placed_at) from sales.orders")
    assert found == [(len(orders), orders["total_cents"].sum(), orders["placed_at"].max())]
    items = small.order_items[small.order_items["changed_at"] < end]
    query = "select count(*), sum(amount_cents), sum(quantity), count(department), count(category)"
    assert rows(shop_db, f"{query} from sales.order_items") == [
        (
            len(items),
            items["amount_cents"].sum(),
            items["quantity"].sum(),
            items["department"].count(),
            items["category"].count(),
        )
    ]
    assert result["orders"] == len(orders)
    assert result["order_items"] == len(items)
    assert result["customers"] == (small.customers["registered_at"] < end).sum()
    assert result["refunds"] == (small.refunds["refunded_at"] < end).sum()
    assert result["consents"] == (small.consents["changed_at"] < end).sum()
    assert result["written"] == sum(result[table] for table in shop.TABLES)


def test_texts_and_times_arrive_unchanged(new_database, small: World) -> None:
    shop_db = new_database("texts")
    shop.sync(shop_db, small, date(2018, 1, 31))
    for table, key in (("customers", "customer_no"), ("consents", "consent_no")):
        expected = getattr(small, table).sort_values(key)
        found = rows(shop_db, f"select * from sales.{table} order by {key}")
        assert found == list(expected.itertuples(index=False, name=None))


def test_an_order_is_placed_until_the_day_it_is_cancelled(new_database, large: World) -> None:
    order = cancelled_over_midnight(large)
    shop_db = new_database("cancelled")
    look = f"select status, cancelled_at, changed_at from sales.orders where order_no = {order['order_no']}"
    shop.sync(shop_db, large, order["day"])
    assert rows(shop_db, look) == [("placed", None, order["placed_at"])]
    shop.sync(shop_db, large, order["day"] + pd.Timedelta(days=3))
    assert rows(shop_db, look) == [("cancelled", order["cancelled_at"], order["cancelled_at"])]


def test_a_step_touches_only_rows_it_marks_as_changed(new_database, small: World) -> None:
    shop_db = new_database("touch")
    shop.sync(shop_db, small, date(2017, 6, 30))
    before = {t: set(rows(shop_db, f"select ctid::text, * from sales.{t}")) for t in shop.TABLES}
    result = shop.sync(shop_db, small, date(2017, 7, 31))
    touched = 0
    for table in shop.TABLES:
        after = set(rows(shop_db, f"select ctid::text, * from sales.{table}"))
        changed = rows(
            shop_db,
            f"select ctid::text, * from sales.{table} where changed_at >= '{day_end(date(2017, 6, 30))}'",
        )
        assert after - before[table] == set(changed)
        touched += len(changed)
    assert result["written"] == touched > 0


@pytest.mark.parametrize("day", [date(2017, 3, 31), date(2017, 1, 5)])
def test_the_same_or_an_earlier_day_changes_nothing(new_database, small: World, day: date) -> None:
    shop_db = new_database("back")
    shop.sync(shop_db, small, date(2017, 3, 31))
    before = everything(shop_db)
    result = shop.sync(shop_db, small, day)
    assert everything(shop_db) == before
    assert result["until"] == date(2017, 3, 31)
    assert result["written"] == 0


def test_a_schema_the_sample_did_not_make_is_left_alone(new_database, small: World) -> None:
    shop_db = new_database("stranger")
    rows(shop_db, "create schema sales")
    with pytest.raises(ConfigError, match="nothing was written"):
        shop.sync(shop_db, small, date(2017, 1, 5))
    assert rows(shop_db, "select from pg_tables where schemaname = 'sales'") == []


def test_an_unreachable_shop_is_named_without_its_password(tmp_path, small: World) -> None:
    nowhere = Connection("postgres", str(tmp_path), 5432, "shop", "s3cret", "shop")
    with pytest.raises(RetriableError, match="AIRFLOW_CONN_SHOP") as caught:
        shop.sync(nowhere, small, date(2017, 1, 5))
    assert "s3cret" not in str(caught.value)
