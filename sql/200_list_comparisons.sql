-- What tools have in their lists, held against what they acknowledged.
create table if not exists ops.list_comparisons (
    as_of date not null,
    audience text not null,
    destination text not null,
    compared_at timestamptz not null,
    count_ours bigint,
    count_theirs bigint,
    count_unknown bigint,
    count_missing bigint,
    error text,
    primary key (as_of, audience, destination)
);
comment on table ops.list_comparisons is
'One row per night on which an audience''s list at a destination was read back. It names nobody.';
comment on column ops.list_comparisons.as_of is 'The night.';
comment on column ops.list_comparisons.audience is 'The audience.';
comment on column ops.list_comparisons.destination is 'Name in config/destinations.yml.';
comment on column ops.list_comparisons.compared_at is 'When it was read.';
comment on column ops.list_comparisons.count_ours is 'Addresses that the tool acknowledged.';
comment on column ops.list_comparisons.count_theirs is
'Addresses in the tool''s list; null where it was not read: an error, or more members than `compare_up_to`.';
comment on column ops.list_comparisons.count_unknown is 'Addresses in the list that we never put there.';
comment on column ops.list_comparisons.count_missing is 'Addresses acknowledged and not in the list.';
comment on column ops.list_comparisons.error is 'Why it could not be read; names nobody.';
