-- Which rules every lifecycle model had, and who approved them. Exports wait for a changed rule to be approved.
create table if not exists ops.lifecycle_rules (
    lifecycle_model text not null,
    rules_hash text not null,
    version integer not null,
    first_as_of date not null,
    approved_at timestamptz,
    approved_by text,
    primary key (lifecycle_model, rules_hash)
);
comment on table ops.lifecycle_rules is
'One row per lifecycle model and fingerprint of its rules, cycle, trend and population. approved_at is null while '
'exports wait for `perennial lifecycle approve`.';
comment on column ops.lifecycle_rules.lifecycle_model is 'Identifier of the lifecycle model.';
comment on column ops.lifecycle_rules.rules_hash is 'Fingerprint of its rules, cycle, trend and population.';
comment on column ops.lifecycle_rules.version is 'Version that its file states.';
comment on column ops.lifecycle_rules.first_as_of is 'The first night that used them.';
comment on column ops.lifecycle_rules.approved_at is 'When they were approved; null while exports wait.';
comment on column ops.lifecycle_rules.approved_by is 'Who approved them.';
