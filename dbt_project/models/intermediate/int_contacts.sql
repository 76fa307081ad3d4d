with
ledger as (
    select * from {{ source('activation', 'contact_ledger') }}
),

former_keys as (
    select * from {{ ref('int_former_keys') }}
),

-- of earlier nights only: the same night, run again, decides the same
int_contacts as (
    select distinct
        coalesce(former_keys.customer_key, ledger.customer_key) as customer_key,
        ledger.audience,
        ledger.channel,
        ledger.as_of as decided_on,
        ledger.contacted_on,
        coalesce(ledger.is_still_there, false) as is_still_there
    from ledger
    left join former_keys on ledger.customer_key = former_keys.former_key
    where ledger.as_of < {{ as_of() }}
)

select * from int_contacts
