{#
  The newest version of every row of a raw entity that this night may see: batches up to the night, the source's own
  change time first, then the order of delivery. With `asked`, a relation with source and the columns `by`, only of
  these, each looked up by the index of the raw table.
#}
{% macro newest_version(entity, key, version=none, asked=none, by=['order_id']) -%}
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
        from {{ all_versions(entity, asked, by) }}
        inner join {{ source('ops', 'batches') }} as batches on raw_rows.batch_id = batches.batch_id
        where batches.as_of <= {{ as_of() }}
    )

    select *
    from versions
    where version_rank = 1
{%- endmacro %}

{#
  Every version as `raw_rows`, perhaps only of what is asked for; each of these once. Offset 0 makes the planner look
  them up one by one, and leaves out no row.
#}
{% macro all_versions(entity, asked=none, by=['order_id']) -%}
    {% if asked -%}
        (
            select distinct
                source{% for column in by %},
                {{ column }}{% endfor %}

            from {{ asked }}
        ) as asked
        cross join lateral (
            select *
            from {{ source('raw', entity) }} as found
            where
                found.source = asked.source
                {% for column in by %}
                    and found.{{ column }} = asked.{{ column }}
                {% endfor %}
            offset 0
        ) as raw_rows
    {%- else -%}
        {{ source('raw', entity) }} as raw_rows
    {%- endif %}
{%- endmacro %}
