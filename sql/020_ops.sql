-- What ran, what was loaded, how far every source has been read.
create table if not exists ops.nights (
    as_of date primary key,
    opened_at timestamptz not null default now(),
    build_started_at timestamptz,
    built_at timestamptz,
    config_hash text,
    exported_at timestamptz
);
alter table ops.nights add column if not exists build_started_at timestamptz;
alter table ops.nights add column if not exists config_hash text;
update ops.nights set build_started_at = built_at
where build_started_at is null and built_at is not null;
comment on column ops.nights.config_hash is
'What the models were told: everything decided in config/ and the night itself. It differs from night to night.';
comment on table ops.nights is 'One row per night. The newest with build_started_at is the horizon: the marts are its.';

create table if not exists ops.runs (
    as_of date not null,
    task text not null,
    started_at timestamptz not null,
    finished_at timestamptz,
    status text not null check (status in ('running', 'success', 'failed')),
    rows bigint,
    details jsonb not null default '{}',
    primary key (as_of, task, started_at)
);
comment on table ops.runs is 'One row per attempt of a task of a night.';

create table if not exists ops.batches (
    batch_id text primary key,
    source text not null,
    entity text not null,
    as_of date not null,
    extracted_at timestamptz not null,
    rows_landed bigint not null,
    rows_loaded bigint not null,
    rows_new bigint not null,
    rows_quarantined bigint not null,
    bytes bigint not null,
    manifest_sha256 text not null,
    loaded_at timestamptz not null default now(),
    check (rows_landed = rows_loaded + rows_quarantined),
    check (rows_new <= rows_loaded)
);
comment on table ops.batches is
'One row per loaded batch: one entity of one source in one night. landed = loaded + quarantined, always; '
'rows_new counts the loaded rows that said something new.';

create table if not exists ops.cursors (
    source text not null,
    entity text not null,
    position jsonb not null,
    batch_id text not null references ops.batches,
    primary key (source, entity)
);
comment on table ops.cursors is 'How far each entity has been read; committed with the rows it covers, never lagged.';

create table if not exists ops.reconciliation (
    as_of date not null,
    total text not null,
    layer text not null,
    value numeric not null,
    primary key (as_of, total, layer)
);
comment on table ops.reconciliation is 'The same total measured in every layer; all layers of a total must agree.';

create table if not exists ops.gate_results (
    as_of date not null,
    check_name text not null,
    passed boolean not null,
    severity text not null check (severity in ('block', 'warn')),
    message text not null,
    primary key (as_of, check_name)
);
comment on table ops.gate_results is 'Checks of a night. One failed check of severity block stops the exports.';
