"""What a destination does not know yet: the difference between `desired` and what is known to be there, as SQL.

Parameters: plan, destination, audience, and whether it takes messages, which are not taken back.
"""

# somebody whose address changed is taken out under the old one and added under the new one; a message she has had.
# An address that somebody else is to keep, or to get, is not taken out
CHANGES = """
    with known as (
        select * from pii.destination_members where destination = %(destination)s and audience = %(audience)s
    )
    select customer_key, unnest(case
        when known.customer_key is null then array['add']
        when not known.is_sure and desired.address = known.address then array['add']
        when known.address in (select address from still_there) and (
            desired.customer_key is null or desired.address <> known.address and not %(messages)s
        ) then case when desired.customer_key is not null then array['add'] end
        when desired.customer_key is null then array['remove']
        when desired.address <> known.address and not %(messages)s then array['remove', 'add']
        when desired.fingerprint <> known.fingerprint then array['update']
    end) as op
    from desired full join known using (customer_key)
"""
BEFORE = """
    select count(*) as before from pii.destination_members
    where destination = %(destination)s and audience = %(audience)s and is_sure
"""
COUNT = f"""
    select ({BEFORE}) as before,
        count(*) filter (where op = 'add') as adds, count(*) filter (where op = 'update') as updates,
        count(*) filter (where op = 'remove') as removes,
        count(*) filter (where op = 'remove' and customer_key in (select customer_key from leaving)) as leaving
    from ({CHANGES}) as changes
"""
ROWS = f"""
    insert into activation.export_rows (plan, customer_key, op, status)
    select %(plan)s, customer_key, op, 'planned' from ({CHANGES}) as changes
    order by customer_key
"""
# what was handed over must not be handed over again, and what was rejected waits for `perennial replay`
UNLESS_KNOWN = """
    on conflict (plan, customer_key, op) do update set status = 'planned', error = null
    where export_rows.status not in ('handed_over', 'rejected')
"""
BEGUN = "select from activation.export_rows where plan = %(plan)s limit 1"
MANY = 10_000  # rows of which the planner has to know, or it looks up one by one
NOT_BEGUN = "delete from activation.export_rows where plan = %(plan)s and status in ('planned', 'failed')"
# what was begun and rejected is no change any more where the person, or what is to be done with her, is another now
OUTDATED = f"""
    delete from activation.export_rows as rows
    where rows.plan = %(plan)s and (rows.status in ('planned', 'failed') or (rows.status = 'rejected' and not exists (
        select from ({CHANGES}) as changes where changes.customer_key = rows.customer_key and changes.op = rows.op
    )))
"""
# nobody is told of who is no longer to be told: she opted out since, or was rejected, and what was mended left her out
LEFT = """
    update activation.export_rows as rows set status = 'rejected', error = 'left the audience since it was planned'
    where rows.plan = %(plan)s and rows.status in ('planned', 'failed') and rows.op <> 'remove'
        and (rows.attempts > 0 or rows.customer_key = any(%(opted_out)s))
        and not exists (select from desired where desired.customer_key = rows.customer_key)
"""
# an address that was left in place for somebody who is not to come any more is nobody's
NOBODYS = f"""
    insert into activation.export_rows (plan, customer_key, op, status)
    select %(plan)s, known.customer_key, 'remove', 'planned'
    from pii.destination_members as known
    left join desired using (customer_key)
    where known.destination = %(destination)s and known.audience = %(audience)s
        and known.address in (select address from still_there except select address from desired)
        and (desired.customer_key is null or not %(messages)s)
    {UNLESS_KNOWN}
"""
# a member who said no since the plan was made leaves with it, also where a tool refused that before
LEAVING = """
    insert into activation.export_rows (plan, customer_key, op, status)
    select %(plan)s, customer_key, 'remove', 'planned' from leaving
    where address not in (select address from desired) and not %(messages)s
    on conflict (plan, customer_key, op) do update set status = 'planned', error = null
"""
# who merged since is still the one who was told, and not somebody new
MERGED = """
    update pii.destination_members as known set customer_key = merged.customer_key
    from (
        select distinct on (former.customer_key) former.customer_key, former.former_key
        from intermediate.int_former_keys as former
        join pii.destination_members as told on told.customer_key = former.former_key
        where told.destination = %(destination)s and told.audience = %(audience)s and not exists (
            select from pii.destination_members as herself
            where herself.destination = %(destination)s and herself.audience = %(audience)s
                and herself.customer_key = former.customer_key
        )
        order by former.customer_key, told.since desc, former.former_key
    ) as merged
    where known.destination = %(destination)s and known.audience = %(audience)s
        and known.customer_key = merged.former_key
"""
# addresses that somebody leaves and somebody else is to have
STILL_THERE = """
    create temporary table still_there on commit drop as
    select distinct desired.address from desired
    join pii.destination_members as known on known.address = desired.address
    left join desired as herself on herself.customer_key = known.customer_key
    where known.destination = %(destination)s and known.audience = %(audience)s
        and herself.address is distinct from known.address
"""
# who left is forgotten once the other is known there, before a plan and after its export; until then she stands for the
# address, should the other leave too
SHARED = """
    delete from pii.destination_members as known
    using pii.destination_members as other
    where known.destination = %(destination)s and known.audience = %(audience)s
        and not exists (select from desired where desired.customer_key = known.customer_key)
        and other.destination = known.destination and other.audience = known.audience
        and other.address = known.address and other.customer_key <> known.customer_key and other.is_sure
        and exists (
            select from desired where desired.customer_key = other.customer_key and desired.address = other.address
        )
"""
