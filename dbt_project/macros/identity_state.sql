{# What a night writes only to decide whom it has to. #}
{% macro identity_lists() -%}
    {{ return([
        'int_identity_changes', 'int_identity_affected', 'int_identity_evidence', 'int_identity_clusters',
        'int_identity_by_override', 'int_identity_by_link', 'int_identity_by_email', 'int_identity_by_phone',
        'int_identity_by_loyalty_number',
    ]) }}
{%- endmacro %}

{# Records that no source has any more belong to nobody. #}
{% macro forget_records_that_are_gone() -%}
    {% if is_incremental() %}
        delete from {{ this }}
        where own_key in (select own_key from {{ ref('int_identity_changes') }} where is_gone)
    {% endif %}
{%- endmacro %}

{# Lists are read once. #}
{% macro empty_lists(lists) -%}
    truncate {% for name in lists %}{{ ref(name) }}{% if not loop.last %}, {% endif %}{% endfor %}
{%- endmacro %}
