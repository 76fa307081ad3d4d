{#
  What every customer record says of who she is, or of those in `asked`, a relation with source and source_customer_id.
  An override or a link of theirs may be with somebody else.
#}
{% macro identity_records(asked=none) -%}
    {%- set rules = var('identity') -%}
    with
    customers as (
        select * from {{ ref('input_customers') }}
        {{ of_those(asked) }}
    ),

    first_orders as (
        select * from {{ ref('int_record_orders') }}
        {{ of_those(asked) }}
    ),

    -- a customer exists as soon as any source names her, also when only an order does
    records as (
        select
            coalesce(customers.source, first_orders.source) as source,
            coalesce(customers.source_customer_id, first_orders.source_customer_id) as source_customer_id,
            least(customers.registered_on, first_orders.first_ordered_on) as known_on,
            customers.email as stated_email,
            customers.is_email_verified is not false as is_verified,
            customers.phone,
            customers.loyalty_number
        from customers
        full outer join first_orders
            on
                customers.source = first_orders.source
                and customers.source_customer_id = first_orders.source_customer_id
    ),

    stated as (
        {{ stated_of(ref('int_identity_pairs'), asked) }}
    ),

    -- who wrote a mailbox of a function, or mistyped, is not whoever else did, but has an address all the same
    addressed as (
        select
            source,
            source_customer_id,
            known_on,
            phone,
            loyalty_number,
            is_verified,
            {% if rules.evidence.email %}
                case
                    when not {{ is_placeholder_email('stated_email') }} then stated_email
                end
            {% else %}
                cast(null as text)
            {% endif %} as stated_email
        from records
    ),

    -- what says nothing of a person is left out
    meaningful as (
        select
            source,
            source_customer_id,
            known_on,
            case
                when
                    is_verified
                    and not {{ is_listed("split_part(split_part(stated_email, '@', 1), '+', 1)", rules.role_addresses) }}
                    then stated_email
            end as email,
            {% if rules.evidence.phone %}
                case
                    when not {{ is_placeholder_phone('phone') }} then phone
                end
            {% else %}
                cast(null as text)
            {% endif %} as phone,
            {% if rules.evidence.loyalty_number %}
                case
                    when
                        length(loyalty_number) < 4
                        or loyalty_number = repeat(left(loyalty_number, 1), length(loyalty_number))
                        or {{ is_listed('loyalty_number', rules.placeholders.loyalty_numbers) }}
                        then cast(null as text)
                    else loyalty_number
                end
            {% else %}
                cast(null as text)
            {% endif %} as loyalty_number,
            stated_email
        from addressed
    )

    select
        meaningful.*,
        stated.stated
    from meaningful
    left join stated
        on
            meaningful.source = stated.source
            and meaningful.source_customer_id = stated.source_customer_id
{%- endmacro %}

{# The condition that a row is of one of them. #}
{% macro of_those(asked) -%}
    {% if asked -%}
        where (source, source_customer_id) in (select asked.source, asked.source_customer_id from {{ asked }} as asked)
    {%- endif %}
{%- endmacro %}

{# Fingerprint of what overrides and links say of records. #}
{% macro stated_of(pairs, asked=none) -%}
    select
        source,
        source_customer_id,
        md5(string_agg(level || other_key, ',' order by level, other_key)) as stated
    from {{ pairs }}
    {{ of_those(asked) }}
    group by source, source_customer_id
{%- endmacro %}

{#
  Whether int_touched_records has every record that may say something else than in `state`: an earlier night was
  finished, and all of it was resolved by the rules, and from facts made by the SQL and settings, of tonight.
#}
{% macro lists_all_changes(state) -%}
    {%- set ask -%}
        select {{ last_built_night() }} is not null
        and not exists (select from {{ state }} as held where held.built_from <> {{ identity_hash() }})
    {%- endset -%}
    {{ return(execute and run_query(ask)[0][0]) }}
{%- endmacro %}
