{{ config(
    materialized='incremental',
    incremental_strategy='append',
    full_refresh=false,
    indexes=[{'columns': ['customer_key', 'lifecycle_model', 'replaced_on']}]
) }}

{% set stays = as_built('intermediate', 'int_stays', keep_on_full_refresh=true) %}

with
built_before as (
    select {{ last_built_night() }} as as_of
),

episodes as (
    select
        final.customer_key,
        {{ built_from('final') }} as built_from
    from {{ ref('int_episodes') }} as final
    where final.episode_to = 'infinity'
),

{% if stays %}
    -- whose stays are about to be written anew, or who merged into somebody else
    rewritten as (
        select distinct stays.customer_key
        from {{ stays }} as stays
        left join episodes on stays.customer_key = episodes.customer_key
        where stays.valid_to = 'infinity' and stays.built_from is distinct from episodes.built_from
    ),

    -- an array is looked up by the index, customer by customer; a join would read everybody
    stays as (
        select * from {{ stays }}
        where customer_key = any(array(select rewritten.customer_key from rewritten))
    ),

    {% if is_incremental() %}
        -- an attempt that did not end, or ran under other rules, has kept these already
        kept as (
            select
                customer_key,
                lifecycle_model,
                range_agg(daterange(valid_from, valid_to)) as days
            from {{ this }}
            where replaced_on > {{ last_built_night() }}
            group by customer_key, lifecycle_model
        ),
    {% else %}
        kept as (
            select
                cast(null as text) as customer_key,
                cast(null as text) as lifecycle_model,
                datemultirange() as days
        ),
    {% endif %}

    -- of a plan only what had come true is a belief about the past
    fct_timeline_revisions as (
        select
            stays.customer_key,
            stays.lifecycle_model,
            stays.stage,
            lower(believed.days) as valid_from,
            upper(believed.days) as valid_to,
            stays.entered_by,
            {{ as_of() }} as replaced_on
        from stays
        inner join built_before on stays.valid_from <= built_before.as_of
        left join kept
            on
                stays.customer_key = kept.customer_key
                and stays.lifecycle_model = kept.lifecycle_model
        cross join
            lateral unnest(
                datemultirange(daterange(stays.valid_from, least(stays.valid_to, built_before.as_of + 1)))
                - coalesce(kept.days, datemultirange())
            ) as believed (days)
    )
{% else %}
    -- before the first night nothing was believed
    fct_timeline_revisions as (
        select
            episodes.customer_key,
            cast(null as text) as lifecycle_model,
            cast(null as text) as stage,
            built_before.as_of as valid_from,
            built_before.as_of as valid_to,
            cast(null as text) as entered_by,
            {{ as_of() }} as replaced_on
        from episodes
        inner join built_before on built_before.as_of is null
        where false
    )
{% endif %}

select * from fct_timeline_revisions
