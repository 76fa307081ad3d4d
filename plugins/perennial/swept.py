"""What the gate says of the weekly sweeps: a few rows that are gone are a warning, many stop the night."""

from datetime import date

import psycopg

from perennial.config.sources import Sources

NEWEST = """
    select distinct on (s.source, s.entity) s.*,
        array(
            select array_to_string(key, '/') from ops.swept_rows as r
            where (r.as_of, r.source, r.entity) = (s.as_of, s.source, s.entity)
            order by finding, key limit 3
        ) as examples
    from ops.sweeps as s where s.as_of <= %s
    order by s.source, s.entity, s.as_of desc
"""
NOTE = """
    insert into ops.gate_results (as_of, check_name, passed, severity, message) values (%s, %s, false, %s, %s)
    on conflict (as_of, check_name) do update set severity = excluded.severity, message = excluded.message
"""


def told(session: psycopg.Connection, as_of: date, sources: Sources) -> list[str]:
    """Record a warning or a stop for every entity of which the newest sweep found something; returns the stops.

    A stop holds until the next sweep finds otherwise, or `may_miss` allows it.
    """
    stops = []
    for row in session.execute(NEWEST, [as_of]).fetchall():
        allowed = getattr(sources.sources.get(row["source"]), "may_miss", None)
        if allowed is None or not row["gone_rows"] + row["unseen_rows"]:
            continue
        gone, unseen = row["gone_rows"], row["unseen_rows"]
        stops_night = gone > allowed * row["known_rows"] or unseen > allowed * row["source_rows"]
        if stops_night or row["as_of"] == as_of:
            message = _message(row, stops_night)
            check = f"sweep {row['source']}.{row['entity']}"
            session.execute(NOTE, [as_of, check, "block" if stops_night else "warn", message])
            stops += [message] if stops_night else []
    return stops


def _message(row: dict, stops_night: bool) -> str:
    said = [f"{row['source']}.{row['entity']}, sweep of {row['as_of']}:"]
    if row["gone_rows"]:
        said.append(f"{row['gone_rows']:,} of {row['known_rows']:,} known rows are gone at the source")
        if row["source_earliest"] and row["source_earliest"] > row["known_earliest"]:
            said.append(f"(it begins with {row['source_earliest']:%Y-%m-%d}, we with {row['known_earliest']:%Y-%m-%d})")
    if row["unseen_rows"]:
        joined = "and " if row["gone_rows"] else ""
        said.append(f"{joined}{row['unseen_rows']:,} of its {row['source_rows']:,} rows never came here:")
        said.append("raise `overlap_days` for a night")
    said.append(f"(such as {', '.join(row['examples'])}; ops.swept_rows lists them)")
    if stops_night:
        said.append("If that is right, raise `may_miss` in config/sources.yml")
    return " ".join(said)
