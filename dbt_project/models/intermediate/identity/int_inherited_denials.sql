with
memberships as (
    select * from {{ ref('identity_memberships') }}
),

-- few records ever left anybody
left_behind as (
    select * from memberships
    where valid_to < 'infinity'
),

-- nights on which two records were one person's; a new key of both parts nobody
nights_together as (
    select
        hers.own_key,
        hers.source as own_source,
        hers.source_customer_id as own_customer_id,
        theirs.source,
        theirs.source_customer_id,
        range_agg(
            daterange(greatest(hers.valid_from, theirs.valid_from), least(hers.valid_to, theirs.valid_to))
        ) as nights
    from memberships as hers
    inner join memberships as theirs
        on
            hers.customer_key = theirs.customer_key
            and hers.own_key <> theirs.own_key
            and hers.valid_from < theirs.valid_to
            and hers.valid_to > theirs.valid_from
    where
        hers.customer_key in (
            select known.customer_key
            from memberships as known
            inner join left_behind on known.own_key = left_behind.own_key
        )
    group by
        hers.own_key, hers.source, hers.source_customer_id, theirs.own_key, theirs.source, theirs.source_customer_id
),

ends as (
    select
        own_key,
        max(valid_to) as valid_to
    from memberships
    group by own_key
),

-- until they parted: the other left, or no source has it any more. A record that is gone itself left nobody
together as (
    select
        nights_together.own_source,
        nights_together.own_customer_id,
        nights_together.source,
        nights_together.source_customer_id,
        lower(stays.stay) as valid_from,
        upper(stays.stay) as valid_to
    from nights_together
    inner join ends on nights_together.own_key = ends.own_key
    cross join lateral unnest(nights_together.nights) as stays (stay)
    where upper(stays.stay) < ends.valid_to
),

-- what the other record had said last when they parted
last_words as (
    select
        together.own_source,
        together.own_customer_id,
        together.source,
        together.valid_from,
        together.valid_to,
        consents.channel,
        consents.purpose,
        max(consents.changed_on) as changed_on,
        max(consents.changed_at) as changed_at,
        max(consents.changed_at) filter (where consents.status = 'denied') as denied_at,
        max(consents.received_on) filter (where consents.status = 'denied') as received_on
    from together
    inner join {{ ref('input_consents') }} as consents
        on
            together.source = consents.source
            and together.source_customer_id = consents.source_customer_id
    where consents.received_on < together.valid_to
    group by
        together.own_source, together.own_customer_id, together.source, together.source_customer_id,
        together.valid_from, together.valid_to, consents.channel, consents.purpose
),

purposes as (
    select purpose from {{ ref('input_consents') }}
    union
    select purpose from ({{ configured_purposes() }}) as configured
),

-- a denial received while they were one stays hers too; of those received before only the other knows. What a tool says
-- of the other's address denies every purpose, and nothing the other says takes it back; tools are asked before a night
-- parts anybody
denied as (
    select
        own_source,
        own_customer_id,
        channel,
        purpose,
        source,
        changed_on,
        changed_at
    from last_words
    where denied_at = changed_at and received_on >= valid_from
    union all
    select
        together.own_source,
        together.own_customer_id,
        wishes.channel,
        purposes.purpose,
        wishes.destination as source,
        {{ business_day('wishes.wished_at') }} as changed_on,
        wishes.wished_at as changed_at
    from together
    inner join {{ ref('int_wishes') }} as wishes
        on
            together.source = wishes.source
            and together.source_customer_id = wishes.source_customer_id
            and wishes.received_on between together.valid_from and together.valid_to
    cross join purposes
),

-- until she says yes herself: what others say with whom she is merged since is theirs
granted as (
    select
        source,
        source_customer_id,
        channel,
        purpose,
        max(changed_at) as changed_at
    from {{ ref('input_consents') }}
    where
        status = 'granted'
        and (source, source_customer_id) in (
            select
                denied.own_source,
                denied.own_customer_id
            from denied
        )
    group by source, source_customer_id, channel, purpose
),

-- whose her record is, or was when its source gave it up
records as (
    select
        source,
        source_customer_id,
        customer_key
    from memberships
    where valid_to = 'infinity'
    union all
    select
        source,
        source_customer_id,
        customer_key
    from {{ ref('int_gone_records') }}
),

int_inherited_denials as (
    select distinct on (records.customer_key, denied.channel, denied.purpose)
        records.customer_key,
        denied.channel,
        denied.purpose,
        denied.source,
        denied.changed_on,
        denied.changed_at
    from denied
    inner join records
        on
            denied.own_source = records.source
            and denied.own_customer_id = records.source_customer_id
    left join granted
        on
            denied.own_source = granted.source
            and denied.own_customer_id = granted.source_customer_id
            and denied.channel = granted.channel
            and denied.purpose = granted.purpose
    where granted.changed_at is null or granted.changed_at <= denied.changed_at
    order by
        records.customer_key asc, denied.channel asc, denied.purpose asc, denied.changed_at desc, denied.source asc
)

select * from int_inherited_denials
