-- What the weekly comparison of all ids found, per night, source and entity.
create table if not exists ops.sweeps (
    as_of date not null,
    source text not null,
    entity text not null,
    source_rows bigint not null,
    known_rows bigint not null,
    source_earliest timestamptz,
    known_earliest timestamptz,
    gone_rows bigint not null,
    unseen_rows bigint not null,
    primary key (as_of, source, entity)
);
comment on table ops.sweeps is
'One row per entity of a source and night of its sweep: ids there and here, those that are gone there, and those that '
'never came here, neither loaded nor rejected.';
comment on column ops.sweeps.as_of is 'The night.';
comment on column ops.sweeps.source is 'Name in config/sources.yml.';
comment on column ops.sweeps.entity is 'What was compared: customers, orders, refunds and so on.';
comment on column ops.sweeps.source_rows is 'Ids at the source.';
comment on column ops.sweeps.known_rows is 'Ids here.';
comment on column ops.sweeps.source_earliest is 'The earliest of the rows there; null where rows have no time.';
comment on column ops.sweeps.known_earliest is 'The earliest of the rows here.';
comment on column ops.sweeps.gone_rows is 'Ids that are here and no longer there.';
comment on column ops.sweeps.unseen_rows is 'Ids that are there and never came, neither loaded nor rejected.';

create table if not exists ops.swept_rows (
    as_of date not null,
    source text not null,
    entity text not null,
    finding text not null check (finding in ('gone', 'unseen')),
    key text[] not null,
    primary key (as_of, source, entity, finding, key)
);
comment on table ops.swept_rows is
'One row per id that a sweep found gone or unseen, at most ten thousand of each; what looks like an address is masked.';
comment on column ops.swept_rows.as_of is 'The night.';
comment on column ops.swept_rows.source is 'Name in config/sources.yml.';
comment on column ops.swept_rows.entity is 'What it is: customers, orders, refunds and so on.';
comment on column ops.swept_rows.finding is 'gone: here and no longer there; unseen: there and never here.';
comment on column ops.swept_rows.key is 'The id, in the order of the key of the contract.';
