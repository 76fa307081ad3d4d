"""Tonight's decisions of somebody erased: she is out of every audience, before the next night says so by itself."""

from datetime import date

import psycopg

from perennial.erasure.person import Person

ENDS = """
    insert into activation.audience_verdicts
        (audience, destination, customer_key, channel, purpose, verdict, reason, is_holdout, valid_from, valid_to)
    select audience, destination, customer_key, channel, purpose, verdict, reason, is_holdout, valid_from, %(as_of)s
    from activation.audience_verdicts
    where customer_key = any(%(keys)s) and valid_to = 'infinity' and valid_from < %(as_of)s and reason <> 'erased'
"""
ERASED = """
    update activation.audience_verdicts
    set verdict = 'exclude', reason = 'erased', valid_from = %(as_of)s
    where customer_key = any(%(keys)s) and valid_to = 'infinity' and reason <> 'erased'
"""
REACH = "update intermediate.int_reach set closed_by = 'erased' where customer_key = any(%(keys)s)"
# who came to each gate, and who went on, follow from who ended where
WATERFALL = """
    with ended as (
        select w.audience, w.destination, w.gate, count(v.reason) as count_ended
        from activation.audience_waterfall as w
        left join activation.audience_verdicts as v
            on w.audience = v.audience and w.destination = v.destination and w.reason = v.reason
                and v.valid_to = 'infinity'
        group by w.audience, w.destination, w.gate
    ),
    counted as (
        select audience, destination, gate, count_ended,
            sum(count_ended) over (
                partition by audience, destination order by gate rows between current row and unbounded following
            )::bigint as count_before
        from ended
    )
    update activation.audience_waterfall as w
    set count_before = c.count_before, count_ended = c.count_ended, count_after = c.count_before - c.count_ended
    from counted as c
    where (w.audience, w.destination, w.gate) = (c.audience, c.destination, c.gate)
        and (w.count_before, w.count_ended) is distinct from (c.count_before, c.count_ended)
"""
# of those that get a whole file there is nothing to take back but the line, and of a message nothing at all
TOLD = """
    delete from pii.destination_members where customer_key = any(%s) and destination = any(%s)
"""


def close(session: psycopg.Connection, person: Person, as_of: date) -> None:
    """Her verdicts of the night `as_of` and the counts they are part of; she is called by her new key already."""
    told = {"keys": [r.new_key for r in person.records], "as_of": as_of}
    for statement in (ENDS, ERASED, REACH, WATERFALL):
        session.execute(statement, told)


def forget_members(session: psycopg.Connection, person: Person, destinations: list[str]) -> None:
    """These destinations need no removal of her."""
    session.execute(TOLD, [[r.new_key for r in person.records], destinations])
