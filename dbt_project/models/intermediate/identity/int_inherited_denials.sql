with
memberships as (
    select * from {{ ref('identity_memberships') }}
),

-- few records ever left anybody
left_behind as (
    select * from memberships
    where valid_to < 'infinity'
),

-- records that were one person's, and no longer are: who was together with whom, on which nights
together as (
    select
        theirs.source,
        theirs.source_customer_id,
        present.customer_key,
        greatest(hers.valid_from, theirs.valid_from) as valid_from,
        least(hers.valid_to, theirs.valid_to) as valid_to
    from memberships as hers
    inner join memberships as theirs
        on
            hers.customer_key = theirs.customer_key
            and hers.own_key <> theirs.own_key
            and hers.valid_from < theirs.valid_to
            and hers.valid_to > theirs.valid_from
    inner join {{ ref('int_identity') }} as present on hers.own_key = present.own_key
    inner join {{ ref('int_identity') }} as other on theirs.own_key = other.own_key
    where
        hers.customer_key in (select left_behind.customer_key from left_behind)
        and present.customer_key <> other.customer_key
),

-- what the other record had said last when they parted
last_words as (
    select
        together.customer_key,
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
        together.customer_key, together.source, together.source_customer_id, together.valid_from, together.valid_to,
        consents.channel, consents.purpose
),

-- a denial received while they were one stays hers too; of those received before only the other knows
denied as (
    select
        customer_key,
        channel,
        purpose,
        source,
        changed_on,
        changed_at
    from last_words
    where denied_at = changed_at and received_on >= valid_from
),

-- until she says yes herself
granted as (
    select
        keys.customer_key,
        consents.channel,
        consents.purpose,
        max(consents.changed_at) as changed_at
    from {{ ref('input_consents') }} as consents
    inner join {{ ref('int_customer_keys') }} as keys
        on
            consents.source = keys.source
            and consents.source_customer_id = keys.source_customer_id
    where consents.status = 'granted' and keys.customer_key in (select denied.customer_key from denied)
    group by keys.customer_key, consents.channel, consents.purpose
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
            denied.customer_key = granted.customer_key
            and denied.channel = granted.channel
            and denied.purpose = granted.purpose
    where granted.changed_at is null or granted.changed_at <= denied.changed_at
    order by
        denied.customer_key asc, denied.channel asc, denied.purpose asc, denied.changed_at desc, denied.source asc
)

select * from int_inherited_denials
