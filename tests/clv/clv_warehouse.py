"""The SQL that scores customers, compiled by dbt, on tables of our own; nothing is kept."""

from dataclasses import asdict, dataclass
from datetime import date

import numpy as np
import psycopg

from perennial import config, transform
from perennial.clv import RECENT_DAYS, Fit, Histories, Spend, expectation_rows
from perennial.clv.expectation import observed
from perennial.connections import Connection

NIGHT = date(2017, 9, 30)
DAYS = ("int_changed_days", "int_customer_days", "int_order_totals")
MODELS = (*DAYS, "int_order_histories", "customer_clv")

# What the models read. dbt compiles them without asking whether it is there.
TABLES = """
create schema if not exists intermediate;
create schema if not exists marts;
create table marts.fct_orders (
    customer_key text, ordered_on date, gross_amount numeric(18, 4), net_amount numeric(18, 4), is_valid boolean
);
create table intermediate.int_ledger (customer_key text, event_type text, event_on date, amount numeric(18, 4));
create view intermediate.int_given_back as select * from intermediate.int_ledger where event_type <> 'order';
create table intermediate.int_revised_days (
    customer_key text, ordered_on date, net_before numeric, net_start numeric
);
create view intermediate.int_cohorts as
select distinct customer_key, cast(null as date) as cohort_month, 'unknown' as acquisition_source from marts.fct_orders;
create view intermediate.int_customer_facts as
select customer_key, date '2010-01-01' as known_on, 'facts' as facts_hash from intermediate.int_cohorts
"""
HISTORIES = """
create table intermediate.int_order_histories (
    customer_key text, net_revenue numeric, x integer, t_x integer, t integer, recent_x integer, recent_t integer,
    valued_orders integer, mean_value double precision
)
"""


@dataclass(frozen=True)
class Night:
    """What the nightly fit found."""

    fit: Fit
    spend: Spend
    recent: Fit | None = None
    share: float = 0.0
    margin: float = 1.0
    discount_rate: float = 0.0

    @property
    def recent_alone(self) -> bool:
        """Whether the model has no say."""
        return self.fit.level == "recent_rate" or self.share == 1


class Compiled:
    """The models, compiled once for one database."""

    def __init__(self, warehouse: Connection):
        transform.run(["compile", "--select", *MODELS], config.load(), NIGHT, warehouse)
        written = transform.target_folder(NIGHT) / "compiled"
        self.sql = {model: next(written.rglob(f"{model}.sql")).read_text("utf-8") for model in MODELS}
        self._warehouse = warehouse

    def connect(self) -> psycopg.Connection:
        """A session in which what the models read is there, and empty; roll it back."""
        to = self._warehouse
        session = psycopg.connect(
            host=to.host, port=to.port, user=to.login, dbname=to.database, options="-c timezone=UTC -c jit=off"
        )
        session.execute(TABLES)
        return session

    def run(self, session: psycopg.Connection, model: str) -> list[dict]:
        """The rows of a model, in order of the customer."""
        with session.cursor(row_factory=psycopg.rows.dict_row) as cursor:
            return cursor.execute(f"select * from ({self.sql[model]}) as built order by customer_key").fetchall()


def fill(session: psycopg.Connection, histories: Histories) -> None:
    """Customers 000000, 000001, ... with these histories, as int_order_histories has them."""
    session.execute(HISTORIES)
    keys = [f"{number:06}" for number in range(len(histories.x))]
    with session.cursor() as cursor, cursor.copy("copy intermediate.int_order_histories from stdin") as copy:
        for key, x, t_x, T, recent, n, mean in zip(
            keys,
            *(histories.x, histories.t_x, histories.T, histories.recent, histories.valued, histories.mean),
            strict=True,
        ):
            times = [int(one) for one in (x, t_x, T, recent, min(T, RECENT_DAYS), n)]
            copy.write_row((key, 0, *times, float(mean) if n else None))


def write_fit(session: psycopg.Connection, night: Night, histories: Histories) -> None:
    """The two tables of the nightly fit for these histories."""
    fit, recent = night.fit, night.fit if night.fit.level == "recent_rate" else night.recent
    p = None if night.fit.level == "recent_rate" else fit.parameters
    q = recent and recent.parameters
    share = 1.0 if night.recent_alone else night.share
    blend = "_blend" if 0 < share < 1 else ""
    row = {
        "as_of": NIGHT,
        "champion": "mbg",
        "model_used": "recent_rate" if share == 1 else fit.model_used + blend,
        "fit_status": fit.status,
        "fit_level": fit.level,
        "model": fit.model,
        **(asdict(p) if p else {}),
        "memory_days": fit.memory,
        "recent_share": share,
        "recent_r": q and q.r,
        "recent_alpha": q and q.alpha,
        "recent_days": RECENT_DAYS,
        **{name: getattr(fit, name) for name in ("loglik", "converged", "iterations", "customers", "repeaters")},
        **{name: getattr(fit, name) for name in ("rejected", "excluded")},
        "notes": list(fit.notes),
        "spend_level": night.spend.level,
        "spend_status": night.spend.status,
        **{f"spend_{name}": getattr(night.spend, name) or None for name in ("p", "q", "v")},
        "spend_dropped": night.spend.dropped,
        "margin": night.margin,
        "discount_rate": night.discount_rate,
    }
    names, places = ", ".join(row), ", ".join(["%s"] * len(row))
    session.execute(f"insert into clv.parameters ({names}) values ({places})", list(row.values()))
    if share < 1:
        _write_rows(session, fit, night, histories)
    if share > 0:
        _write_rows(session, recent, night, histories)


def _write_rows(session: psycopg.Connection, fit: Fit, night: Night, histories: Histories) -> None:
    x, _, T = observed(fit, histories)
    rows = expectation_rows(fit, *np.unique(np.column_stack([x, T]), axis=0).T, night.discount_rate)
    with session.cursor() as cursor, cursor.copy(f"copy clv.alive_expectation ({', '.join(rows)}) from stdin") as copy:
        for row in zip(*(_plain(column) for column in rows.values()), strict=True):
            copy.write_row(row)


def _plain(column: np.ndarray | list[np.ndarray]) -> list:
    return column.tolist() if isinstance(column, np.ndarray) else [one.tolist() for one in column]
