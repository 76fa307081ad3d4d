"""What a night came to, for the person who ran it."""

from datetime import date, timedelta

import psycopg
from rich import box
from rich.console import Console
from rich.table import Table

from perennial import config, night, paths
from perennial.errors import ConfigError
from perennial.warehouse.database import connect

TIERS = ("A", "B", "C", "N")

STAGES = """
    select s.stage, s.label_en, s.label_zh, a.abc_tier, count(l.customer_key) as customers
    from marts.dim_stages as s
    left join marts.customer_lifecycle as l using (lifecycle_model, stage)
    left join marts.customer_abc as a using (customer_key)
    where s.lifecycle_model = %s
    group by s.stage, s.label_en, s.label_zh, s.stage_order, a.abc_tier
    order by s.stage_order
"""
MOVES = """
    select count(*) filter (where next_stage_on <= as_of + 1) as tomorrow,
        count(*) filter (where next_stage_on <= as_of + 30) as month
    from marts.customer_lifecycle where lifecycle_model = %s
"""
AUDIENCES = """
    select m.audience, m.channel, count(*) as members, count(*) filter (where m.verdict = 'export') as exported,
        count(*) filter (where m.reason in ('erased', 'no_address', 'consent_denied', 'no_consent', 'complaint',
            'unsubscribed', 'blocked', 'bounced')) as not_allowed,
        count(*) filter (where m.reason in ('holdout_universal', 'holdout')) as held_out,
        count(*) filter (where m.reason in ('audience_stopped', 'exited', 'cool_down', 'limit_1_day', 'limit_7_days',
            'limit_30_days', 'other_audience', 'budget')) as not_tonight
    from activation.audience_members as m group by m.audience, m.channel order by m.audience, m.channel
"""
VALUE = """
    select p.model_used, p.fit_status, sum(c.clv_365d) as clv, sum(c.exp_orders_365d) as orders,
        b.origin, b.horizon_days, b.mae, b.skill, b.bias
    from clv.parameters as p
    inner join marts.customer_clv as c using (as_of)
    left join lateral (
        select * from marts.clv_backtest as tested
        where tested.as_of = p.as_of and tested.candidate = p.champion order by origin desc limit 1
    ) as b on true
    where p.as_of = %s
    group by p.model_used, p.fit_status, b.origin, b.horizon_days, b.mae, b.skill, b.bias
"""
WARNED = """
    select count(*) filter (where opened_on = %(as_of)s) as new, count(*) filter (where outcome = 'open') as open,
        count(*) filter (where closed_on = %(as_of)s and outcome = 'returned') as returned,
        count(*) filter (where closed_on = %(as_of)s and outcome = 'lost') as lost,
        sum(value_at_risk) filter (where outcome = 'open') as at_risk
    from marts.fct_early_warnings
"""
SCORED = """
    select from information_schema.columns
    where table_schema = 'marts' and table_name = 'customer_clv' and column_name = 'clv_365d'
        and to_regclass('clv.parameters') is not null
"""
WARNINGS = """
    select message from ops.gate_results where as_of = %s and severity = 'warn' and not passed order by check_name
"""
QUARANTINE = """
    select q.source, q.entity, q.column_name, coalesce(r.label_en, q.reason) as reason, count(*) as rows
    from quarantine.rejected_rows as q
    left join marts.dim_reasons as r on r.kind = 'quarantine' and r.reason = q.reason
    where q.replayed_in is null
    group by 1, 2, 3, 4 order by 5 desc, 1, 2, 3
"""
LANDED = """
    select coalesce(sum(rows_landed), 0) - replayed.rows as landed, coalesce(sum(rows_loaded), 0) as loaded,
        coalesce(sum(rows_quarantined), 0) - replayed.rows as quarantined
    from ops.batches
    cross join (
        select count(*) as rows from quarantine.rejected_rows where replayed_in is not null
    ) as replayed
    group by replayed.rows
"""


def show(console: Console | None = None) -> None:
    """Print the newest night: customers per stage and tier, audiences, quarantine, files, what to type next."""
    console = console or Console()
    as_of = night.horizon()
    if as_of is None:
        raise ConfigError("no night has been built yet; run `make demo`, or `perennial nightly`")
    settings = config.load()
    model = settings.lifecycle.default
    with connect() as session:
        name = settings.lifecycle.models[model].name
        console.print(f"\n[bold]Customers on {as_of}[/]: {name.en} {name.zh}", highlight=False)
        console.print(_stages(session, model))
        moves = session.execute(MOVES, [model]).fetchone()
        console.print(
            f"Unless they order, {moves['tomorrow']:,} customers enter another stage tomorrow and "
            f"{moves['month']:,} within 30 days: the rows are already in marts.fct_lifecycle_timeline.\n"
        )
        _value(console, session, as_of, settings.sources.business.currency)
        _warnings(console, session, as_of, settings.sources.business.currency)
        for row in session.execute(WARNINGS, [as_of]):
            console.print(f"[yellow]warning[/] {row['message']}")
        console.print("\n[bold]Audiences[/]")
        exported = session.execute("select exported_at from ops.nights where as_of = %s", [as_of]).fetchone()
        sent = exported["exported_at"] is not None
        console.print(_audiences(session, sent))
        if not sent:
            console.print("[yellow]Nothing of this night was exported.[/] ops.runs and ops.gate_results say why.\n")
        console.print("[bold]Quarantined rows so far[/], see `perennial quarantine list`")
        console.print(_quarantine(session))
        landed = session.execute(LANDED).fetchone()
        console.print(
            f"So far {landed['landed']:,} rows landed = {landed['loaded']:,} loaded + "
            f"{landed['quarantined']:,} quarantined\n"
        )
    _where_next(console, as_of, sent)


def _value(console: Console, session: psycopg.Connection, as_of: date, currency: str) -> None:
    if session.execute(SCORED).fetchone() is None:
        return  # marts of an earlier version, until the next night
    row = session.execute(VALUE, [as_of]).fetchone()
    if row is None or row["clv"] is None:
        return
    console.print(
        f"Of the next 365 days {row['orders']:,.0f} orders worth {row['clv']:,.0f} {currency} are expected "
        f"({row['model_used']}, {row['fit_status']}): marts.customer_clv has everybody's."
    )
    if row["origin"] is not None:
        bias = "" if row["bias"] is None else f", {row['bias']:+.1%} in total"
        word = "better" if row["skill"] >= 0 else "worse"
        console.print(
            f"The same for the {row['horizon_days']} days from {row['origin']}: {row['mae']:.2f} orders per customer "
            f"off{bias}, {abs(row['skill']):.1%} {word} than the best simple guess (marts.clv_backtest)."
        )


def _warnings(console: Console, session: psycopg.Connection, as_of: date, currency: str) -> None:
    if session.execute("select to_regclass('marts.fct_early_warnings') as found").fetchone()["found"] is None:
        return  # marts of an earlier version, until the next night
    row = session.execute(WARNED, {"as_of": as_of}).fetchone()
    console.print(
        f"Early warnings: {row['new']:,} new, {row['returned']:,} returned, {row['lost']:,} lost; {row['open']:,} open "
        f"with {row['at_risk'] or 0:,.0f} {currency} at risk (marts.fct_early_warnings)."
    )


def _stages(session: psycopg.Connection, model: str) -> Table:
    table = _table()
    table.add_column("stage")
    table.add_column("阶段")
    for tier in TIERS:
        table.add_column(tier, justify="right")
    table.add_column("all", justify="right", style="bold")
    stages: dict[tuple[str, str], dict[str, int]] = {}
    for row in session.execute(STAGES, [model]):
        stages.setdefault((row["label_en"], row["label_zh"]), {})[row["abc_tier"]] = row["customers"]
    for (english, chinese), tiers in stages.items():
        counts = [tiers.get(tier, 0) for tier in TIERS]
        table.add_row(english, chinese, *(f"{n:,}" if n else "·" for n in counts), f"{sum(counts):,}")
    totals = [sum(tiers.get(tier, 0) for tiers in stages.values()) for tier in TIERS]
    table.add_section()
    table.add_row("all", "合计", *(f"{n:,}" for n in totals), f"{sum(totals):,}")
    return table


def _audiences(session: psycopg.Connection, sent: bool) -> Table:
    table = _table()
    table.add_column("audience", no_wrap=True)
    table.add_column("by", no_wrap=True)
    for column in ("members", "may not", "held out", "not now"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("exported" if sent else "would be exported", justify="right", no_wrap=True, style="bold")
    for row in session.execute(AUDIENCES):
        keys = ("members", "not_allowed", "held_out", "not_tonight", "exported")
        table.add_row(row["audience"], row["channel"], *(f"{row[k]:,}" for k in keys))
    return table


def _quarantine(session: psycopg.Connection) -> Table:
    table = _table()
    for column in ("where", "column", "reason"):
        table.add_column(column, no_wrap=True)
    table.add_column("rows", justify="right")
    for row in session.execute(QUARANTINE):
        table.add_row(f"{row['source']}.{row['entity']}", row["column_name"], row["reason"], f"{row['rows']:,}")
    return table


def _table() -> Table:
    return Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True)


def _where_next(console: Console, as_of: date, sent: bool) -> None:
    if sent:
        console.print(f"Audience files  {paths.state() / 'audiences'}/<channel>/{as_of}/", soft_wrap=True)
    console.print(f"Landing zone    {paths.state() / 'landing'}", soft_wrap=True)
    console.print("\nType next")
    console.print("  .venv/bin/perennial psql -c 'select * from marts.customer_lifecycle limit 10'")
    following = as_of + timedelta(days=1)
    if (paths.state() / "sample").is_dir():
        console.print(f"  make nightly AS_OF={following}    the next night", highlight=False)
    else:
        console.print(f"  .venv/bin/perennial nightly --as-of {following}    the next night", highlight=False)
    console.print("  make ui                           the same in Airflow's own pages")
