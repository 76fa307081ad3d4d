{#
  A model as earlier nights left it, or none. For models that must know what a later model was built from: a ref would
  close a circle.
#}
{% macro as_built(schema, identifier, keep_on_full_refresh=false) -%}
    {%- if execute and (keep_on_full_refresh or not flags.FULL_REFRESH) -%}
        {{ return(adapter.get_relation(database=target.database, schema=schema, identifier=identifier)) }}
    {%- endif -%}
    {{ return(none) }}
{%- endmacro %}

{#
  Deletes customers whose key is retired, after identities merged or split. Where a customer has many rows, the last one,
  whose column `ends` is infinity, tells who is there, and has an index of its own (index_what_was_built).
#}
{% macro forget_retired_customers(ends=none) -%}
    {%- set facts = ref('int_customer_facts') -%}
    {% if is_incremental() %}
        delete from {{ this }}
        where customer_key = any(array(
            select customer_key from {{ this }}{% if ends %} where {{ ends }} = 'infinity'{% endif %}

            except
            select customer_key from {{ facts }}
        ))
    {% endif %}
{%- endmacro %}

{# In full a model needs the lists it reads in the same run: they are emptied once they were read. #}
{% macro in_full_only_with(lists) -%}
    {%- set asked = execute and flags.FULL_REFRESH and flags.WHICH in ('run', 'build') -%}
    {%- for name in lists if asked and 'model.' ~ project_name ~ '.' ~ name not in selected_resources -%}
        {{ exceptions.raise_compiler_error(
            model.name ~ ' in full needs ' ~ name ~ ' in the same run: select +' ~ model.name
        ) }}
    {%- endfor -%}
{%- endmacro %}

{# Deletes those who are written anew, customer by customer by the index; dbt's own strategy would read every row. #}
{% macro forget_customers_of(changed) -%}
    {% if is_incremental() %}
        delete from {{ this }} where customer_key = any(array(select customer_key from {{ changed }}))
    {% endif %}
{%- endmacro %}

{# The newest night before this one whose marts were finished. #}
{% macro last_built_night() -%}
    (
        select max(nights.as_of)
        from {{ source('ops', 'nights') }} as nights
        where nights.built_at is not null and nights.as_of < {{ as_of() }}
    )
{%- endmacro %}

{#
  For tables that keep one answer per night: those of this night's earlier attempts, and of nights that never ended,
  are given again.
#}
{% macro forget_unfinished_nights(night='as_of') -%}
    {% if is_incremental() %}
        delete from {{ this }} where {{ night }} > coalesce({{ last_built_night() }}, date '-infinity')
    {% endif %}
{%- endmacro %}

{# Of the revisions since the last finished night, those that the new stays say again are none. #}
{% macro forget_what_still_holds() -%}
    {%- set revisions = ref('fct_timeline_revisions') -%}
    {% if not var('scratch', none) %}
        delete from {{ revisions }} as revisions
        using {{ this }} as stays
        where
            revisions.replaced_on > {{ last_built_night() }}
            and revisions.customer_key = stays.customer_key
            and revisions.lifecycle_model = stays.lifecycle_model
            and revisions.stage = stays.stage
            and revisions.valid_from >= stays.valid_from
            and revisions.valid_to <= stays.valid_to
    {% endif %}
{%- endmacro %}

{#
  What the latest event of each type says, as JSON: its day (`events`), or the day it announced (`scheduled`). A mark
  is the day of an event with the announced day behind it.
#}
{% macro latest_events(types, what) -%}
    {%- if types -%}
        case
            when num_nonnulls({% for type in types %}{{ type }}_latest{% if not loop.last %}, {% endif %}{% endfor %}) > 0
                then jsonb_strip_nulls(jsonb_build_object(
                    {%- for type in types %}
                    '{{ type }}', {% if what == 'events' %}left({{ type }}_latest, 10){% else %}nullif(substr({{ type }}_latest, 11), ''){% endif %}
                    {%- if not loop.last %},{% endif %}
                    {%- endfor %}
                ))
        end
    {%- else -%}
        cast(null as jsonb)
    {%- endif %} as {{ what }}
{%- endmacro %}

{#
  A small index over the last row of every customer, so that a night finds out what was built from what, and what else
  is included, without reading every row. Only when the table is new: dbt's own `indexes` knows no condition.
#}
{% macro index_what_was_built(included, ends) -%}
    {% if not is_incremental() %}
        create index on {{ this }} (customer_key) include ({{ included }}) where {{ ends }} = 'infinity'
    {% endif %}
{%- endmacro %}

{# Statistics and the visibility map, without which the first night would read every row. #}
{% macro vacuum_what_was_built() -%}
    {% if not is_incremental() %}
        vacuum (analyze) {{ this }}
    {% endif %}
{%- endmacro %}

{# Statistics of a table that was just built; a view has none. #}
{% macro count_what_was_built() -%}
    {% if model.config.materialized != 'view' %}analyze {{ this }}{% endif %}
{%- endmacro %}
