{{ config(schema='pii', unlogged=true) }}

{{ identity_level('override') }}
