#!/bin/bash
# Airflow's database and the warehouse, each owned by a role that cannot enter the other.
# The postgres image runs this once, on an empty volume.
set -e

for name in AIRFLOW_DB_PASSWORD WAREHOUSE_PASSWORD; do
    case "${!name}" in
        "" | *[!A-Za-z0-9_-]*)
            echo "$name: accepted are letters, digits, - and _ (it stands in URLs)." \
                "Set it in .env, then: docker compose down -v && docker compose up -d" >&2
            exit 1
            ;;
    esac
done

# \getenv, not -v: a command line is open for all to read
psql -X -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -d postgres <<'SQL'
\getenv airflow_password AIRFLOW_DB_PASSWORD
\getenv warehouse_password WAREHOUSE_PASSWORD
create role airflow login password :'airflow_password';
create role perennial login password :'warehouse_password';
-- which perennial may not create; sql/150_roles.sql says what they read
select format('create role %I nologin', name) from unnest(array['perennial_bi', 'perennial_marketer']) as name
where not exists (select from pg_roles where rolname = name) \gexec
create database airflow_meta owner airflow;
create database warehouse owner perennial;
revoke all on database airflow_meta, warehouse, postgres, template1 from public;
SQL
