with
customers as (
    select * from {{ ref('customer_quadrant') }}
),

quadrant_paths as (
    select
        as_of,
        quarter,
        quadrant_before,
        quadrant_start,
        quadrant,
        path,
        count(*) as count_customers,
        round(
            count(*) / sum(count(*)) over (partition by quadrant_before, quadrant_start), 6
        ) as share_of_start
    from customers
    group by as_of, quarter, quadrant_before, quadrant_start, quadrant, path
)

select * from quadrant_paths
