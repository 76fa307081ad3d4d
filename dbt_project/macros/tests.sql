{# No two rows agree in all these columns. #}
{% test unique_combination(model, columns) %}
    select {{ columns | join(', ') }}
    from {{ model }}
    group by {{ columns | join(', ') }}
    having count(*) > 1
{% endtest %}

{# Intervals [valid_from, valid_to) follow each other without gap, the last one never ends, neighbours differ. #}
{% test intervals_tile(model, partition_by, value) %}
    select *
    from (
        select
            *,
            lead(valid_from, 1, date 'infinity') over life as next_from,
            lead({{ value }}) over life as next_value
        from {{ model }}
        window life as (partition by {{ partition_by | join(', ') }} order by valid_from)
    ) as followed
    where valid_to <> next_from or valid_from >= valid_to or {{ value }} = next_value
{% endtest %}

{# Every customer has a stage in every enabled lifecycle model. #}
{% test everybody_has_a_stage(model, customers) %}
    select
        customers.customer_key,
        count(stages.stage) as count_stages
    from {{ customers }} as customers
    left join {{ model }} as stages on customers.customer_key = stages.customer_key
    group by customers.customer_key
    having count(stages.stage) <> {{ var('lifecycle') | length }}
{% endtest %}

{# Refunds whose order never arrived; they are in no total until it does. #}
{% test refund_of_a_known_order(model) %}
    select refunds.*
    from {{ model }} as refunds
    left join {{ ref('input_orders') }} as orders
        on refunds.source = orders.source and refunds.order_id = orders.order_id
    where orders.order_id is null
{% endtest %}

{# Events of customers nobody ever named; they wait for her. #}
{% test event_of_a_known_customer(model) %}
    select events.*
    from {{ model }} as events
    left join {{ ref('int_customer_keys') }} as keys
        on events.source = keys.source and events.source_customer_id = keys.source_customer_id
    where keys.customer_key is null
{% endtest %}

{# The last line of defence: a member without a granted consent must not be exported. #}
{% test nobody_who_denied_is_exported(model, consents) %}
    select members.*
    from {{ model }} as members
    left join {{ consents }} as consents
        on
            members.customer_key = consents.customer_key
            and members.channel = consents.channel
            and members.purpose = consents.purpose
            and consents.status = 'granted'
    where members.verdict = 'export' and consents.customer_key is null
{% endtest %}

{# The column sums to what the whole sums to, to the cent: nobody and nothing is left out or counted twice. #}
{% test adds_up_to(model, column_name, whole, whole_column) %}
    select *
    from (
        select
            (select coalesce(sum({{ column_name }}), 0) from {{ model }}) as total,
            (select coalesce(sum({{ whole_column }}), 0) from {{ whole }}) as whole_total
    ) as totals
    where total <> whole_total
{% endtest %}

{# Nobody is warned of twice at a time. #}
{% test one_open_warning(model) %}
    select customer_key
    from {{ model }}
    where outcome = 'open'
    group by customer_key
    having count(*) > 1
{% endtest %}

{# The last line of defence too: nobody is exported on a channel on which a campaign tool said no. #}
{% test nobody_who_opted_out_is_exported(model, opt_outs) %}
    select members.*
    from {{ model }} as members
    inner join {{ opt_outs }} as opt_outs
        on members.customer_key = opt_outs.customer_key and members.channel = opt_outs.channel
    where members.verdict = 'export'
{% endtest %}

{# Verdicts on a person for a destination follow each other; no two hold on the same night. #}
{% test one_verdict_at_a_time(model) %}
    select *
    from (
        select
            *,
            lead(valid_from) over (
                partition by audience, destination, customer_key
                order by valid_from
            ) as next_from
        from {{ model }}
    ) as followed
    where valid_from >= valid_to or next_from < valid_to
{% endtest %}

{# All gates of an audience and destination hold exactly its members, and each hands its people to the next. #}
{% test waterfall_adds_up(model, members) %}
    select
        audience,
        destination
    from (
        select
            *,
            lag(count_after) over gates as handed_over,
            lead(gate) over gates is null as is_last
        from {{ model }}
        window gates as (partition by audience, destination order by gate)
    ) as steps
    group by audience, destination
    having
        sum(count_ended) <> (
            select count(*) from {{ members }} as members
            where members.audience = steps.audience and members.destination = steps.destination
        )
        or not bool_and(count_before - count_ended = count_after)
        or not bool_and(count_before = coalesce(handed_over, count_before))
        or sum(count_after) filter (where is_last) <> 0
{% endtest %}
