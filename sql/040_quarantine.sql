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
