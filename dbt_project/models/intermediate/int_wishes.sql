{# a view: what a tool says while a night is being built counts in that night #}
{{ config(materialized='view') }}

with
wishes as (
    select
        destination,
        channel,
        {{ comparable_address('channel', 'address') }} as address,
        reason,
        at as wished_at,
        coalesce(arrived_on, {{ business_day('at') }}) as arrived_on
    from {{ source('pii', 'opt_outs') }}
    where reason <> 'bounced'
),

-- to us it is hers from when both are known, the wish and whose address it is
int_wishes as (
    select
        given.source,
        given.source_customer_id,
        wishes.channel,
        wishes.reason,
        wishes.destination,
        wishes.wished_at,
        greatest(wishes.arrived_on, given.given_on) as received_on
    from wishes
    inner join {{ ref('int_given_addresses') }} as given
        on
            wishes.channel = given.channel
            and wishes.address = given.address
)

select * from int_wishes
