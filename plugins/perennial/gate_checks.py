"""What the gate looks at beside its totals: most of it is a warning, orders that cannot be converted are a stop."""

from datetime import date

import psycopg


def fitted(session: psycopg.Connection, as_of: date) -> None:
    """Warn where customers who ordered have no forecast of the night."""
    if session.execute("select to_regclass('marts.customer_clv') as found").fetchone()["found"] is None:
        return
    without = session.execute("select count(*) as n from marts.customer_clv where fit_status = 'not_fitted'").fetchone()
    message = f"{without['n']:,} customers who ordered have no forecast tonight"
    note(session, as_of, "clv coverage", without["n"] == 0, message)


MISSING_RATES = """
    select format('%s: %s from %s to %s', currency, sum(count_rows), min(day), max(day)) as told
    from input.input_missing_rates group by currency order by currency
"""


def rates(session: psycopg.Connection, as_of: date) -> list[str]:
    """Why the night is blocked: orders that cannot be converted would be missing in every figure."""
    if session.execute("select to_regclass('input.input_missing_rates') as found").fetchone()["found"] is None:
        return []
    told = "; ".join(row["told"] for row in session.execute(MISSING_RATES))
    message = f"orders and refunds without an exchange rate for the order's day: {told or 'none'}"
    if told:
        message += ". Have rates of these days delivered (entity exchange_rates), or raise rate_holds_days"
    note(session, as_of, "exchange rates", not told, message, "block")
    return [message] if told else []


STOPPED = """
    select string_agg(format('%%s (%%s %%s, such as %%s)', audience, count_rows, problem, example), '; '
        order by audience, problem) as told
    from activation.audience_problems where as_of = %s
"""
UNAFFORDABLE = """
    select string_agg(format('%%s %%s (offer %%s, an order earns %%s, a year %%s)',
        stage, tier, offer_cost, order_margin, expected_margin), '; ' order by stage, tier) as told
    from activation.playbook where as_of = %s and not is_affordable
"""


def audiences(session: psycopg.Connection, as_of: date) -> None:
    """Warn of audiences that were stopped, and of offers of the playbook that cost more than they can earn."""
    for table, check, query, what in (
        ("audience_problems", "audiences", STOPPED, "stopped because of their queries in config/audiences/"),
        ("playbook", "playbook offers", UNAFFORDABLE, "offers in config/playbook.csv cost more than they can earn"),
    ):
        if session.execute("select to_regclass(%s) as found", [f"activation.{table}"]).fetchone()["found"] is None:
            continue
        told = session.execute(query, [as_of]).fetchone()["told"]
        note(session, as_of, check, told is None, f"{what}: {told or 'none'}")


UNREADABLE = """
    select count(*) as files,
        string_agg(format('%%s: %%s %%s', source, file, problem), '; ' order by source, file) as told
    from (
        select distinct r.source, r.payload ->> '_file' as file, r.value as problem
        from quarantine.rejected_rows as r join ops.batches as b using (batch_id)
        where r.reason = 'unreadable_file' and r.replayed_in is null and b.as_of = %s
        order by 1, 2 limit 20
    ) as unreadable
"""


def files(session: psycopg.Connection, as_of: date) -> None:
    """Warn of dropped files of which nothing could be read."""
    found = session.execute(UNREADABLE, [as_of]).fetchone()
    if found["files"]:
        note(session, as_of, "files", False, f"files that could not be read: {found['told']}; see the quarantine")


SILENT = """
    with
    nights as (
        select source, entity, as_of, sum(rows_landed) as landed,
            row_number() over (partition by source, entity order by as_of desc) as age
        from ops.batches where as_of <= %s group by source, entity, as_of
    )
    select
        string_agg(format('%%s.%%s (%%s a night before)', source, entity, usual), ', ' order by source, entity) as told
    from (
        select source, entity, round(avg(landed) filter (where age > 1)) as usual
        from nights where age <= 8
        group by source, entity
        having max(as_of) = %s and min(landed) filter (where age = 1) = 0 and min(landed) filter (where age > 1) > 0
            and count(*) > 3
    ) as silent
"""


def silent(session: psycopg.Connection, as_of: date) -> None:
    """Warn of what delivered rows on each of its last nights, up to seven and at least three, and none tonight."""
    told = session.execute(SILENT, [as_of, as_of]).fetchone()["told"]
    if told:
        message = (
            f"no rows tonight: {told}. Is the right taken away, the table moved? `perennial sources check` asks it"
        )
        note(session, as_of, "silent sources", False, message)


def note(
    session: psycopg.Connection, as_of: date, check: str, passed: bool, message: str, severity: str = "warn"
) -> None:
    session.execute(
        "insert into ops.gate_results (as_of, check_name, passed, severity, message) values (%s, %s, %s, %s, %s) "
        "on conflict (as_of, check_name) do update set passed = excluded.passed, message = excluded.message",
        [as_of, check, passed, severity, message],
    )
