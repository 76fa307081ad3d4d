{#
  A table with a contract, made as any other: dbt compares names and types of its columns before it builds it, which is
  what the contract asks. Its own way fills an empty table afterwards, and Postgres does not use parallel workers for
  that. So what else a yml may promise, constraints, would be left out; none is let in.
#}
{% macro postgres__create_table_as(temporary, relation, sql) -%}
    {% if config.get('contract').enforced %}
        {%- if model.constraints or model.columns.values() | selectattr('constraints') | list -%}
            {{ exceptions.raise_compiler_error(
                model.name ~ ': constraints in its yml, which this project does not create; use data_tests, or an index'
            ) }}
        {%- endif -%}
        {{ get_assert_columns_equivalent(sql) }}
    {% endif %}
    create {{ 'temporary' if temporary else ('unlogged' if config.get('unlogged')) }} table {{ relation }} as (
        {{ sql }}
    )
{%- endmacro %}
