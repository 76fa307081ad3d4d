"""From a MariaDB shop to landing and to raw, against pandas.read_sql and to_sql in the same run.

    python bench/mariadb.py --rows 200000

JSON lines; `times` says how many times as fast as pandas we are. Needs MariaDB's server (apt-get install
mariadb-server-core mariadb-client-core). Pandas checks nothing, keeps no landing zone and makes floats of amounts.
"""

import argparse
import sys
from pathlib import Path

import psycopg
import sqlalchemy as sa
from common import say, scratch_warehouse

from perennial import landing
from perennial.connections import Connection
from perennial.sources import sql
from perennial.warehouse import database, loader
from sources import MAPPED, NIGHT, measured

SHOP = """
    create or replace table orders as
    select seq as no, concat('c', seq * 7919 % 100000) as who,
        timestamp '2020-01-01 00:00:00' + interval seq minute as at, 'placed' as state,
        cast(seq % 100000 / 100 as decimal(18, 4)) as amount, 'USD' as currency,
        timestamp '2020-01-01 00:00:00' + interval seq minute as changed
    from seq_1_to_{rows}
"""
IN_MEMORY = 100_000  # rows that pandas holds at once


def source() -> sql.Settings:
    orders = {"table": "orders", "cursor": "changed", "columns": MAPPED}
    return sql.Settings(kind="sql", connection="shop", timezone="UTC", entities={"orders": orders})


def ours(shop: Connection) -> None:
    """Read, land, check every rule of the contract, store."""
    for entity, extract in sql.open("shop", source(), shop, {}, NIGHT):
        landing.write("shop", entity, NIGHT, extract)
    loader.load(landing.find("shop", "orders", NIGHT), source(), ("USD",))


def with_pandas(shop: Connection) -> None:
    """What a script would do: chunks, and many rows per insert."""
    import pandas

    here = sa.create_engine(database.warehouse().url())
    with sa.create_engine(shop.url()).connect() as there:
        for frame in pandas.read_sql(sa.text("select * from orders"), there, chunksize=IN_MEMORY):
            frame.to_sql(
                "by_pandas", here, schema="ops", if_exists="append", index=False, method="multi", chunksize=5000
            )


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--rows", type=int, default=200_000)
    rows = asked.parse_args().rows
    sys.path.append(str(Path(__file__).parents[1] / "tests"))
    from servers.mariadb import SERVER, mariadb

    if not SERVER:
        raise SystemExit("mariadbd is not installed: apt-get install mariadb-server-core mariadb-client-core")
    shop = mariadb().connection()
    with sa.create_engine(shop.url()).begin() as session:
        session.execute(sa.text(SHOP.format(rows=rows)))
    with scratch_warehouse():
        slow, slow_cpu, peak = measured(with_pandas, shop)
        say("mariadb", "pandas.read_sql, to_sql", slow, cpu=round(slow_cpu, 2), rows=rows, peak_mb=peak)
        fast, fast_cpu, peak = measured(ours, shop)
        say("mariadb", "to landing and raw", fast, times=round(slow / fast, 1), cpu=round(fast_cpu, 2), peak_mb=peak)
        to = database.warehouse()
        with psycopg.connect(host=to.host, user=to.login, dbname=to.database) as found:
            (stored,) = found.execute("select count(*) from raw.orders").fetchone()
        if stored != rows:
            raise SystemExit(f"not the same: {rows} there, {stored} in raw")


if __name__ == "__main__":
    main()
