{#
  Intervals [valid_from, valid_to) as the newest finished night before this one left them: what this night's earlier
  attempts, and nights that never ended, began and ended is taken back.
#}
{% macro take_back_unfinished_nights() -%}
    {% if is_incremental() %}
        delete from {{ this }} where valid_from > coalesce({{ last_built_night() }}, date '-infinity');
        update {{ this }} set valid_to = 'infinity'
        where valid_to > coalesce({{ last_built_night() }}, date '-infinity') and valid_to < 'infinity'
    {% endif %}
{%- endmacro %}

{#
  What a night writes of something that holds over intervals: where what `tonight` (a CTE) says of a `key` is not what
  held at the end of the newest finished night, that ends and tonight's begins. `told` are the columns, those of the key
  among them; of these the `compared` tell whether anything changed, and are never null. Adds valid_from and valid_to.
#}
{% macro intervals(tonight, key, told, compared) -%}
    {% if is_incremental() %}
        with
        before as (
            select * from {{ this }}
            where valid_to = 'infinity'
        ),

        changed as (
            select
                before.valid_from,
                {% for column in told %}
                    tonight.{{ column }},
                    before.{{ column }} as before_{{ column }}{% if not loop.last %},{% endif %}
                {% endfor %}
            from {{ tonight }} as tonight
            full join before
                on
                    {% for column in key %}
                        {% if not loop.first %}and {% endif %}tonight.{{ column }} = before.{{ column }}
                    {% endfor %}
            where
                ({% for column in compared %}tonight.{{ column }}{% if not loop.last %}, {% endif %}{% endfor %})
                is distinct from
                ({% for column in compared %}before.{{ column }}{% if not loop.last %}, {% endif %}{% endfor %})
        )

        select
            {% for column in told %}
                before_{{ column }} as {{ column }},
            {% endfor %}
            valid_from,
            {{ as_of() }} as valid_to
        from changed
        where before_{{ key[0] }} is not null
        union all
        select
            {% for column in told %}
                {{ column }},
            {% endfor %}
            {{ as_of() }} as valid_from,
            date 'infinity' as valid_to
        from changed
        where {{ key[0] }} is not null
    {% else %}
        select
            {% for column in told %}
                {{ column }},
            {% endfor %}
            {{ as_of() }} as valid_from,
            date 'infinity' as valid_to
        from {{ tonight }}
    {% endif %}
{%- endmacro %}
