{{ config(materialized='view') }}

with
suggested as (
    select * from {{ ref('int_next_categories') }}
    where place > 0
),

rules as (
    select * from {{ ref('category_affinity') }}
),

customer_next_category as (
    select
        suggested.customer_key,
        suggested.place,
        suggested.category,
        rules.score,
        suggested.because_of,
        rules.confidence,
        rules.lift,
        rules.count_both,
        rules.as_of as rules_as_of,
        format(
            '%s %% of those who buy %s also buy %s, %s times as many as of all',
            round(100 * rules.confidence), suggested.because_of, suggested.category, round(rules.lift, 1)
        ) as reason_en,
        format(
            '购买“%s”的顾客中有 %s%% 也购买“%s”，是全体顾客的 %s 倍',
            suggested.because_of, round(100 * rules.confidence), suggested.category, round(rules.lift, 1)
        ) as reason_zh
    from suggested
    inner join rules
        on
            suggested.because_of = rules.category
            and suggested.category = rules.other_category
)

select * from customer_next_category
