-- What destinations are told: a plan per night, audience and destination, its rows, and what was acknowledged.
do $$
begin
    if exists (
        select from information_schema.columns
        where table_schema = 'activation' and table_name = 'export_runs' and column_name = 'path'
    ) then
        drop table activation.export_runs; -- of before there were plans; the files it names have a manifest each
    end if;
end $$;

create table if not exists activation.export_runs (
    plan text primary key,
    as_of date not null,
    audience text not null,
    destination text not null,
    channel text not null,
    valid_until date not null,
    status text not null,
    members_before bigint not null,
    members bigint not null,
    adds bigint not null,
    updates bigint not null,
    removes bigint not null,
    bought_since bigint not null,
    tripped text[] not null,
    data_hash text not null,
    approved_hash text,
    approved_by text,
    approved_at timestamptz,
    error text,
    receipt jsonb not null default '{}',
    planned_at timestamptz not null,
    finished_at timestamptz,
    unique (as_of, audience, destination)
);
alter table activation.export_runs add column if not exists rejected_by text;
alter table activation.export_runs add column if not exists rejected_at timestamptz;
alter table activation.export_runs drop constraint if exists export_runs_status_check;
alter table activation.export_runs add constraint export_runs_status_check
check (status in ('waiting', 'rejected', 'ready', 'sending', 'done', 'failed', 'unevaluable'));
comment on table activation.export_runs is
'One row per night, audience and destination: what a plan would change there, whether it may, and what became of it.';
comment on column activation.export_runs.as_of is 'The night.';
comment on column activation.export_runs.audience is 'Name in config/audiences.yml.';
comment on column activation.export_runs.destination is 'Name in config/destinations.yml.';
comment on column activation.export_runs.channel is 'email or sms.';
comment on column activation.export_runs.approved_by is 'Who approved it.';
comment on column activation.export_runs.approved_at is 'When it was approved.';
comment on column activation.export_runs.error is 'Why it failed, or why nobody knows who belongs to it; no address.';
comment on column activation.export_runs.planned_at is 'When the plan was made.';
comment on column activation.export_runs.finished_at is 'When its last row was accounted for.';
comment on column activation.export_runs.rejected_at is 'When it was rejected.';
comment on column activation.export_runs.plan is
'Night, audience and destination in one name; `perennial approve` takes it.';
comment on column activation.export_runs.valid_until is 'Day after which nobody should act on the members any more.';
comment on column activation.export_runs.status is
'waiting for approval, rejected (by a person, as it is), ready, sending (begun; resumed when run again), done, failed '
'(some rows; sent again), or '
'unevaluable (who belongs to the audience is not known: nothing is sent, its members stay).';
comment on column activation.export_runs.members_before is 'Members the destination had acknowledged before.';
comment on column activation.export_runs.members is 'Members it is to have.';
comment on column activation.export_runs.adds is 'Of these, those it does not have yet.';
comment on column activation.export_runs.updates is 'Of these, those of whom it has something else.';
comment on column activation.export_runs.removes is 'Members that we added and that do not belong to it any more.';
comment on column activation.export_runs.bought_since is 'People left out because they ordered after the night.';
comment on column activation.export_runs.tripped is
'Guards that ask for approval: first, empty, removals, size; or unevaluable.';
comment on column activation.export_runs.data_hash is
'Fingerprint of the members and of what is said of each.';
comment on column activation.export_runs.approved_hash is
'The data_hash that somebody approved; another one is not approved.';
comment on column activation.export_runs.rejected_by is
'Who decided that nothing of this data leaves; other data of the same night waits anew.';
comment on column activation.export_runs.receipt is 'What proves the delivery, e.g. file and sha256.';

create table if not exists activation.export_rows (
    plan text not null,
    customer_key text not null,
    op text not null check (op in ('add', 'update', 'remove')),
    status text not null check (status in ('planned', 'handed_over', 'done', 'rejected', 'failed')),
    attempts integer not null default 0,
    error text,
    primary key (plan, customer_key, op)
);
-- a row changes its status once or twice: room beside it, and the index stays as it is
alter table activation.export_rows set (fillfactor = 50);
alter table activation.export_rows drop constraint if exists export_rows_plan_fkey; -- checked for every single row
comment on table activation.export_rows is 'One row per change of a plan and what became of it. No address.';
comment on column activation.export_rows.plan is 'The plan, of activation.export_runs.';
comment on column activation.export_rows.customer_key is 'Who; the key may be retired since.';
comment on column activation.export_rows.op is 'add, update or remove.';
comment on column activation.export_rows.attempts is 'How often it was tried.';
comment on column activation.export_rows.error is 'What the destination said of it; no address.';
comment on column activation.export_rows.status is
'planned; handed_over (to a destination that must not get it twice; what became of it is not known); done; rejected '
'(never works as it is: a dead letter); failed (sent again with the next run).';

-- What destinations have from us. Removals need the address that was sent, also of who is not known any more.
create table if not exists pii.destination_members (
    destination text not null,
    audience text not null,
    customer_key text not null,
    address text not null,
    fingerprint text not null,
    remote_id text,
    since date not null,
    primary key (destination, audience, customer_key)
);
comment on table pii.destination_members is 'One row per destination, audience and member that it acknowledged.';
comment on column pii.destination_members.destination is 'Name in config/destinations.yml.';
comment on column pii.destination_members.audience is 'Name in config/audiences.yml.';
comment on column pii.destination_members.customer_key is 'Who; the key may be retired since.';
comment on column pii.destination_members.address is 'E-mail address or phone number that was sent.';
comment on column pii.destination_members.fingerprint is
'Hash of the address and of what was said of her; another one is an update.';
comment on column pii.destination_members.remote_id is 'What the tool calls her, once it told us.';
comment on column pii.destination_members.since is 'The night that first sent her.';

create index if not exists orders_by_time on raw.orders using brin (ordered_at);

-- Whom the query of an audience names. What goes wrong in it is its own problem: a row with the error instead of keys.
-- Stable, so that it can only read. Errors that are the machine's, such as a full disk, end the night as ever.
create or replace function activation.asked(query text)
returns table (customer_key text, error text)
language plpgsql stable
as $$
declare
    keys text[];
begin
    execute format('select array_agg(asked.customer_key::text) from (%s) as asked', query) into keys;
    return query select named.key, null::text from unnest(keys) as named (key);
exception
    when others then
        if left(sqlstate, 2) in ('08', '40', '53', '57', '58', 'XX') then
            raise;
        end if;
        -- faults of data may quote them
        return query select null::text, case left(sqlstate, 2)
            when '42' then sqlerrm
            else regexp_replace(regexp_replace(sqlerrm, ':.*', ''), '"[^"]*"', '"..."', 'g')
        end;
end
$$;
comment on function activation.asked is
'One row per row of a query, with its customer_key; if it fails, one row with the reason.';

-- a function, since a subquery in its place would keep the planner from parallel workers
create or replace function activation.first_from(days date[], since date)
returns date language sql immutable parallel safe as $$
    select min(day) from unnest(days) as day where day >= since
$$;
comment on function activation.first_from is 'The first of these days that is not before another one, if any.';
