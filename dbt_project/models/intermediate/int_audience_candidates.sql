{% set universal = var('holdout').universal %}

with
customers as (
    select * from {{ ref('customer_360') }}
),

{% if 'lifecycle as l' in (var('audiences') | map(attribute='where') | join) %}
    lifecycle as (
        select * from {{ ref('customer_lifecycle') }}
    ),

{% endif %}
queries as (
    select * from {{ ref('int_audience_queries') }}
),

former_keys as (
    select
        customer_key,
        array_agg(former_key) as keys
    from {{ ref('int_former_keys') }}
    group by customer_key
),

audiences as (
    {{ rows_of(var('audiences'), {'audience': 'text', 'is_marketing': 'boolean', 'holdout': 'integer'}) }}
),

-- every condition is asked once of everybody
matched as (
    select
        c.customer_key,
        found.audience
    from customers as c
    cross join lateral unnest(array_remove(array[
        {% for audience in var('audiences') %}
            {% if audience.where %}
                case when {{ audience.where }} then '{{ audience.audience }}' end
            {% else %}
                cast(null as text)
            {% endif %}
            {% if not loop.last %},{% endif %}
        {% endfor %}
    ], null)) as found (audience)
    union all
    select distinct
        customer_key,
        audience
    from queries
),

-- who merged with somebody held out is held out
int_audience_candidates as (
    select
        matched.audience,
        matched.customer_key,
        upper(btrim(customers.country)) as country,
        customers.stage,
        customers.abc_tier,
        customers.stage_since,
        customers.last_ordered_on,
        customers.clv_365d,
        audiences.is_marketing and (
            {{ bucket('matched.customer_key', 'everywhere') }} < {{ universal }}
            or (former_keys.keys is not null and exists (
                select from unnest(former_keys.keys) as former (key)
                where {{ bucket('former.key', 'everywhere') }} < {{ universal }}
            ))
        ) as is_held_out_everywhere,
        audiences.holdout > 0 and (
            {{ bucket('matched.customer_key', "' || matched.audience || '") }} < audiences.holdout
            or (former_keys.keys is not null and exists (
                select from unnest(former_keys.keys) as former (key)
                where {{ bucket('former.key', "' || matched.audience || '") }} < audiences.holdout
            ))
        ) as is_held_out_here
    from matched
    inner join audiences on matched.audience = audiences.audience
    inner join customers on matched.customer_key = customers.customer_key
    left join former_keys on matched.customer_key = former_keys.customer_key
)

select * from int_audience_candidates
