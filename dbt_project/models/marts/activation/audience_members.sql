with
lifecycle as (
    select * from {{ ref('customer_lifecycle') }}
),

customers as (
    select
        customers.*,
        abc.abc_tier,
        {{ as_of() }} - customers.first_ordered_on as days_since_first_order,
        {{ as_of() }} - customers.last_ordered_on as days_since_last_order
    from {{ ref('dim_customers') }} as customers
    inner join {{ ref('customer_abc') }} as abc on customers.customer_key = abc.customer_key
),

contacts as (
    select
        customer_key,
        email is not null as has_email,
        phone is not null as has_sms
    from {{ ref('customer_contacts') }}
),

consents as (
    select * from {{ ref('consents') }}
),

eligible as (
    {% for audience in var('audiences') %}
        {% set outer_loop = loop %}
        {% for target in audience.targets %}
            select
                '{{ audience.name }}' as audience,
                '{{ audience.purpose }}' as purpose,
                '{{ target.destination }}' as destination,
                '{{ target.channel }}' as channel,
                c.customer_key
            from customers as c
            where {{ audience.where }}
            {% if not (loop.last and outer_loop.last) %}union all{% endif %}
        {% endfor %}
    {% endfor %}
),

-- the first gate that closes is the reason
gated as (
    select
        eligible.*,
        case
            when eligible.channel = 'email' and not coalesce(contacts.has_email, false) then 'no_address'
            when eligible.channel = 'sms' and not coalesce(contacts.has_sms, false) then 'no_address'
            when consents.status = 'denied' then 'consent_denied'
            when consents.status is null then 'no_consent'
            else 'export'
        end as reason
    from eligible
    left join contacts on eligible.customer_key = contacts.customer_key
    left join consents
        on
            eligible.customer_key = consents.customer_key
            and eligible.channel = consents.channel
            and eligible.purpose = consents.purpose
),

audience_members as (
    select
        {{ as_of() }} as as_of,
        audience,
        customer_key,
        case when reason = 'export' then 'export' else 'exclude' end as verdict,
        reason,
        channel,
        purpose,
        destination
    from gated
)

select * from audience_members
