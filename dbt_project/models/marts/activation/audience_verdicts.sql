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

{% if is_incremental() %}
    -- what held at the end of the newest finished night
    before as (
        select * from {{ this }}
        where valid_to = 'infinity'
    ),

    changed as (
        select
            before.valid_from,
            {% for column in told %}
                decisions.{{ column }},
                before.{{ column }} as before_{{ column }}{% if not loop.last %},{% endif %}
            {% endfor %}
        from decisions
        full join before
            on
                decisions.customer_key = before.customer_key
                and decisions.audience = before.audience
                and decisions.destination = before.destination
        where
            (decisions.channel, decisions.purpose, decisions.reason, decisions.is_holdout)
            is distinct from (before.channel, before.purpose, before.reason, before.is_holdout)
    ),

    -- the verdict before ends, and tonight's begins
    audience_verdicts as (
        select
            {% for column in told %}
                before_{{ column }} as {{ column }},
            {% endfor %}
            valid_from,
            {{ as_of() }} as valid_to
        from changed
        where before_audience is not null
        union all
        select
            {% for column in told %}
                {{ column }},
            {% endfor %}
            {{ as_of() }} as valid_from,
            date 'infinity' as valid_to
        from changed
        where audience is not null
    )
{% else %}
    audience_verdicts as (
        select
            {% for column in told %}
                {{ column }},
            {% endfor %}
            {{ as_of() }} as valid_from,
            date 'infinity' as valid_to
        from decisions
    )
{% endif %}

select * from audience_verdicts
