-- Every schema of the warehouse. dbt builds in staging, input, intermediate, marts, activation and pii.
create schema if not exists raw;
create schema if not exists quarantine;
create schema if not exists staging;
create schema if not exists input;
create schema if not exists intermediate;
create schema if not exists marts;
create schema if not exists activation;
create schema if not exists ops;
create schema if not exists pii;

comment on schema raw is 'Landed row versions, append-only. Holds contact details: loader only.';
comment on schema quarantine is 'Rows that broke the contract, with reason and value. Contact details: loader only.';
comment on schema staging is 'The newest version of every landed row a night may see.';
comment on schema input is 'The contract every source maps into; nothing downstream knows a source.';
comment on schema intermediate is 'Steps between input and marts.';
comment on schema marts is 'Tables for people and BI tools. No contact details.';
comment on schema activation is 'Consents, audience decisions, exports.';
comment on schema ops is 'Runs, batches, cursors, checks.';
comment on schema pii is 'Contact details, and nothing else.';
