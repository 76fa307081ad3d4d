{# Fingerprint of what config/value.yml says of offers; `mechanism` is raised when the SQL changes its results. #}
{% macro offers_hash() -%}
    {%- set mechanism = 1 -%}
    '{{ local_md5(tojson([mechanism, var("value").offers])) }}'
{%- endmacro %}

{# A category as it is compared: small letters, single blanks; null if nothing is left. #}
{% macro tidy(category) -%}
    {%- set blanks = "translate(" ~ category ~ ", E'\\t\\n\\r\\u00a0\\u3000', '     ')" -%}
    nullif(lower(btrim(
        -- few names need the regular expression, which is slow
        case
            when {{ blanks }} like '%  %' then regexp_replace({{ blanks }}, ' +', ' ', 'g')
            else {{ blanks }}
        end
    )), '')
{%- endmacro %}

{# Deletes the customers whose lines, or what was made of them, are about to be written anew. #}
{% macro forget_changed_lines() -%}
    {%- set changed = ref('int_changed_lines') -%}
    {% if is_incremental() %}
        delete from {{ this }}
        where customer_key = any(array(select customer_key from {{ changed }}))
    {% endif %}
{%- endmacro %}

{#
  With her lines goes what was made of them: it tells of what facts it was built, for the lines too, and must not
  outlive them if the night is killed before it is made anew.
#}
{% macro forget_categories_of_changed_lines() -%}
    {%- set changed = ref('int_changed_lines') -%}
    {%- set categories = as_built('intermediate', 'int_customer_categories', keep_on_full_refresh=true) -%}
    {% if categories %}
        delete from {{ categories }}
        {% if is_incremental() %}where customer_key = any(array(select customer_key from {{ changed }})){% endif %}
    {% endif %}
{%- endmacro %}

{#
  Rules hold for a calendar month: those of an earlier month, of other settings, and of a night that never ended are
  counted again.
#}
{% macro forget_old_rules() -%}
    {% if is_incremental() %}
        delete from {{ this }}
        where
            as_of > coalesce({{ last_built_night() }}, date '-infinity')
            or as_of < {{ month_of(as_of()) }}
            or settings_hash <> {{ offers_hash() }}
    {% endif %}
{%- endmacro %}

{# What a night asks first: what everybody's rows were built from. Only when the table is new. #}
{% macro index_what_categories_were_built_from() -%}
    {% if not is_incremental() %}
        create index on {{ this }} (customer_key) include (built_from, categories_hash) where category is null
    {% endif %}
{%- endmacro %}

{# A product has one category, or few: without being told, the planner expects every combination, and sorts. #}
{% macro count_products_of_lines() -%}
    {% if not is_incremental() %}
        create statistics (ndistinct) on source, product_id, category from {{ this }}
    {% endif %}
{%- endmacro %}

{# Deletes who is no customer any more. #}
{% macro forget_customers_without_lines() -%}
    {%- set categories = ref('int_customer_categories') -%}
    {% if is_incremental() %}
        delete from {{ this }}
        where customer_key = any(array(
            select customer_key from {{ this }} where place = 0
            except
            select customer_key from {{ categories }} where category is null
        ))
    {% endif %}
{%- endmacro %}
