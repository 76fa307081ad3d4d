{{ config(unlogged=true) }}

{% set universal = var('holdout').universal %}

with
customers as (
    select
        *,
        {{ bucket('customer_key', 'everywhere') }} as bucket
    from {{ ref('customer_360') }}
    {{ computed_once() }}
),

{% if 'lifecycle as l' in (var('audiences') | map(attribute='where') | join) %}
    lifecycle as (
        select * from {{ ref('customer_lifecycle') }}
    ),

{% endif %}
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

{% set needed = [
    'customer_key', 'country', 'stage', 'abc_tier', 'stage_since', 'last_ordered_on', 'clv_365d'
] %}

-- every condition is asked once of everybody
met as (
    select
        {% for column in needed %}
            c.{{ column }},
        {% endfor %}
        c.bucket,
        unnest(array_remove(array[
            {% for audience in var('audiences') %}
                {% if audience.where %}
                    case when {{ audience.where }} then '{{ audience.audience }}' end
                {% else %}
                    cast(null as text)
                {% endif %}
                {% if not loop.last %},{% endif %}
            {% endfor %}
        ], null)) as audience
    from customers as c
),

queried as (
    select distinct
        {% for column in needed %}
            c.{{ column }},
        {% endfor %}
        {{ bucket('c.customer_key', 'everywhere') }} as bucket,
        queries.audience
    from {{ ref('int_audience_queries') }} as queries
    inner join {{ ref('customer_360') }} as c on queries.customer_key = c.customer_key
),

meant as (
    select * from met
    union all
    select * from queried
),

-- who merged with somebody held out is held out
int_audience_candidates as (
    select
        meant.audience,
        meant.customer_key,
        upper(btrim(meant.country)) as country,
        meant.stage,
        meant.abc_tier,
        meant.stage_since,
        meant.last_ordered_on,
        meant.clv_365d,
        audiences.is_marketing and (
            meant.bucket < {{ universal }}
            or (former_keys.keys is not null and exists (
                select from unnest(former_keys.keys) as former (key)
                where {{ bucket('former.key', 'everywhere') }} < {{ universal }}
            ))
        ) as is_held_out_everywhere,
        audiences.holdout > 0 and (
            {{ bucket('meant.customer_key', "' || meant.audience || '") }} < audiences.holdout
            or (former_keys.keys is not null and exists (
                select from unnest(former_keys.keys) as former (key)
                where {{ bucket('former.key', "' || meant.audience || '") }} < audiences.holdout
            ))
        ) as is_held_out_here
    from meant
    inner join audiences on meant.audience = audiences.audience
    left join former_keys on meant.customer_key = former_keys.customer_key
)

select * from int_audience_candidates
