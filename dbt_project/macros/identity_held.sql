{#
  Components that would make one customer of several whom the last finished night knew apart, where config/identity.yml
  wants somebody to approve that and nobody did: component, merge_id, reason. What you say yourself waits for nobody.
  `as_they_were`, person and kept, joins in every component the persons that were one customer then: to wait parts nobody.
#}
{% macro held_merges(level) -%}
    {%- set memberships = as_built('pii', 'identity_memberships', keep_on_full_refresh=true) -%}
    {%- set tiers = as_built('marts', 'fct_tier_moves', keep_on_full_refresh=true) -%}
    {%- set hold = var('identity').hold -%}
    {% if not (hold and memberships) or level == 'override' -%}
        held as (
            select
                component,
                cast(null as text) as merge_id,
                cast(null as text) as reason
            from components
            where false
        ),

        as_they_were as (
            select
                person,
                person as kept
            from components
            where false
        )
    {%- else -%}
        known_apart as (
            select
                members.component,
                members.person,
                known.customer_key,
                known.source,
                known.source_customer_id
            from members
            inner join {{ memberships }} as known on members.own_key = known.own_key
            where known.valid_from <= {{ last_built_night() }} and known.valid_to > {{ last_built_night() }}
        ),

        merging as (
            select
                component,
                count(distinct customer_key) as count_customers,
                md5(string_agg(distinct customer_key, ',' order by customer_key)) as merge_id
            from known_apart
            group by component
            having count(distinct customer_key) > 1
        ),

        a_customers as (
            {% if 'a_customer' in hold and tiers %}
                select customer_key
                from {{ tiers }}
                where
                    as_of <= {{ last_built_night() }}
                    and customer_key in (select known_apart.customer_key from known_apart)
                group by customer_key
                having substr(max(to_char(as_of, 'YYYYMMDD') || coalesce(to_tier, '')), 9) = 'A'
            {% else %}
                select customer_key
                from known_apart
                where false
            {% endif %}
        ),

        -- within a record the latest statement, of a person the most restrictive; a wish told to a tool is for any purpose
        statements as (
            select
                known_apart.component,
                known_apart.customer_key,
                said.channel,
                said.purpose,
                bool_or(said.is_denied) as is_denied
            from known_apart
            inner join (
                select
                    source,
                    source_customer_id,
                    channel,
                    purpose,
                    is_denied
                from {{ ref('int_latest_consents') }}
                union all
                select
                    source,
                    source_customer_id,
                    channel,
                    'any' as purpose,
                    true as is_denied
                from {{ ref('int_wishes') }}
            ) as said
                on
                    known_apart.source = said.source
                    and known_apart.source_customer_id = said.source_customer_id
            where {{ 'true' if 'consent' in hold else 'false' }}
            group by known_apart.component, known_apart.customer_key, said.channel, said.purpose
        ),

        -- who said nothing would have said what the others did
        consents_that_differ as (
            select distinct statements.component
            from statements
            inner join merging on statements.component = merging.component
            group by statements.component, statements.channel, statements.purpose, merging.count_customers
            having count(*) < merging.count_customers or bool_or(statements.is_denied) <> bool_and(statements.is_denied)
        ),

        held as (
            select
                merging.component,
                merging.merge_id,
                case
                    when consents_that_differ.component is not null then 'held_consent'
                    else 'held_a_customer'
                end as reason
            from merging
            left join consents_that_differ on merging.component = consents_that_differ.component
            where
                merging.merge_id not in (select approvals.merge_id from {{ source('ops', 'identity_approvals') }} as approvals)
                and (
                    consents_that_differ.component is not null
                    or exists (
                        select from known_apart
                        inner join a_customers on known_apart.customer_key = a_customers.customer_key
                        where known_apart.component = merging.component
                    )
                )
        ),

        as_they_were as (
            select
                person,
                min(person) over (partition by component, customer_key) as kept
            from (
                select
                    component,
                    person,
                    min(customer_key) as customer_key
                from known_apart
                group by component, person
            ) as persons
        )
    {%- endif %}
{%- endmacro %}
