with
dim_stages as (
    {% for stage in var('stages') %}
        select
            '{{ stage.lifecycle_model }}' as lifecycle_model,
            '{{ stage.stage }}' as stage,
            {{ stage.stage_order }} as stage_order,
            {{ dbt.string_literal(dbt.escape_single_quotes(stage.label_en)) }} as label_en,
            {{ dbt.string_literal(dbt.escape_single_quotes(stage.label_zh)) }} as label_zh,
            {{ dbt.string_literal(dbt.escape_single_quotes(stage.description_en)) }} as description_en,
            {{ dbt.string_literal(dbt.escape_single_quotes(stage.description_zh)) }} as description_zh
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select * from dim_stages
