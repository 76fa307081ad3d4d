"""Order histories out of the warehouse, as numbers without names: those of tonight, and those known on a past day."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import psycopg

from perennial.clv import Cells, Histories, Recent, SpendCells, collapse, spend_cells
from perennial.clv.fit import RECENT_DAYS

MOST_ASKED = 50_000  # customers of a past day, chosen by a hash of their key: enough for every figure to 1 %
MOST_SPENDERS = 200_000  # customers whose order values are fitted

FIRST_DAY = "select min(first_order_on) as day from intermediate.int_order_histories"

CELLS = """
    select x, t_x, t, count(*) as customers from intermediate.int_order_histories
    where x is not null group by x, t_x, t
"""

SPENDERS = """
    select valued_orders, coalesce(mean_value, 0) as mean_value from intermediate.int_order_histories
    where x is not null
    order by hashtextextended(customer_key, 0) limit %(most)s
"""

RECENT = """
    select coalesce(sum(recent_x), 0)::float8 as orders, coalesce(sum(recent_t), 0)::float8 as days
    from intermediate.int_order_histories
"""

PAIRS = {
    "model": "select distinct x, t from intermediate.int_order_histories where x is not null",
    "recent": """
        select distinct recent_x as x, recent_t as t from intermediate.int_order_histories where x is not null
    """,
}

# an order counts on a day if something of it was left then, and so does what followed, at the end of the horizon
PAST = """
    with
    orders as (
        select customer_key, ordered_on,
            sum(amount) filter (where event_on <= %(origin)s) as known,
            sum(amount) as later,
            bool_or(event_type = 'cancellation' and event_on <= %(origin)s) as gone,
            bool_or(event_type = 'cancellation') as gone_later
        from intermediate.int_ledger
        where event_on <= %(origin)s + %(horizon)s::int
        group by customer_key, source, order_id, ordered_on
    ),

    firsts as (
        select customer_key, min(ordered_on) as first_on from orders
        where ordered_on <= %(origin)s and known > 0 and not gone
        group by customer_key
        order by hashtextextended(customer_key, 0) limit %(most)s
    ),

    days as (
        select firsts.customer_key, firsts.first_on, orders.ordered_on, sum(orders.known) as value
        from orders inner join firsts using (customer_key)
        where orders.ordered_on <= %(origin)s and orders.known > 0 and not orders.gone
        group by firsts.customer_key, firsts.first_on, orders.ordered_on
    ),

    known as (
        select customer_key,
            count(*) - 1 as x,
            max(ordered_on) - first_on as t_x,
            %(origin)s - first_on as t,
            count(*) filter (where ordered_on > %(origin)s - %(recent)s::int and ordered_on > first_on) as recent_x,
            count(*) filter (where ordered_on > %(origin)s - %(horizon)s::int) as latest,
            count(*) as valued,
            avg(value)::float8 as mean
        from days group by customer_key, first_on
    ),

    followed as (
        select customer_key, count(distinct ordered_on) as orders, sum(later)::float8 as spend
        from orders
        where ordered_on > %(origin)s and later > 0 and not gone_later
        group by customer_key
    )

    select x, t_x, t, recent_x, latest, valued, mean, coalesce(orders, 0) as orders, coalesce(spend, 0) as spend
    from known left join followed using (customer_key)
    order by x, t_x, t, recent_x, latest, valued, mean, orders, spend
"""


@dataclass(frozen=True)
class Past:
    """What was known of customers at the end of a day, and what followed; arrays of shape (n,)."""

    origin: date
    horizon: int
    known: Histories
    latest: np.ndarray  # order-days of the horizon before
    orders: np.ndarray  # order-days of the horizon after
    spend: np.ndarray  # net revenue of them

    @property
    def cells(self) -> Cells:
        """The histories, counted."""
        return collapse(self.known.x, self.known.t_x, self.known.T)

    @property
    def recent(self) -> Recent:
        """What the recent rate is measured on."""
        watched = np.minimum(self.known.T, RECENT_DAYS)
        return Recent(float(self.known.recent.sum()), float(watched.sum()), RECENT_DAYS)


def first_day(session: psycopg.Connection) -> date | None:
    """The day of the first order that counts; None before there is one."""
    return session.execute(FIRST_DAY).fetchone()["day"]


def tonight(session: psycopg.Connection) -> tuple[Cells, SpendCells, Recent]:
    """What tonight's fit learns from."""
    x, t_x, t, customers = _columns(session, CELLS, {})
    valued, mean = _columns(session, SPENDERS, {"most": MOST_SPENDERS})
    found = session.execute(RECENT).fetchone()
    recent = Recent(found["orders"], found["days"], RECENT_DAYS)
    return collapse(x, t_x, t, customers), spend_cells(valued, mean), recent


def pairs(session: psycopg.Connection, part: str) -> tuple[np.ndarray, np.ndarray]:
    """The (x, T) that customers have tonight, each of shape (pairs,); `part` is model or recent."""
    x, t = _columns(session, PAIRS[part], {})
    return x, t


def past(session: psycopg.Connection, origin: date, horizon: int) -> Past:
    """Histories known at the end of `origin`, and what followed within `horizon` days."""
    asked = {"origin": origin, "horizon": horizon, "recent": RECENT_DAYS, "most": MOST_ASKED}
    x, t_x, t, recent_x, latest, valued, mean, orders, spend = _columns(session, PAST, asked)
    return Past(origin, horizon, Histories(x, t_x, t, valued, mean, recent_x), latest, orders, spend)


def _columns(session: psycopg.Connection, query: str, asked: dict) -> list[np.ndarray]:
    """The columns of the answer as float64 arrays, also of an empty one."""
    with session.cursor(row_factory=psycopg.rows.tuple_row) as cursor:
        cursor.execute(query, asked)
        width = len(cursor.description)
        return list(np.array(cursor.fetchall(), dtype=float).reshape(-1, width).T)
