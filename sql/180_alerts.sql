-- What people were told of a night, so that running a task again alarms nobody again.
create table if not exists ops.alerts (
    as_of date not null,
    alert text not null,
    event text not null,
    said_hash text not null,
    told_at timestamptz not null,
    primary key (as_of, alert, event, said_hash)
);
comment on table ops.alerts is
'One row per alert that was told something of a night. The same text is told once.';
comment on column ops.alerts.as_of is 'The night.';
comment on column ops.alerts.alert is 'Name in config/alerts.yml.';
comment on column ops.alerts.event is 'failed, blocked, late, waiting or finished.';
comment on column ops.alerts.said_hash is 'SHA-256 of the text.';
comment on column ops.alerts.told_at is 'When it was told.';
