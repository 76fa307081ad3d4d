{# An e-mail address in the form in which addresses are compared, or null if it is none. #}
{% macro usable_email(email) -%}
    case
        when lower(btrim({{ email }})) ~ '^[a-z0-9][^@[:space:],;<>"]*@[a-z0-9][a-z0-9.-]*[.][a-z]{2,}$'
            then lower(btrim({{ email }}))
    end
{%- endmacro %}

{# An international number without its separators, or null: national ones are completed while loading, if at all. #}
{% macro usable_phone(phone) -%}
    case
        when regexp_replace({{ phone }}, '[ ().-]', '', 'g') ~ '^[+][1-9][0-9]{7,14}$'
            then regexp_replace({{ phone }}, '[ ().-]', '', 'g')
    end
{%- endmacro %}
