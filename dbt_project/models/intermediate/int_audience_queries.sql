-- What the files config/audiences/*.sql say, as they stand; they read the marts, of which customer_360 is the last.
-- depends_on: {{ ref('customer_360') }}
with
int_audience_queries as (
    {% for audience in var('audiences') if audience.query %}
        select
            '{{ audience.audience }}' as audience,
            asked.customer_key,
            asked.error
        from activation.asked({{ sql_text(audience.query) }}) as asked
        union all
    {% endfor %}
    select
        cast(null as text) as audience,
        cast(null as text) as customer_key,
        cast(null as text) as error
    where false
)

select * from int_audience_queries
