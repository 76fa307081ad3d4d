{{ config(schema='pii', unlogged=true) }}

{{ identity_level('link', ref('int_identity_by_override')) }}
