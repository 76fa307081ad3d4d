"""Who must not be written to by now, whatever was decided or approved, as temporary tables of a session.

silenced_addresses: address, as our tables have it. silenced_people: customer_key. leaving: customer_key of the members
of one audience at one destination who are to be taken out for that reason alone.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

import psycopg

from perennial.destinations.base import Channel

# what tools told of an address, as the macro comparable_address has it. A wish counts for every address that any record
# of hers ever gave, as in int_opt_outs, a bounce for the one in use
SAID = """
    create temporary table silenced_addresses on commit drop as
    select case channel
        when 'email' then lower(btrim(address))
        else '+' || ltrim(regexp_replace(address, '[^0-9]', '', 'g'), '0')
    end as address, bool_or(reason <> 'bounced') as is_wish
    from pii.opt_outs
    where channel = %(channel)s
    group by 1
"""
# of somebody erased only a hash is left: what we told a tool of her is looked for by it, and who gives her address as
# well, who as in int_opt_outs is nobody to write to
ERASED = """
    insert into silenced_addresses
    select distinct said.address, true from (
        select address from pii.destination_members
        where destination = %(destination)s and audience = %(audience)s
        union all
        select address from pii.int_given_addresses where channel = %(channel)s
    ) as said
    where exists (select from pii.erased_addresses)
        and pii.salted_hash((select salt from pii.erasure_salt), %(channel)s, said.address) in (
            select address_hash from pii.erased_addresses where channel = %(channel)s
        )
"""
PEOPLE = """
    create temporary table silenced_people on commit drop as
    with
    records as (
        select given.source, given.source_customer_id
        from pii.int_given_addresses as given
        where given.channel = %(channel)s
            and given.address in (select address from silenced_addresses where is_wish)
    )
    select customer_key from records
    join intermediate.int_customer_keys using (source, source_customer_id)
    union
    select customer_key from records
    join intermediate.int_gone_records using (source, source_customer_id)
"""
# who said so to a source in what was loaded since the consents were built; what could not be understood may have been
# that, and whatever was said again in the same batches, nobody is asked for it here. It counts for whoever gave an
# address of the record that said so, as in int_shared_denials: a number for messages only
LATER_BATCHES = "select batch_id from ops.batches where entity = 'consents' and as_of > %s"
DENIED_SINCE = """
    insert into silenced_people
    with
    said as materialized (
        select source, customer_id from raw.consents
        where batch_id = any(%(batches)s) and status = 'denied' and channel = %(channel)s
            and purpose = coalesce(%(purpose)s, purpose)
        union
        select source, mapped ->> 'customer_id' from quarantine.rejected_rows
        where batch_id = any(%(batches)s) and reason <> 'excluded_by_rule' and mapped ->> 'status' is not null
    ),
    addresses as materialized (
        select customer_id as hash from said where starts_with(customer_id, 'email:')
        union
        select 'email:' || md5(lower(btrim(c.email))) from raw.customers as c join said using (source, customer_id)
        union
        select 'phone:' || md5('+' || ltrim(regexp_replace(c.phone, '[^0-9]', '', 'g'), '0'))
        from raw.customers as c join said using (source, customer_id)
        where %(channel)s = 'sms'
    ),
    records as (
        select source, customer_id from said
        union
        select source, source_customer_id from pii.int_given_addresses
        where case channel when 'email' then 'email:' else 'phone:' end || md5(address) in (select hash from addresses)
    )
    select keys.customer_key from records
    join intermediate.int_customer_keys as keys
        on (keys.source, keys.source_customer_id) = (records.source, records.customer_id)
    union all
    select gone.customer_key from records
    join intermediate.int_gone_records as gone
        on (gone.source, gone.source_customer_id) = (records.source, records.customer_id)
"""
DENIED = """
    select customer_key from activation.consents
    where channel = %(channel)s and purpose = coalesce(%(purpose)s, purpose) and status = 'denied'
"""
# a member may stand there under a key that was retired since. That somebody never said yes is no reason: statements
# that vanish are a fault of a source, and what guards are for
LEAVING = f"""
    create temporary table leaving on commit drop as
    with
    members as (
        select customer_key, customer_key as asked_key, address from pii.destination_members
        where destination = %(destination)s and audience = %(audience)s
        union all
        select known.customer_key, former.customer_key, known.address
        from pii.destination_members as known
        join intermediate.int_former_keys as former on former.former_key = known.customer_key
        where known.destination = %(destination)s and known.audience = %(audience)s
    )
    select distinct customer_key, address from members
    where address in (select address from silenced_addresses)
        or asked_key in (select customer_key from silenced_people)
        or asked_key in ({DENIED})
"""
DROPPED = f"""
    delete from desired
    where address in (select address from silenced_addresses)
        or customer_key in (select customer_key from silenced_people)
        or customer_key in ({DENIED})
    returning customer_key
"""
TABLES = "drop table if exists silenced_addresses, silenced_people, leaving"


def find(
    session: psycopg.Connection,
    known_on: date,
    destination: str,
    audience: str,
    channel: Channel,
    purpose: str | None,
) -> int:
    """Make the tables for this transaction; returns how many members are leaving.

    Consents were built on `known_on`: what sources said in batches of later nights counts beside them. Without a
    purpose, of an audience that config/ no longer has, a denial of any purpose counts.
    """
    asked: Mapping[str, Any] = {
        "destination": destination,
        "audience": audience,
        "channel": channel,
        "purpose": purpose,
    }
    for statement in (TABLES, SAID, ERASED, PEOPLE):
        session.execute(statement, asked)
    batches = [row["batch_id"] for row in session.execute(LATER_BATCHES, [known_on])]
    if batches:
        session.execute(DENIED_SINCE, {**asked, "batches": batches})
    return session.execute(LEAVING, asked).rowcount


def drop(session: psycopg.Connection, channel: Channel, purpose: str) -> list[str]:
    """Take out of `desired` who is silenced, and return them: for leaving somebody out nobody needs to be asked."""
    return [row["customer_key"] for row in session.execute(DROPPED, {"channel": channel, "purpose": purpose})]
