{#
  Fingerprint of what the facts are made with: the SQL of their models and the settings it reads. Each table of theirs
  carries it as its comment, made in the same transaction.
#}
{% macro recipe_of_facts() -%}
    {%- set mechanism = 1 -%} {# raise it when a macro below these models changes what they say #}
    {%- set models = [
        'stg_orders', 'stg_refunds', 'stg_customers', 'stg_events', 'stg_consents',
        'input_orders', 'input_refunds', 'input_exchange_rates', 'input_customers', 'input_events', 'input_consents',
        'int_touched_orders', 'int_touched_records', 'int_touched_customers', 'int_record_orders', 'int_ledger', 'int_given_back', 'int_events',
        'int_customer_facts', 'fct_orders', 'dim_customers',
    ] -%}
    {%- set settings = [
        'business_timezone', 'day_starts_at_hour', 'currency', 'other_currencies', 'rate_holds_days', 'events',
    ] -%}
    {%- set told = [mechanism, measures_hash()] -%}
    {%- for name in settings -%}
        {%- do told.append(var(name)) -%}
    {%- endfor -%}
    {%- for node in graph.nodes.values() | selectattr('name', 'in', models) | sort(attribute='unique_id') -%}
        {%- do told.append(node.raw_code) -%}
    {%- endfor -%}
    {{ return(local_md5(tojson(told))) }}
{%- endmacro %}

{# So that a later night knows what this table was made with. #}
{% macro note_recipe() -%}
    {% if execute %}comment on table {{ this }} is 'Made with {{ recipe_of_facts() }}.'{% endif %}
{%- endmacro %}

{#
  dbt asks this before it adds to a table. A table of facts is built in full also where it was made with other SQL or
  other settings, and where no earlier night was finished: then nobody can tell what is new since.
#}
{% macro should_full_refresh() -%}
    {%- set asked = config.get('full_refresh') -%}
    {%- if asked is none -%}
        {%- set asked = flags.FULL_REFRESH -%}
    {%- endif -%}
    {%- if not asked and execute and 'facts' in config.get('tags', []) -%}
        {%- set made_with = "obj_description(to_regclass('" ~ this ~ "'), 'pg_class')" -%}
        {%- set ask -%}
            select coalesce({{ made_with }} = 'Made with {{ recipe_of_facts() }}.', false)
            and {{ last_built_night() }} is not null
        {%- endset -%}
        {%- set asked = not run_query(ask)[0][0] -%}
    {%- endif -%}
    {{ return(asked) }}
{%- endmacro %}

{# Batches of an entity that no finished night has seen. #}
{% macro new_batches(entity) -%}
    any(array(
        select batches.batch_id
        from {{ ref('int_seen_batches') }} as batches
        where batches.entity = '{{ entity }}' and batches.seen_on > coalesce({{ last_built_night() }}, date '-infinity')
    ))
{%- endmacro %}

{# Moments from which on a business day after the last finished night may have begun, wherever the business is. #}
{% macro since_last_night() -%}
    cast({{ last_built_night() }} as timestamp with time zone)
{%- endmacro %}

{#
  What was touched on a night stays listed until that night, or a later one, is finished: whatever an attempt that did
  not end wrote of it is written anew.
#}
{% macro forget_settled() -%}
    {% if is_incremental() %}
        delete from {{ this }} where touched_on <= {{ last_built_night() }}
    {% endif %}
{%- endmacro %}

{# Deletes the customer records that are about to be written anew. #}
{% macro forget_touched_records() -%}
    {%- set touched = ref('int_touched_records') -%}
    {% if is_incremental() %}
        delete from {{ this }} as held
        using {{ touched }} as touched
        where held.source = touched.source and held.source_customer_id = touched.source_customer_id
    {% endif %}
{%- endmacro %}

{# Deletes the orders, or their refunds, that are about to be written anew. #}
{% macro forget_touched_orders() -%}
    {%- set touched = ref('int_touched_orders') -%}
    {% if is_incremental() %}
        delete from {{ this }} as held
        using {{ touched }} as touched
        where held.source = touched.source and held.order_id = touched.order_id
    {% endif %}
{%- endmacro %}
