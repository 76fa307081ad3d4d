-- What was handed to which destination.
create table if not exists activation.export_runs (
    as_of date not null,
    destination text not null,
    audience text not null,
    channel text not null,
    rows bigint not null,
    sha256 text not null,
    path text not null,
    exported_at timestamptz not null default now(),
    primary key (as_of, destination, audience)
);
comment on table activation.export_runs is 'One row per audience file of a night.';
