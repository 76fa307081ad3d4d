{# Fingerprints of what config/lifecycle.yml says; a changed rule rebuilds what was built from the old one. #}
{% macro measures_hash() -%}
    {%- set mechanism = 2 -%} {# raise it when the SQL from ledger to episodes changes its results #}
    '{{ local_md5(tojson([mechanism, var("cycle"), var("trend"), var("population"), var("uses_recent_spend")])) }}'
{%- endmacro %}

{% macro rules_hash() -%}
    '{{ local_md5(tojson(var("lifecycle"))) }}'
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
