{% set rfm = var('value').rfm %}
{% set middle = 'avg({})' if rfm.grid == 'mean' else 'percentile_cont(0.5) within group (order by {})' %}

-- double precision is compared many times faster, and tells amounts of up to 15 digits apart
{% set better = {
    'recency': 'cast(-recency_days as double precision)',
    'frequency': 'cast(frequency as double precision)',
    'monetary': 'cast(monetary as double precision)',
    'order_value': 'cast(order_value as double precision)'
} %}

with
-- not materialized: to read it again for every measure takes less than to write it out
measured as not materialized (
    select
        customer_key,
        {{ as_of() }} - last_order_on as recency_days,
        order_days as frequency,
        coalesce(net_revenue, 0) as monetary,
        order_value
    from {{ ref('int_order_totals') }}
),

-- among buyers only: who never bought has no part in anybody's score
buyers as not materialized (
    select * from measured
    where frequency > 0
),

middle as (
    select
        count(*) as count_buyers,
        {{ middle.format('recency_days') }} as middle_recency_days,
        {{ middle.format('frequency') }} as middle_frequency,
        {{ middle.format('monetary') }} as middle_monetary
    from buyers
),

{% for measure, value in better.items() %}
    {{ measure }}_scores as (
        {{ where_scores_begin(measure, value, 'buyers') }}
    ),
{% endfor %}

scored as (
    select
        buyers.*,
        {% for measure, value in better.items() %}
            1 + width_bucket({{ value }}, {{ measure }}_scores.begin_at) as {{ measure }}_score,
        {% endfor %}
        middle.*
    from buyers
    cross join middle
    {% for measure in better %}
        cross join {{ measure }}_scores
    {% endfor %}
    {{ computed_once() }}
),

-- who bought once has few orders, however many others did the same
compared as (
    select
        *,
        case when frequency = 1 then 1 else frequency_score end + monetary_score as fm,
        frequency = 1 and recency_days <= {{ rfm.new_days }} as is_new,
        recency_days < middle_recency_days as is_recent,
        frequency > middle_frequency as is_frequent,
        monetary > middle_monetary as is_valuable
    from scored
),

customer_rfm as (
    select
        {{ as_of() }} as as_of,
        customer_key,
        recency_days,
        cast(frequency as bigint) as frequency,
        monetary,
        order_value,
        recency_score,
        frequency_score,
        monetary_score,
        cast(recency_score as text) || frequency_score || monetary_score as rfm_score,
        order_value_score as order_value_quintile,
        case
            when is_new then 'new'
            when recency_score = 5 and fm >= 9 then 'champions'
            when recency_score >= 3 and fm >= 8 then 'loyal'
            when recency_score >= 4 and fm >= 5 then 'active'
            when recency_score >= 4 then 'promising'
            when recency_score = 3 and fm >= 5 then 'needs_attention'
            when recency_score <= 2 and fm >= 9 then 'previously_loyal'
            when recency_score <= 2 and fm >= 6 then 'at_risk'
            when recency_score >= 2 then 'almost_lost'
            else 'dormant'
        end as rfm_group,
        case when is_valuable then 'important' else 'general' end
        || case
            when is_recent and is_frequent then '_value'
            when is_recent then '_development'
            when is_frequent then '_retention'
            else '_win_back'
        end as rfm_cell
    from compared
    union all
    select
        {{ as_of() }} as as_of,
        customer_key,
        recency_days,
        cast(frequency as bigint) as frequency,
        monetary,
        order_value,
        null as recency_score,
        null as frequency_score,
        null as monetary_score,
        null as rfm_score,
        null as order_value_quintile,
        'prospects' as rfm_group,
        'prospects' as rfm_cell
    from measured
    where frequency = 0
)

select * from customer_rfm
