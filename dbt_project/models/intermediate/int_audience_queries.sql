-- What the files config/audiences/*.sql say, as they stand; they read the marts, of which customer_360 is the last.
-- depends_on: {{ ref('customer_360') }}
with
{% for audience in var('audiences') if audience.query %}
    audience_query_{{ audience.number }} as (
        select cast(null as text) as customer_key
        where false
        union all
        ({{ audience.query }})
    ),

{% endfor %}
int_audience_queries as (
    {% for audience in var('audiences') if audience.query %}
        select
            '{{ audience.audience }}' as audience,
            customer_key
        from audience_query_{{ audience.number }}
        union all
    {% endfor %}
    select
        cast(null as text) as audience,
        cast(null as text) as customer_key
    where false
)

select * from int_audience_queries
