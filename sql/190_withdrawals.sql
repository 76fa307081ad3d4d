-- Who said no is taken out of a tool's list whatever became of the plan; and who is still in one although not to be.
create table if not exists activation.withdrawals (
    plan text primary key,
    as_of date not null,
    audience text not null,
    destination text not null,
    channel text not null check (channel in ('email', 'sms')),
    removes bigint not null,
    status text not null check (status in ('ready', 'sending', 'done', 'failed')),
    error text,
    receipt jsonb not null default '{}',
    planned_at timestamptz not null,
    finished_at timestamptz
);
comment on table activation.withdrawals is
'One row per night, audience and destination where members who said no were taken out although nothing else was sent: '
'the plan waited or was rejected, its audience was stopped or is not configured any more, or the gate was closed. Who '
'they are is in activation.export_rows.';
comment on column activation.withdrawals.plan is 'As in activation.export_rows: the plan''s name and `.withdrawn`.';
comment on column activation.withdrawals.as_of is 'The night.';
comment on column activation.withdrawals.audience is 'The audience, which config/audiences.yml may no longer have.';
comment on column activation.withdrawals.destination is 'Name in config/destinations.yml.';
comment on column activation.withdrawals.channel is 'email or sms.';
comment on column activation.withdrawals.removes is 'People taken out, or to be.';
comment on column activation.withdrawals.status is
'ready, sending (begun; resumed when run again), done, or failed (tried again with the next run and the next night).';
comment on column activation.withdrawals.error is 'Why it failed; names nobody.';
comment on column activation.withdrawals.receipt is 'What proves the delivery, e.g. file and sha256.';
comment on column activation.withdrawals.planned_at is 'When it was last begun.';
comment on column activation.withdrawals.finished_at is 'When it ended.';

alter table activation.contact_ledger add column if not exists is_still_there boolean not null default false;
comment on column activation.contact_ledger.is_still_there is
'True for somebody who was to be taken out that night and is still in the list: the tool may write to her.';

alter table pii.destination_members add column if not exists is_sure boolean not null default true;
comment on column pii.destination_members.is_sure is
'False for somebody who was being told of when it broke off: she may be in the list. She is added anew, or taken out.';
