{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['audience', 'destination', 'customer_key', 'valid_from'],
    full_refresh=false,
    pre_hook="{{ take_back_unfinished_nights() }}"
) }}

{% set told = ['audience', 'destination', 'customer_key', 'channel', 'purpose', 'verdict', 'reason', 'is_holdout'] %}

with
decisions as (
    select * from {{ ref('int_audience_decisions') }}
),

audience_verdicts as (
    {{
        intervals(
            'decisions', key=['customer_key', 'audience', 'destination'], told=told,
            compared=['channel', 'purpose', 'reason', 'is_holdout']
        )
    }}
)

select * from audience_verdicts
