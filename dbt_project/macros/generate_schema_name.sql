{#
  Schema names are contracts: use them as they are, without a prefix. `perennial lifecycle diff` builds some models
  aside, in a schema of its own.
#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- if node.name in var('scratch_models', []) -%}
        {{ var('scratch') }}
    {%- else -%}
        {{ (custom_schema_name or target.schema) | trim }}
    {%- endif -%}
{%- endmacro %}
