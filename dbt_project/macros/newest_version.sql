{#
  The newest version of every row of a raw entity that this night may see: batches up to the night, the source's own
  change time first, then the order of delivery. With `orders`, a relation with source and order_id, only of these, each
  looked up by the index; offset 0 keeps it that way, and leaves out no row.
#}
{% macro newest_version(entity, key, version=none, orders=none) -%}
    with
    versions as (
        select
            raw_rows.*,
            row_number() over (
                partition by
                    raw_rows.source{% for column in key %}, raw_rows.{{ column }}{% endfor %}

                order by
                    {% if version %}raw_rows.{{ version }} desc nulls last,{% endif %}
                    batches.as_of desc,
                    raw_rows.row_no desc
            ) as version_rank
        {% if orders %}
            from {{ orders }} as asked
            cross join lateral (
                select *
                from {{ source('raw', entity) }} as of_order
                where of_order.source = asked.source and of_order.order_id = asked.order_id
                offset 0
            ) as raw_rows
        {% else %}
            from {{ source('raw', entity) }} as raw_rows
        {% endif %}
        inner join {{ source('ops', 'batches') }} as batches on raw_rows.batch_id = batches.batch_id
        where batches.as_of <= {{ as_of() }}
    )

    select *
    from versions
    where version_rank = 1
{%- endmacro %}
