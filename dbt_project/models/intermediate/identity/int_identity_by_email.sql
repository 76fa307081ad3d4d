{{ config(schema='pii', unlogged=true) }}

{{ identity_level('email', ref('int_identity_by_link')) }}
