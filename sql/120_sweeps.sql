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
