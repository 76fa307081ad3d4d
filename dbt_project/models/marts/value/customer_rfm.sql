{% set rfm = var('value').rfm %}
{% set middle = 'avg({})' if rfm.grid == 'mean' else 'percentile_cont(0.5) within group (order by {})' %}

with
customers as (
    select * from {{ ref('dim_customers') }}
),

totals as (
    select * from {{ ref('int_order_totals') }}
),

measured as (
    select
        customers.customer_key,
        customers.is_prospect,
        {{ as_of() }} - customers.last_ordered_on as recency_days,
        customers.count_order_days as frequency,
        coalesce(totals.net_revenue, 0) as monetary,
        round(totals.net_revenue / nullif(customers.count_order_days, 0), 4) as order_value
    from customers
    left join totals on customers.customer_key = totals.customer_key
),

-- among buyers only: who never bought has no part in anybody's score
scored as (
    select
        *,
        {{ rfm_score('recency', 'recency_days', '-') }} as recency_score,
        {{ rfm_score('frequency', 'frequency') }} as frequency_score,
        {{ rfm_score('monetary', 'monetary') }} as monetary_score,
        {{ fifth('order_value') }} as order_value_quintile
    from measured
    where not is_prospect
),

middle as (
    select
        {{ middle.format('recency_days') }} as recency_days,
        {{ middle.format('frequency') }} as frequency,
        {{ middle.format('monetary') }} as monetary
    from measured
    where not is_prospect
),

-- who bought once has few orders, however many others did the same
compared as (
    select
        scored.*,
        case when scored.frequency = 1 then 1 else scored.frequency_score end + scored.monetary_score as fm,
        scored.frequency = 1 and scored.recency_days <= {{ rfm.new_days }} as is_new,
        scored.recency_days < middle.recency_days as is_recent,
        scored.frequency > middle.frequency as is_frequent,
        scored.monetary > middle.monetary as is_valuable
    from scored
    cross join middle
),

customer_rfm as (
    select
        {{ as_of() }} as as_of,
        measured.customer_key,
        measured.recency_days,
        measured.frequency,
        measured.monetary,
        measured.order_value,
        compared.recency_score,
        compared.frequency_score,
        compared.monetary_score,
        cast(compared.recency_score as text) || compared.frequency_score || compared.monetary_score as rfm_score,
        compared.order_value_quintile,
        case
            when measured.is_prospect then 'prospects'
            when compared.is_new then 'new'
            when compared.recency_score = 5 and compared.fm >= 9 then 'champions'
            when compared.recency_score >= 3 and compared.fm >= 8 then 'loyal'
            when compared.recency_score >= 4 and compared.fm >= 5 then 'active'
            when compared.recency_score >= 4 then 'promising'
            when compared.recency_score = 3 and compared.fm >= 5 then 'needs_attention'
            when compared.recency_score <= 2 and compared.fm >= 9 then 'previously_loyal'
            when compared.recency_score <= 2 and compared.fm >= 6 then 'at_risk'
            when compared.recency_score >= 2 then 'almost_lost'
            else 'dormant'
        end as rfm_group,
        case
            when measured.is_prospect then 'prospects'
            else
                case when compared.is_valuable then 'important' else 'general' end
                || case
                    when compared.is_recent and compared.is_frequent then '_value'
                    when compared.is_recent then '_development'
                    when compared.is_frequent then '_retention'
                    else '_win_back'
                end
        end as rfm_cell
    from measured
    left join compared on measured.customer_key = compared.customer_key
)

select * from customer_rfm
