with
queries as (
    select * from {{ ref('int_audience_queries') }}
),

customers as (
    select * from {{ ref('customer_360') }}
),

keys as (
    select
        audience,
        customer_key,
        error,
        count(*) as count_rows
    from queries
    group by audience, customer_key, error
),

problems as (
    select
        keys.audience,
        keys.count_rows,
        -- a query that took the wrong column gives what is no key, and may be an address: that is not repeated
        coalesce(
            keys.error,
            case
                when customers.customer_key is not null or keys.customer_key ~ '^[0-9a-f]{32}$'
                    then keys.customer_key
                else 'no key: ' || length(keys.customer_key) || ' characters'
            end
        ) as example,
        case
            when keys.error is not null then 'query_failed'
            when keys.customer_key is null then 'without_key'
            when customers.customer_key is null then 'unknown_key'
            when keys.count_rows > 1 then 'duplicate_key'
        end as problem
    from keys
    left join customers on keys.customer_key = customers.customer_key
),

audience_problems as (
    select
        {{ as_of() }} as as_of,
        audience,
        problem,
        sum(count_rows) as count_rows,
        min(example) as example
    from problems
    where problem is not null
    group by audience, problem
)

select * from audience_problems
