{# The key of a record: also that of the person, where this record is the one known first. #}
{% macro own_key(source, source_customer_id) -%}
    md5({{ source }} || ':' || {{ source_customer_id }})
{%- endmacro %}

{# Fingerprint of what config/identity.yml says of evidence; another one decides everybody anew. #}
{% macro identity_hash() -%}
    {%- set mechanism = 2 -%} {# raise it when the SQL from records to persons changes its results #}
    {%- set rules = var('identity') -%}
    {%- set facts = recipe_of_facts() if execute else '' -%}
    '{{ local_md5(tojson([mechanism, rules.evidence, rules.role_addresses, rules.placeholders, facts]))[:8] }}'
{%- endmacro %}

{# Whether text is one of a list of settings; of an empty list none is. #}
{% macro is_listed(text, listed) -%}
    {%- if listed -%}
        {{ text }} in (
        {%- for word in listed %}
            {{ sql_text(word) }}{% if not loop.last %},{% endif %}
        {%- endfor %}
        )
    {%- else -%}
        false
    {%- endif -%}
{%- endmacro %}

{# Whether an address is one that people type who have none. #}
{% macro is_placeholder_email(email) -%}
    {%- set placeholders = var('identity').placeholders -%}
    (
        {{ is_listed(email, placeholders.emails) }}
        or {{ is_listed("split_part(" ~ email ~ ", '@', 2)", placeholders.email_domains) }}
    )
{%- endmacro %}

{# The same of a number: one that ends in seven equal digits, too. #}
{% macro is_placeholder_phone(phone) -%}
    (right({{ phone }}, 7) = repeat(right({{ phone }}, 1), 7) or {{ is_listed(phone, var('identity').placeholders.phones) }})
{%- endmacro %}

{# Whether an identifier is shared by no more people and records than its limits allow. #}
{% macro is_evidence(kind, email, phone, loyalty_number, own_key) -%}
    case {{ kind }}
        {%- for name, limits in var('identity').evidence.items() if limits %}
        when '{{ name }}' then
            count(*) <= {{ limits.records }}
            {%- if name == 'email' %}
            -- a guest with many orders is one person, whose other numbers agree
            and greatest(count(distinct {{ phone }}), count(distinct {{ loyalty_number }})) <= {{ limits.people }}
            {%- else %}
            and count(distinct coalesce({{ email }}, {{ own_key }})) <= {{ limits.people }}
            {%- endif %}
        {%- endfor %}
        else false
    end
{%- endmacro %}

{#
  Connected components of persons who share identifiers, as CTEs of a `with recursive` after `held_by` (person,
  identifier): `via` has one row per person who shares anything and what, `components` one per person and the smallest of
  all whom she is connected with. Labels start where no neighbour is smaller and only ever travel to larger ones, so the
  smallest reaches all, everything ends, and rows may come in any order.
#}
{% macro components() -%}
    hubs as (
        select
            identifier,
            min(person) as hub
        from held_by
        group by identifier
        having count(*) > 1
    ),

    shared as (
        select
            held_by.person,
            held_by.identifier,
            hubs.hub
        from held_by
        inner join hubs on held_by.identifier = hubs.identifier
    ),

    via as (
        select
            person,
            min(identifier) as identifier
        from shared
        group by person
    ),

    spokes as (
        select distinct
            person,
            hub
        from shared
        where person <> hub
    ),

    edges as (
        select
            person,
            hub as neighbour
        from spokes
        union all
        select
            hub as person,
            person as neighbour
        from spokes
    ),

    starts as (
        select person
        from edges
        group by person
        having min(neighbour) > person
    ),

    reached as (
        select
            person,
            person as component
        from starts
        union
        select
            edges.neighbour as person,
            reached.component
        from reached
        inner join edges on reached.person = edges.person
        where edges.neighbour > reached.component
    ),

    components as (
        select
            person,
            min(component) as component
        from reached
        group by person
    )
{%- endmacro %}
