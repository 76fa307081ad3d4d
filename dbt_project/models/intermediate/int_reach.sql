with
customers as (
    select * from {{ ref('customer_360') }}
),

candidates as (
    select * from {{ ref('int_audience_candidates') }}
),

addresses as (
    select
        customer_key,
        email is not null as has_email,
        phone is not null as has_sms
    from {{ ref('customer_contacts') }}
),

consents as (
    select * from {{ ref('consents') }}
),

opt_outs as (
    select * from {{ ref('int_opt_outs') }}
),

contacts as (
    select * from {{ ref('int_contacts') }}
),

limits as (
    {{ rows_of(var('limits'), {
        'channel': 'text', 'per_day': 'integer', 'per_7_days': 'integer', 'per_30_days': 'integer'
    }) }}
),

send_times as (
    {{ rows_of(var('send_times'), {'country': 'text', 'send_at': 'timestamptz', 'send_on': 'date'}) }}
),

{% set of_others = var('send_times') | selectattr('country', 'none') | first %}

-- not materialized: parallel workers cannot read what is written out
clocks as not materialized (
    select
        customers.customer_key,
        coalesce(send_times.send_at, timestamptz '{{ of_others.send_at }}') as send_at,
        coalesce(send_times.send_on, date '{{ of_others.send_on }}') as send_on
    from customers
    left join send_times on upper(btrim(customers.country)) = send_times.country
),

timed as (
    select * from clocks
    where customer_key in (select candidates.customer_key from candidates)
),

ways as (
    select distinct
        channel,
        purpose
    from {{ ref('int_audience_targets') }}
),

-- marketing messages on her clocks: on the day of tonight's, and in the days that end with it
written as (
    select
        contacts.customer_key,
        contacts.channel,
        count(*) filter (where contacts.contacted_on >= clocks.send_on) as count_1_day,
        count(*) filter (where contacts.contacted_on > clocks.send_on - 7) as count_7_days,
        count(*) filter (where contacts.contacted_on > clocks.send_on - 30) as count_30_days
    from contacts
    inner join clocks on contacts.customer_key = clocks.customer_key
    where
        contacts.contacted_on > {{ as_of() }} - 30
        and contacts.audience not in (
            select targets.audience
            from {{ ref('int_audience_targets') }} as targets
            where not targets.is_marketing
        )
    group by contacts.customer_key, contacts.channel
),

int_reach as (
    select
        timed.customer_key,
        ways.channel,
        ways.purpose,
        timed.send_at,
        timed.send_on,
        case
            when opt_outs.reason = 'erased' then opt_outs.reason
            when ways.channel = 'email' and not coalesce(addresses.has_email, false) then 'no_address'
            when ways.channel = 'sms' and not coalesce(addresses.has_sms, false) then 'no_address'
            when consents.status = 'denied' then 'consent_denied'
            when consents.status is null then 'no_consent'
            else opt_outs.reason
        end as closed_by,
        case
            when written.count_1_day >= limits.per_day then 'limit_1_day'
            when written.count_7_days >= limits.per_7_days then 'limit_7_days'
            when written.count_30_days >= limits.per_30_days then 'limit_30_days'
        end as limited_by
    from timed
    cross join ways
    inner join limits on ways.channel = limits.channel
    left join addresses on timed.customer_key = addresses.customer_key
    left join consents
        on
            timed.customer_key = consents.customer_key
            and ways.channel = consents.channel
            and ways.purpose = consents.purpose
    left join opt_outs
        on
            timed.customer_key = opt_outs.customer_key
            and ways.channel = opt_outs.channel
    left join written
        on
            timed.customer_key = written.customer_key
            and ways.channel = written.channel
)

select * from int_reach
