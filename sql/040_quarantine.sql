-- Rows that broke the contract. Nothing is dropped: landed = loaded + quarantined.
create table if not exists quarantine.rejected_rows (
    batch_id text not null references ops.batches,
    row_no bigint not null,
    source text not null,
    entity text not null,
    reason text not null,
    column_name text not null,
    value text,
    payload jsonb not null,
    mapped jsonb not null default '{}',
    rejected_at timestamptz not null default now(),
    replayed_in text references ops.batches,
    primary key (batch_id, row_no)
);
alter table quarantine.rejected_rows add column if not exists mapped jsonb not null default '{}';
alter table quarantine.rejected_rows add column if not exists replayed_in text references ops.batches;
comment on table quarantine.rejected_rows is
'One row per rejected row. column_name is the source column, value what stood there, payload the whole landed row, '
'mapped the same row in columns of the contract, replayed_in the batch that loaded it after all, or '
'brought the same file anew.';
comment on column quarantine.rejected_rows.batch_id is 'The batch it landed with.';
comment on column quarantine.rejected_rows.row_no is 'Its place in the batch.';
comment on column quarantine.rejected_rows.source is 'Name in config/sources.yml.';
comment on column quarantine.rejected_rows.entity is 'What it was to be: customers, orders, refunds and so on.';
comment on column quarantine.rejected_rows.reason is 'Rule of the contract, or of the source, that it broke.';
comment on column quarantine.rejected_rows.column_name is 'Column of the source that broke it.';
comment on column quarantine.rejected_rows.value is 'What stood there.';
comment on column quarantine.rejected_rows.payload is 'The whole row as it landed.';
comment on column quarantine.rejected_rows.mapped is
'The same in columns of the contract, as far as they could be made.';
comment on column quarantine.rejected_rows.rejected_at is 'When it was rejected.';
comment on column quarantine.rejected_rows.replayed_in is
'Batch that loaded it after all, or brought the same file anew; null while it waits.';
