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
    group by hers.own_key, theirs.own_key, theirs.source, theirs.source_customer_id
),

-- until they parted: one left the other, or no source has it any more
together as (
    select
        nights_together.own_key,
        nights_together.source,
        nights_together.source_customer_id,
        lower(stays.stay) as valid_from,
        upper(stays.stay) as valid_to
    from nights_together
    cross join lateral unnest(nights_together.nights) as stays (stay)
    where upper(stays.stay) < 'infinity'
),

-- what the other record had said last when they parted
last_words as (
    select
        together.own_key,
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
        together.own_key, together.source, together.source_customer_id, together.valid_from, together.valid_to,
        consents.channel, consents.purpose
),

-- a denial received while they were one stays hers too; of those received before only the other knows
denied as (
    select
        present.customer_key,
        last_words.own_key,
        last_words.channel,
        last_words.purpose,
        last_words.source,
        last_words.changed_on,
        last_words.changed_at
    from last_words
    inner join {{ ref('int_identity') }} as present on last_words.own_key = present.own_key
    where last_words.denied_at = last_words.changed_at and last_words.received_on >= last_words.valid_from
),

-- until she says yes herself: what others say with whom she is merged since is theirs
granted as (
    select
        identity.own_key,
        consents.channel,
        consents.purpose,
        max(consents.changed_at) as changed_at
    from {{ ref('input_consents') }} as consents
    inner join {{ ref('int_identity') }} as identity
        on
            consents.source = identity.source
            and consents.source_customer_id = identity.source_customer_id
    where consents.status = 'granted' and identity.own_key in (select denied.own_key from denied)
    group by identity.own_key, consents.channel, consents.purpose
),

int_inherited_denials as (
    select distinct on (denied.customer_key, denied.channel, denied.purpose)
        denied.customer_key,
        denied.channel,
        denied.purpose,
        denied.source,
        denied.changed_on,
        denied.changed_at
    from denied
    left join granted
        on
            denied.own_key = granted.own_key
            and denied.channel = granted.channel
            and denied.purpose = granted.purpose
    where granted.changed_at is null or granted.changed_at <= denied.changed_at
    order by
        denied.customer_key asc, denied.channel asc, denied.purpose asc, denied.changed_at desc, denied.source asc
)

select * from int_inherited_denials
