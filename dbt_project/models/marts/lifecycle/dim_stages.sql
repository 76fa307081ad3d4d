with
dim_stages as (
    {% for stage in var('stages') %}
        select
            '{{ stage.lifecycle_model }}' as lifecycle_model,
            '{{ stage.stage }}' as stage,
            {{ stage.stage_order }} as stage_order,
            '{{ stage.phase }}' as phase,
            cast({{ stage.decline_order or 'null' }} as integer) as decline_order,
            {{ sql_text(stage.label_en) }} as label_en,
            {{ sql_text(stage.label_zh) }} as label_zh,
            {{ sql_text(stage.description_en) }} as description_en,
            {{ sql_text(stage.description_zh) }} as description_zh
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select * from dim_stages
