{{ config(schema='pii', unlogged=true) }}

{{ identity_level('phone', ref('int_identity_by_email')) }}
