{#
  A table with a contract, made as any other: dbt compares names and types of its columns before it builds it, which is
  what the contract asks. Its own way fills an empty table afterwards, and Postgres does not use parallel workers for
  that.
#}
{% macro postgres__create_table_as(temporary, relation, sql) -%}
    {% if config.get('contract').enforced %}
        {{ get_assert_columns_equivalent(sql) }}
    {% endif %}
    create {{ 'temporary' if temporary else ('unlogged' if config.get('unlogged')) }} table {{ relation }} as (
        {{ sql }}
    )
{%- endmacro %}
