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
comment on column ops.nights.as_of is 'The business day.';
comment on column ops.nights.opened_at is 'When it was first run.';
comment on column ops.nights.build_started_at is 'When dbt last began to build it; null: not yet.';
comment on column ops.nights.built_at is 'When all of it was built; null while a build is unfinished.';
comment on column ops.nights.exported_at is 'When its exports ended; null: they did not, or were never to begin.';

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
comment on column ops.runs.as_of is 'The night.';
comment on column ops.runs.task is 'Task of the DAG, such as extract, load or transform.';
comment on column ops.runs.started_at is 'When the attempt began.';
comment on column ops.runs.finished_at is 'When it ended; null of one that runs or was killed.';
comment on column ops.runs.status is 'running (also of one that was killed), success or failed.';
comment on column ops.runs.rows is 'Rows it handled, where that can be counted.';
comment on column ops.runs.details is
'What it told of itself, such as totals; of a failed one the error, which names nobody.';

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
comment on column ops.batches.batch_id is 'Name of the batch, also of its folder in the landing zone.';
comment on column ops.batches.source is 'Name in config/sources.yml.';
comment on column ops.batches.entity is 'What it holds: customers, orders, refunds and so on.';
comment on column ops.batches.as_of is 'The night that landed it.';
comment on column ops.batches.extracted_at is 'When the source was read.';
comment on column ops.batches.rows_landed is 'Rows in the landing zone.';
comment on column ops.batches.rows_loaded is 'Of these, rows that keep the contract.';
comment on column ops.batches.rows_new is 'Of the loaded, rows that were not known as they are.';
comment on column ops.batches.rows_quarantined is 'The others; they are in quarantine.rejected_rows.';
comment on column ops.batches.bytes is 'Size of its files.';
comment on column ops.batches.manifest_sha256 is 'Fingerprint of its manifest, and so of its files.';
comment on column ops.batches.loaded_at is 'When it was loaded.';

create table if not exists ops.cursors (
    source text not null,
    entity text not null,
    position jsonb not null,
    batch_id text not null references ops.batches,
    primary key (source, entity)
);
comment on table ops.cursors is 'How far each entity has been read; committed with the rows it covers, never lagged.';
comment on column ops.cursors.source is 'Name in config/sources.yml.';
comment on column ops.cursors.entity is 'What was read: customers, orders, refunds and so on.';
comment on column ops.cursors.position is
'Where the next night goes on; what it holds is the matter of the kind of source.';
comment on column ops.cursors.batch_id is 'The batch that it stands behind.';

create table if not exists ops.reconciliation (
    as_of date not null,
    total text not null,
    layer text not null,
    value numeric not null,
    primary key (as_of, total, layer)
);
comment on table ops.reconciliation is 'The same total measured in every layer; all layers of a total must agree.';
comment on column ops.reconciliation.as_of is 'The night.';
comment on column ops.reconciliation.total is 'What was added up, such as rows or net revenue.';
comment on column ops.reconciliation.layer is 'Where it was measured.';
comment on column ops.reconciliation.value is 'What it came to there.';

create table if not exists ops.gate_results (
    as_of date not null,
    check_name text not null,
    passed boolean not null,
    severity text not null check (severity in ('block', 'warn')),
    message text not null,
    primary key (as_of, check_name)
);
comment on table ops.gate_results is 'Checks of a night. One failed check of severity block stops the exports.';
comment on column ops.gate_results.as_of is 'The night.';
comment on column ops.gate_results.check_name is 'Name of the check.';
comment on column ops.gate_results.passed is 'Whether all is as it should be.';
comment on column ops.gate_results.severity is 'block: nothing is exported if it failed; warn: people are told.';
comment on column ops.gate_results.message is 'What was found, and what to do about it.';
