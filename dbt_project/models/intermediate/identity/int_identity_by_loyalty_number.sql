{{ config(schema='pii', unlogged=true) }}

{{ identity_level('loyalty_number', ref('int_identity_by_phone')) }}
