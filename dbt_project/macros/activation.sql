{#
  A list of settings as rows: `columns` are their names and types. Of an empty list no row, which is a table all the same.
#}
{% macro rows_of(settings, columns) -%}
    {% for row in settings or [none] %}
        {%- if not loop.first %}union all
        {% endif -%}
        select
        {%- for name, type in columns.items() %}
            cast({{ literal(row[name] if row else none) }} as {{ type }}) as {{ name }}{% if not loop.last %},{% endif %}
        {%- endfor %}
        {%- if not row %}
        where false
        {%- endif %}
    {% endfor %}
{%- endmacro %}

{# A value as SQL writes it. #}
{% macro literal(value) -%}
    {%- if value is undefined or value is none -%} null
    {%- elif value is boolean -%} {{ 'true' if value else 'false' }}
    {%- elif value is string -%} {{ sql_text(value) }}
    {%- else -%} {{ value }}
    {%- endif -%}
{%- endmacro %}

{# Every destination of every audience, with the settings of the audience. #}
{% macro targets() -%}
    {%- set found = [] -%}
    {%- for audience in var('audiences') -%}
        {%- for target in audience.targets -%}
            {%- set row = dict(audience) -%}
            {%- do row.update(target) -%}
            {%- do found.append(row) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ rows_of(found, {
        'audience': 'text', 'number': 'integer', 'destination': 'text', 'channel': 'text', 'purpose': 'text',
        'is_marketing': 'boolean', 'is_playbook': 'boolean', 'priority': 'integer', 'cool_down_days': 'integer',
        'budget': 'bigint', 'valid_days': 'integer', 'respects_quiet_hours': 'boolean'
    }) }}
{%- endmacro %}

{# What audiences write for, one row per audience. #}
{% macro configured_purposes() -%}
    {{ rows_of(var('audiences'), {'purpose': 'text'}) }}
{%- endmacro %}

{# Every cell of the playbook. #}
{% macro playbook_cells() -%}
    {{ rows_of(var('playbook'), {
        'stage': 'text', 'tier': 'text', 'objective': 'text', 'channel': 'text', 'offer_en': 'text', 'offer_zh': 'text',
        'cost_share': 'numeric', 'cost_amount': 'numeric', 'cadence_days': 'integer', 'cool_down_days': 'integer',
        'budget': 'bigint', 'exit_rule': 'text', 'exit_days': 'integer'
    }) }}
{%- endmacro %}

{#
  Which of 10,000 buckets a key is in, for ever the same. `of` names what is drawn, so that each audience draws others
  than the next.
#}
{% macro bucket(key, of) -%}
    mod(cast(cast('x' || left(md5('{{ var("holdout").salt }}|{{ of }}|' || {{ key }}), 8) as bit(32)) as bigint), 10000)
{%- endmacro %}

{# What a tool wrote of an address, in the form in which input_customers has it: lower case, or + and digits. #}
{% macro comparable_address(channel, address) -%}
    case {{ channel }}
        when 'email' then lower(btrim({{ address }}))
        else '+' || ltrim(regexp_replace({{ address }}, '[^0-9]', '', 'g'), '0')
    end
{%- endmacro %}
