{# The night this build is for. Always an input, never the clock. #}
{% macro as_of() -%}
    cast('{{ var("as_of_date") }}' as date)
{%- endmacro %}

{# The business day of a moment: a day of the business's zone, starting at its cut-off hour. #}
{% macro business_day(moment) -%}
    cast(
        ({{ moment }} at time zone '{{ var("business_timezone") }}')
        - interval '{{ var("day_starts_at_hour") }} hours' as date
    )
{%- endmacro %}
