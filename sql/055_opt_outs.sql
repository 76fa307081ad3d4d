-- Who opted out in a campaign tool, as the tools tell it. Only ever added to; nothing here takes a denial back.
create table if not exists pii.opt_outs (
    destination text not null,
    address text not null,
    channel text not null check (channel in ('email', 'sms')),
    reason text not null check (reason in ('unsubscribed', 'complaint', 'bounced', 'blocked')),
    at timestamptz not null,
    primary key (destination, address, channel, reason)
);
comment on table pii.opt_outs is 'One row per destination, address, channel and reason: the first time we heard of it.';
