{# An e-mail address in the form in which addresses are compared, or null if it is none. #}
{% macro usable_email(email) -%}
    case
        when lower(btrim({{ email }})) ~ '^[a-z0-9][^@[:space:],;<>"]*@[a-z0-9][a-z0-9.-]*[.][a-z]{2,}$'
            then lower(btrim({{ email }}))
    end
{%- endmacro %}
