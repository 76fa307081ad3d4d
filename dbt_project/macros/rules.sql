{# Fingerprints of what config/lifecycle.yml says; a changed rule rebuilds what was built from the old one. #}
{% macro measures_hash() -%}
    {%- set mechanism = 2 -%} {# raise it when the SQL from ledger to episodes changes its results #}
    '{{ local_md5(tojson([mechanism, var("cycle"), var("trend"), var("population"), var("uses_recent_spend")])) }}'
{%- endmacro %}

{% macro rules_hash() -%}
    '{{ local_md5(tojson(var("lifecycle"))) }}'
{%- endmacro %}

{# Fingerprint of what the days of a person are built from. #}
{% macro days_hash(facts_hash, acquisition_source) -%}
    {%- set mechanism = 2 -%} {# raise it when the SQL of int_customer_days or of what is built from it changes #}
    md5(concat_ws(',', {{ mechanism }}, {{ facts_hash }}, {{ acquisition_source }}))
{%- endmacro %}

{# Everybody, with what her days say of her and what they are to be built from. #}
{% macro people_with_days() -%}
    select
        cohorts.customer_key,
        cohorts.cohort_month,
        cohorts.acquisition_source,
        facts.known_on,
        {{ days_hash('facts.facts_hash', 'cohorts.acquisition_source') }} as built_from
    from {{ ref('int_cohorts') }} as cohorts
    inner join {{ ref('int_customer_facts') }} as facts on cohorts.customer_key = facts.customer_key
{%- endmacro %}

{# Fingerprint of how these days are summed up by month. #}
{% macro months_hash() -%}
    '{{ local_md5(sums_by_month("days")) }}'
{%- endmacro %}

{# The frozen population value in force on a day. #}
{% macro population_value(column, day) -%}
    case
    {%- for row in var('population') | reverse if row.effective_from %}
        when {{ day }} >= date '{{ row.effective_from }}' then cast({{ row[column] }} as double precision)
    {%- endfor %}
        else cast({{ var('population')[0][column] }} as double precision)
    end
{%- endmacro %}
