{#
  The stays of the customers of `episodes` in the stages of one compiled lifecycle model.

  An episode is unfolded to the days on which its stage can change; only a change of stage opens a stay, so equal
  neighbours are one. Two clocks on one day ask the same question: the first of them by name counts. All windows follow
  the order in which the episodes lie, so nothing is sorted.
#}
{% macro stays(model, episodes) -%}
    select
        e.customer_key,
        '{{ model.name }}' as lifecycle_model,
        e.stage,
        e.day as valid_from,
        lead(e.day, 1, date 'infinity') over (partition by e.customer_key order by e.day) as valid_to,
        case
            when e.clock = 'recency' then 'event'
            when e.clock <> 'opening' then e.clock
            when e.stage <> {{ model.stage_without_trend }} then 'trend'
            else e.opened_by
        end as entered_by,
        e.orders,
        e.first_order_on,
        e.last_order_on,
        e.spend,
        e.recent_spend,
        e.cycle_days,
        e.trend,
        e.spend_change,
        e.frequency_change,
        e.events,
        e.scheduled,
        {{ built_from('e') }} as built_from
    from (
        select
            *,
            lag(stage) over (partition by customer_key order by day, clock) as stage_before
        from (
            select
                e.*,
                {{ model.stage }} as stage
            from (
                select
                    *,
                    unnest(array[{{ model.days | join(', ') }}]) as day,
                    unnest(array['{{ model.clocks | join("', '") }}']) as clock
                from {{ episodes }} as e
            ) as e
            where e.day >= e.episode_on and e.day < e.episode_to
        ) as staged
    ) as e
    where e.stage is distinct from e.stage_before
{%- endmacro %}

{# Fingerprint of the facts and rules behind the stays of a customer. #}
{% macro built_from(episodes) -%}
    md5({{ episodes }}.facts_hash || {{ rules_hash() }})
{%- endmacro %}
