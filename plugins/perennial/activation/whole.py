"""What became of a plan whose destination took everybody at once: a few statements instead of a row at a time."""

import psycopg

from perennial.activation.plan import Plan
from perennial.destinations.base import Whole
from perennial.warehouse.database import as_json

AT_ONCE = 10_000
# also what was rejected before, if this time it was not: she is in the file, and has to be known as a member
OPEN = """
    rows.plan = %(plan)s and (rows.status in ('planned', 'failed') or rows.status = 'rejected' and exists (
        select from desired where desired.customer_key = rows.customer_key
    )) and (rows.op = 'remove' or rows.customer_key not in (select left_out.customer_key from left_out))
"""
LEFT_OUT = "create temporary table left_out (customer_key text primary key, error text) on commit drop"
WHO = "insert into left_out select key, value from jsonb_each_text(%(left_out)s)"
REJECTED = """
    update activation.export_rows as rows
    set status = 'rejected', error = left_out.error, attempts = rows.attempts + 1
    from left_out
    where rows.plan = %(plan)s and rows.customer_key = left_out.customer_key and rows.op <> 'remove'
        and (rows.status, rows.error) is distinct from ('rejected', left_out.error)
"""
GONE = f"""
    delete from pii.destination_members as known
    using activation.export_rows as rows
    where {OPEN} and rows.op = 'remove' and rows.customer_key = known.customer_key
        and known.destination = %(destination)s and known.audience = %(audience)s
"""
# also of those who were members before: the file does not hold them any more
GONE_TOO = """
    delete from pii.destination_members as known using left_out
    where known.destination = %(destination)s and known.audience = %(audience)s
        and known.customer_key = left_out.customer_key
"""
# in the order of the key, which the index is built in
THERE = f"""
    insert into pii.destination_members (destination, audience, customer_key, address, fingerprint, since)
    select %(destination)s, %(audience)s, customer_key, desired.address, desired.fingerprint, %(as_of)s
    from activation.export_rows as rows
    join desired using (customer_key)
    where {OPEN} and rows.op <> 'remove'
    order by customer_key
"""
KNOWN = "select from pii.destination_members where destination = %(destination)s and audience = %(audience)s limit 1"
UNLESS_KNOWN = """
    on conflict (destination, audience, customer_key) do update set address = excluded.address, is_sure = true,
        fingerprint = excluded.fingerprint
"""
# cool-downs and limits of later nights count who came in
CONTACTED = f"""
    insert into activation.contact_ledger (as_of, audience, destination, channel, customer_key, contacted_on)
    select %(as_of)s, %(audience)s, %(destination)s, %(channel)s, customer_key, desired.send_on
    from activation.export_rows as rows
    join desired using (customer_key)
    where {OPEN} and rows.op = 'add'
    order by customer_key
"""
COUNTED = """
    select from activation.contact_ledger
    where as_of = %(as_of)s and audience = %(audience)s and destination = %(destination)s limit 1
"""
UNLESS_COUNTED = " on conflict do nothing"
DONE = f"""
    update activation.export_rows as rows set status = 'done', error = null, attempts = rows.attempts + 1
    where {OPEN}
"""


def write(session: psycopg.Connection, plan: Plan, told: Whole) -> None:
    """Note in one transaction that all open rows of the plan are done, or rejected; `session` holds `desired`."""
    values = {
        "plan": plan.name,
        "channel": plan.settings.channel,
        "destination": plan.destination,
        "audience": plan.audience,
        "as_of": plan.as_of,
    }
    left_out = list(told.left_out.items())
    session.execute(LEFT_OUT)
    for n in range(0, len(left_out), AT_ONCE):
        session.execute(WHO, {"left_out": as_json(dict(left_out[n : n + AT_ONCE]))})
    session.execute("analyze left_out")
    for statement in (REJECTED, GONE, GONE_TOO):
        session.execute(statement, values)
    # where nobody is there, a million come in half the time without a look whether each is
    for there, insert, unless in ((KNOWN, THERE, UNLESS_KNOWN), (COUNTED, CONTACTED, UNLESS_COUNTED)):
        session.execute(insert + unless if session.execute(there, values).rowcount else insert, values)
    session.execute(DONE, values)
    session.commit()
