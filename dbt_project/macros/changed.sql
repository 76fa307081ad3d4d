{#
  A model as earlier nights left it, or none. For models that must know what a later model was built from: a ref would
  close a circle.
#}
{% macro as_built(schema, identifier) -%}
    {%- if execute and not flags.FULL_REFRESH -%}
        {{ return(adapter.get_relation(database=target.database, schema=schema, identifier=identifier)) }}
    {%- endif -%}
    {{ return(none) }}
{%- endmacro %}

{# Deletes customers whose key is retired, after identities merged or split. #}
{% macro forget_retired_customers() -%}
    {%- set facts = ref('int_customer_facts') -%}
    {% if is_incremental() %}
        delete from {{ this }}
        where customer_key not in (select customer_key from {{ facts }})
    {% endif %}
{%- endmacro %}
