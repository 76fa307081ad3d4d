-- Who was erased: nothing that says who it was, and enough to know her again when a source delivers her once more.
create table if not exists ops.erasures (
    erasure text primary key,
    asked_at timestamptz not null,
    asked_by text not null,
    finished_at timestamptz,
    count_records bigint not null,
    count_addresses bigint not null,
    count_rows bigint,
    count_landed_rows bigint,
    count_tables_scanned bigint,
    count_files_scanned bigint,
    count_hits bigint,
    by_hand text[] not null default '{}'
);
comment on table ops.erasures is
'One row per erased customer: when it was asked for, what was changed, and what a scan for her found afterwards. It '
'names nobody.';
comment on column ops.erasures.erasure is 'Random name of the erasure.';
comment on column ops.erasures.asked_at is 'When somebody asked for it.';
comment on column ops.erasures.asked_by is 'Who asked for it, a user of the machine.';
comment on column ops.erasures.finished_at is
'When nothing of her was found any more; null: run `perennial erase` again.';
comment on column ops.erasures.count_records is 'Customer records of hers, in all sources.';
comment on column ops.erasures.count_addresses is 'E-mail addresses and phone numbers that were hers alone.';
comment on column ops.erasures.count_rows is 'Rows of the warehouse that were changed or deleted.';
comment on column ops.erasures.count_landed_rows is 'Rows of the landing zone that were made tombstones.';
comment on column ops.erasures.count_tables_scanned is
'Tables looked through afterwards, each in all its columns of text.';
comment on column ops.erasures.count_files_scanned is 'Files looked through afterwards.';
comment on column ops.erasures.count_hits is 'Places where she was still found; 0 ends the erasure.';
comment on column ops.erasures.by_hand is 'What a person has to do elsewhere; no address.';

create table if not exists pii.erasure_salt (
    salt text not null,
    only_one boolean primary key default true check (only_one)
);
comment on table pii.erasure_salt is
'One row: what is hashed with every id and address of an erased customer. Whoever has it can test a guess.';
comment on column pii.erasure_salt.salt is 'Random, and never changed: another one would forget everybody erased.';
comment on column pii.erasure_salt.only_one is 'Always true.';

create table if not exists pii.erased_records (
    erasure text not null references ops.erasures,
    source text not null,
    id_hash text not null,
    key_hash text not null,
    token text not null,
    pseudonym text not null,
    primary key (source, id_hash)
);
comment on table pii.erased_records is
'One row per customer record of somebody erased. What its source delivers of it again lands under the pseudonym.';
comment on column pii.erased_records.erasure is 'The erasure; records of one belong to one person still.';
comment on column pii.erased_records.source is 'Name in config/sources.yml.';
comment on column pii.erased_records.id_hash is 'Salted hash of the id that the source has for her.';
comment on column pii.erased_records.key_hash is 'Salted hash of the customer_key that was made of it.';
comment on column pii.erased_records.token is 'Random text that stands in the landing zone where her id stood.';
comment on column pii.erased_records.pseudonym is
'What the contract makes of the token: her id in the warehouse now.';

create table if not exists pii.erased_addresses (
    erasure text not null references ops.erasures,
    channel text not null check (channel in ('email', 'sms')),
    address_hash text not null,
    primary key (channel, address_hash)
);
comment on table pii.erased_addresses is
'One row per address that nobody is to be written to any more, whoever gives it: its owner was erased.';
comment on column pii.erased_addresses.erasure is 'The erasure.';
comment on column pii.erased_addresses.channel is 'email or sms.';
comment on column pii.erased_addresses.address_hash is
'Salted hash of the address, in lower case or with + and digits.';

create table if not exists pii.erasing (
    erasure text primary key references ops.erasures,
    who jsonb not null,
    files jsonb not null default '{}'
);
comment on table pii.erasing is
'One row per erasure that is not finished: what has to be looked for. It is gone when the erasure ends.';
comment on column pii.erasing.erasure is 'The erasure.';
comment on column pii.erasing.who is 'Her ids, keys and addresses, and what replaces each.';
comment on column pii.erasing.files is 'Audience files that are being written anew: path, and the sha256 it will have.';

-- one way to hash, here and in the models
create or replace function pii.salted_hash(salt text, kind text, said text)
returns text language sql stable as $$
    select encode(sha256(convert_to(salt || E'\x1f' || kind || E'\x1f' || said, 'UTF8')), 'hex')
$$;
comment on function pii.salted_hash is
'As pii.erasure_hash, with a salt that was read before: for many rows at once.';
create or replace function pii.erasure_hash(kind text, said text)
returns text language sql stable as $$
    select pii.salted_hash(salt, kind, said) from pii.erasure_salt
$$;
comment on function pii.erasure_hash is
'The salted hash of an id, key or address of that kind; null as long as nobody was erased.';
