-- Which merges of customers somebody let go. What the models remember of identity lies in pii.
create table if not exists ops.identity_approvals (
    merge_id text primary key,
    customer_keys text[] not null,
    approved_at timestamptz not null,
    approved_by text not null
);
comment on table ops.identity_approvals is
'One row per merge that config/identity.yml held and somebody approved: these customers may become one, and no others.';
comment on column ops.identity_approvals.merge_id is 'What `perennial identity preview` calls the merge.';
comment on column ops.identity_approvals.customer_keys is 'The customers that may become one.';
comment on column ops.identity_approvals.approved_at is 'When it was approved.';
comment on column ops.identity_approvals.approved_by is 'Who approved it.';
