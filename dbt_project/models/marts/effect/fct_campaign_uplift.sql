{% set arms = {'treated': 'false', 'held': 'true'} %}
{% set sums = ['y', 'x', 'yy', 'xx', 'xy'] %}
{% set counts = ['count_over', 'count_running', 'count_written', 'count_ordered'] %}
{% set money = [
    'mean_treated', 'mean_held', 'difference', 'adjusted_difference', 'standard_error', 'low', 'high', 'low_any_night',
    'high_any_night', 'min_detectable_effect', 'total', 'total_low', 'total_high'
] %}
{% set shares = [
    'srm_p', 'variance_reduction', 'p_value', 'ordered_treated', 'ordered_held', 'ordered_difference', 'ordered_low',
    'ordered_high'
] %}

with
measured as (
    {{ measured() }}
),

reasons as (
    select * from {{ ref('dim_reasons') }}
    where kind = 'effect'
),

segments as (
    select
        audience,
        segmentation,
        segment,
        min(first_entered_on) as measured_since,
        min(next_over_on) as next_over_on,
        sum(count_left_out) as count_left_out,
        {% for arm, is_held_out in arms.items() %}
            {% for name in counts + sums %}
                coalesce(sum({{ name }}) filter (where is_held_out = {{ is_held_out }}), 0) as {{ name }}_{{ arm }}
                {%- if not loop.last %},{% endif %}
            {% endfor %}
            {%- if not loop.last %},{% endif %}
        {% endfor %}
    from {{ ref('int_holdout_sums') }}
    group by audience, segmentation, segment
),

-- also what nobody was drawn for so far has a row
listed as (
    select
        measured.*,
        round(measured.holdout / 10000.0, 4) as holdout_share,
        coalesce(segments.segmentation, 'all') as segmentation,
        coalesce(segments.segment, 'all') as segment,
        segments.measured_since,
        segments.next_over_on,
        coalesce(segments.count_left_out, 0) as count_left_out,
        coalesce(segments.count_running_treated + segments.count_running_held, 0) as count_running,
        {% for arm in arms %}
            coalesce(segments.count_over_{{ arm }}, 0) as count_{{ arm }},
            coalesce(segments.count_written_{{ arm }}, 0) as count_{{ arm }}_written,
            segments.count_over_{{ arm }} + segments.count_running_{{ arm }} as count_{{ arm }}_drawn,
            cast(segments.count_ordered_{{ arm }} as double precision)
            / nullif(segments.count_over_{{ arm }}, 0) as ordered_{{ arm }},
            {{ wilson('segments.count_ordered_' ~ arm, 'segments.count_over_' ~ arm, '-') }} as ordered_{{ arm }}_low,
            {{ wilson('segments.count_ordered_' ~ arm, 'segments.count_over_' ~ arm, '+') }} as ordered_{{ arm }}_high,
            cast(segments.y_{{ arm }} as double precision) / nullif(segments.count_over_{{ arm }}, 0) as mean_{{ arm }},
            cast(segments.x_{{ arm }} as double precision)
            / nullif(segments.count_over_{{ arm }}, 0) as mean_{{ arm }}_before,
            {% for one, other in [('y', 'y'), ('x', 'x'), ('x', 'y')] %}
                {{ co_moment(
                    'segments.' ~ one ~ other ~ '_' ~ arm, 'segments.' ~ one ~ '_' ~ arm,
                    'segments.' ~ other ~ '_' ~ arm, 'segments.count_over_' ~ arm
                ) }} as {{ one }}{{ other }}_{{ arm }}
                {%- if not loop.last %},{% endif %}
            {% endfor %}
            {%- if not loop.last %},{% endif %}
        {% endfor %}
    from measured
    left join segments on measured.audience = segments.audience
),

-- CUPED: the part of the difference that was there before is taken off; theta is one for both arms
weighed as (
    select
        *,
        coalesce((xy_treated + xy_held) / nullif(xx_treated + xx_held, 0), 0) as theta
    from listed
    {{ computed_once() }}
),

adjusted as (
    select
        *,
        mean_treated - mean_held as difference,
        mean_treated - mean_held - theta * (mean_treated_before - mean_held_before) as adjusted_difference,
        {{ error_squared('yy_treated', 'yy_held', 2) }} as variance,
        {{ error_squared(residual('treated'), residual('held'), 3) }} as adjusted_variance,
        ordered_treated - ordered_held as ordered_difference,
        case
            when (count_treated_drawn + count_held_drawn) * least(holdout_share, 1 - holdout_share) >= 10
                then
                    power(count_held_drawn - (count_treated_drawn + count_held_drawn) * holdout_share, 2)
                    / ((count_treated_drawn + count_held_drawn) * holdout_share * (1 - holdout_share))
        end as srm_chi_square
    from weighed
    {{ computed_once() }}
),

estimated as (
    select
        *,
        sqrt(adjusted_variance) as standard_error,
        1 - adjusted_variance / nullif(variance, 0) as variance_reduction,
        {{ upper_tail('power(adjusted_difference, 2) / nullif(adjusted_variance, 0)') }} as p_value,
        {{ upper_tail('srm_chi_square') }} as srm_p,
        {{ any_night_errors('count_treated', 'count_held') }} * sqrt(adjusted_variance) as any_night,
        {{ detectable_errors('count_treated', 'count_held') }} * sqrt(adjusted_variance) as min_detectable_effect
    from adjusted
    {{ computed_once() }}
),

bounded as (
    select
        *,
        adjusted_difference - 1.959964 * standard_error as low,
        adjusted_difference + 1.959964 * standard_error as high,
        adjusted_difference - any_night as low_any_night,
        adjusted_difference + any_night as high_any_night,
        ordered_difference - sqrt(
            power(ordered_treated - ordered_treated_low, 2) + power(ordered_held_high - ordered_held, 2)
        ) as ordered_low,
        ordered_difference + sqrt(
            power(ordered_treated_high - ordered_treated, 2) + power(ordered_held - ordered_held_low, 2)
        ) as ordered_high,
        adjusted_difference * count_treated as total,
        (adjusted_difference - 1.959964 * standard_error) * count_treated as total_low,
        (adjusted_difference + 1.959964 * standard_error) * count_treated as total_high,
        coalesce(srm_p < 0.001, false) as is_srm
    from estimated
),

judged as (
    select
        *,
        case
            when holdout = 0 then 'no_holdout'
            when is_srm then 'sample_ratio_mismatch'
            when least(count_treated, count_held) < {{ fewest_in_arm() }} then 'too_early'
            when low_any_night > 0 then 'works'
            when high_any_night < 0 then 'harms'
            else 'unclear'
        end as verdict
    from bounded
),

fct_campaign_uplift as (
    select
        {{ as_of() }} as as_of,
        judged.audience,
        judged.label_en as audience_en,
        judged.label_zh as audience_zh,
        judged.segmentation,
        judged.segment,
        judged.effect_days,
        judged.holdout_share,
        judged.measured_since,
        cast(judged.count_treated as bigint) as count_treated,
        cast(judged.count_held as bigint) as count_held,
        cast(judged.count_running as bigint) as count_running,
        judged.next_over_on,
        cast(judged.count_left_out as bigint) as count_left_out,
        cast(judged.count_treated_written as bigint) as count_treated_written,
        cast(judged.count_held_written as bigint) as count_held_written,
        judged.is_srm,
        {% for name in money %}
            round(cast(judged.{{ name }} as numeric), 4) as {{ name }},
        {% endfor %}
        {% for name in shares %}
            round(cast(judged.{{ name }} as numeric), 6) as {{ name }},
        {% endfor %}
        judged.verdict,
        reasons.label_en as verdict_en,
        reasons.label_zh as verdict_zh
    from judged
    inner join reasons on judged.verdict = reasons.reason
)

select * from fct_campaign_uplift
