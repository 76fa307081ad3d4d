-- What campaign tools told us of people, and whom we handed to them: both decide who may be written to.
create table if not exists pii.opt_outs (
    destination text not null,
    channel text not null check (channel in ('email', 'sms')),
    address text not null,
    reason text not null check (reason in ('unsubscribed', 'complaint', 'bounced', 'blocked')),
    at timestamptz not null,
    primary key (destination, channel, address, reason)
);
comment on table pii.opt_outs is
'One row per address that a destination said not to write to. Rows are added, never removed: an opt-out stands until '
'somebody with access to this table takes it back by hand.';
comment on column pii.opt_outs.destination is 'Who said it: a name in config/destinations.yml.';
comment on column pii.opt_outs.channel is 'email or sms.';
comment on column pii.opt_outs.address is 'As the destination wrote it; it is normalised where it is compared.';
comment on column pii.opt_outs.reason is
'unsubscribed and complaint: her wish. blocked: nobody may write to her. bounced: only this address does not work.';
comment on column pii.opt_outs.at is 'When it happened there.';

create table if not exists activation.contact_ledger (
    as_of date not null,
    audience text not null,
    destination text not null,
    channel text not null check (channel in ('email', 'sms')),
    customer_key text not null,
    contacted_on date not null,
    primary key (as_of, audience, destination, customer_key)
);
comment on table activation.contact_ledger is
'One row per person whom a destination acknowledged as new in an audience: cool-downs and limits count these. A night '
'reads those of earlier nights only, so that running it again decides the same.';
comment on column activation.contact_ledger.as_of is 'The night that decided it.';
comment on column activation.contact_ledger.audience is 'Name in config/audiences.yml.';
comment on column activation.contact_ledger.destination is 'Name in config/destinations.yml.';
comment on column activation.contact_ledger.channel is 'email or sms.';
comment on column activation.contact_ledger.customer_key is 'Who; the key may be retired since.';
comment on column activation.contact_ledger.contacted_on is
'The day on her own clocks: send_on of activation.audience_members.';
