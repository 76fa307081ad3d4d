"""From a PostgreSQL shop to landing and to raw, against a bare COPY TO piped into COPY FROM in the same run.

    python bench/sources.py --rows 1000000

JSON lines; `ratio` is the share of the rows per second of that pipe, `cpu` the seconds of processor that a part and the
server took, which other work on the machine changes less, and `cpu_ratio` the same share by them. Every part runs in a
process of its own, whose peak of memory is told; what starting it takes is left out. At the end the sums of both sides
must be the same.
"""

import argparse
import multiprocessing
import os
import re
import shutil
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import psutil
import psycopg
from common import say, scratch_warehouse

from perennial import embedded, landing, paths
from perennial.connections import Connection
from perennial.sources import postgres_copy, sql
from perennial.warehouse import database, loader

NIGHT = date(2026, 1, 5)
COLUMNS = "no, who, at, state, amount, currency, changed"
SHOP = """
    create table orders as
    select n as no, 'c' || hashint4(n) % 100000 as who, timestamptz '2020-01-01' + n * interval '1 minute' as at,
        'placed' as state, (n % 100000)::numeric(18, 4) / 100 + 0.0001 as amount, 'USD' as currency,
        timestamptz '2020-01-01' + n * interval '1 minute' as changed
    from generate_series(1, %s) as n
"""
MAPPED = {"order_id": "no", "customer_id": "who", "ordered_at": "at", "status": "state", "amount": "amount"}
MAPPED |= {"currency": "currency", "changed_at": "changed"}
BUFFER = 256 << 10  # bytes; row by row the pipe is half as fast


def source() -> sql.Settings:
    orders = {"table": "orders", "cursor": "changed", "columns": MAPPED}
    return sql.Settings(kind="sql", connection="shop", timezone="UTC", entities={"orders": orders})


def session(to: Connection) -> psycopg.Connection:
    return psycopg.connect(host=to.host, port=to.port, user=to.login, dbname=to.database, autocommit=True)


def pipe() -> None:
    """COPY TO | COPY FROM, binary and buffered, into an unlogged table without an index: nothing is checked."""
    with session(embedded.connection("shop")) as there, session(database.warehouse()) as here:
        here.execute(
            "create unlogged table ops.piped (no int, who text, at timestamptz, state text, amount numeric, "
            "currency text, changed timestamptz)"
        )
        out, into = there.cursor(), here.cursor()
        with (
            out.copy(f"copy (select {COLUMNS} from orders) to stdout (format binary)") as rows,
            into.copy("copy ops.piped from stdin (format binary)") as copy,
        ):
            held = bytearray()
            for row in rows:
                held += row
                if len(held) > BUFFER:
                    copy.write(bytes(held))
                    held.clear()
            copy.write(bytes(held))


def land() -> None:
    """What `extract` does with an entity."""
    for entity, extract in sql.open("shop", source(), embedded.connection("shop"), {}, NIGHT):
        landing.write("shop", entity, NIGHT, extract)


def land_row_by_row() -> None:
    """The same without COPY, as any other database is read."""
    postgres_copy.Copy.of = classmethod(lambda *_: None)
    land()


def load() -> None:
    """What `load` does with it: every rule of the contract, then raw."""
    loader.load(landing.find("shop", "orders", NIGHT), source(), ("USD",))


def measured(part: Callable[..., None], *of: object) -> tuple[float, float, int]:
    """Seconds, those of processor with the server's, and the peak of memory in MB, of a part in its own process."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_measure, args=(theirs, part, *of))
    before = _server_cpu()
    process.start()
    seconds, cpu, peak = ours.recv()
    process.join()
    return seconds, cpu + _server_cpu() - before, peak


def _server_cpu() -> float:
    """Seconds of processor of the embedded server, and of all sessions it had."""
    postmaster = psutil.Process(int((paths.state() / "pgdata" / "postmaster.pid").read_text().split()[0]))
    living = [postmaster, *postmaster.children()]
    ended = postmaster.cpu_times()
    return ended.children_user + ended.children_system + sum(sum(p.cpu_times()[:2]) for p in living)


def _measure(answer: object, part: Callable[..., None], *of: object) -> None:
    import pandas  # noqa: F401 - pyarrow does, once, and takes seconds for it

    started, used = time.monotonic(), time.process_time()
    part(*of)
    seconds, cpu = time.monotonic() - started, time.process_time() - used
    peak = int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) // 1024
    answer.send((seconds, cpu, peak))


def total(to: Connection, table: str) -> tuple:
    with session(to) as found:
        return found.execute(f"select count(*), sum(amount) from {table}").fetchone()


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--rows", type=int, default=1_000_000)
    asked.add_argument("--landing-only", action="store_true", help="without the load, which checks and stores")
    asked.add_argument("--row-by-row", action="store_true", help="also without COPY, which takes long")
    options = asked.parse_args()
    with scratch_warehouse():
        embedded.ensure_database("shop")
        with session(embedded.connection("shop")) as shop:
            shop.execute(SHOP.replace("%s", str(options.rows)))
            shop.execute("vacuum analyze orders")
        floor, floor_cpu, _ = measured(pipe)
        say("sources", "COPY TO | COPY FROM", floor, cpu=round(floor_cpu, 2), rows=options.rows)

        def told(figure: str, seconds: float, cpu: float, **more: float) -> None:
            shares = {"ratio": round(floor / seconds, 2), "cpu_ratio": round(floor_cpu / cpu, 2)}
            say("sources", figure, seconds, cpu=round(cpu, 2), **shares, **more)

        parts = [("to landing", land)]
        if options.row_by_row:
            parts.insert(0, ("to landing, row by row", land_row_by_row))
        for figure, part in parts:
            shutil.rmtree(paths.state() / "landing", ignore_errors=True)
            seconds, cpu, peak = measured(part)
            told(figure, seconds, cpu, peak_mb=peak)
        if options.landing_only:
            return
        loading, loading_cpu, peak = measured(load)
        told("landing to raw", loading, loading_cpu, peak_mb=peak)
        told("to landing and raw", seconds + loading, cpu + loading_cpu)
        there, here = total(embedded.connection("shop"), "orders"), total(database.warehouse(), "raw.orders")
        if there != here:
            raise SystemExit(f"not the same: {there} there, {here} in raw")


if __name__ == "__main__":
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(Path(__file__).parent)]))
    main()
