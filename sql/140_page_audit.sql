-- Who did what on the pages inside Airflow.
create table if not exists ops.page_audit (
    at timestamptz not null,
    who text not null,
    what text not null check (what in ('approved', 'rejected', 'downloaded', 'looked up')),
    plan text,
    customer_key text,
    details jsonb not null default '{}'
);
create index if not exists page_audit_by_plan on ops.page_audit (plan, at);
comment on table ops.page_audit is
'One row per decision, download and look at a customer on the pages; written with what it tells of, or that fails, '
'too. Rows are added, never changed.';
comment on column ops.page_audit.at is 'When it was done.';
comment on column ops.page_audit.what is 'approved, rejected, downloaded or looked up.';
comment on column ops.page_audit.who is 'The name that Airflow signed the person in with.';
comment on column ops.page_audit.plan is 'The plan decided on, or whose file it was.';
comment on column ops.page_audit.customer_key is 'Whose story was opened.';
comment on column ops.page_audit.details is
'Of a decision the data_hash that was seen; of a download file, rows, sha256.';
