-- One table per contract entity (plugins/perennial/warehouse/contract.py). Append-only: one row per landed version.
-- A batch is written once, in one transaction, so (batch_id, row_no) is unique without an index that checks it. Keys
-- begin with what differs from row to row: with the source in front an index took three times as long to fill.
create table if not exists raw.customers (
    source text not null,
    customer_id text not null,
    email text,
    phone text,
    country text,
    acquisition_source text,
    loyalty_number text,
    email_verified text,
    registered_at timestamptz not null,
    changed_at timestamptz,
    payload_hash uuid not null,
    batch_id text not null,
    row_no bigint not null,
    loaded_at timestamptz not null default now()
);
alter table raw.customers add column if not exists loyalty_number text;
alter table raw.customers add column if not exists email_verified text;
comment on column raw.customers.registered_at is 'When the source first knew her.';
comment on column raw.customers.payload_hash is
'Hash of what the source told: a row that repeats it is not stored again.';
comment on column raw.customers.batch_id is 'The batch that brought it, of ops.batches.';
comment on column raw.customers.row_no is 'Its place in the batch: of two versions in one batch the later one counts.';
comment on column raw.customers.loaded_at is 'When it was loaded.';
create index if not exists customers_by_key on raw.customers (customer_id, source);
drop index if exists raw.customers_by_id;

create table if not exists raw.orders (
    source text not null,
    order_id text not null,
    customer_id text not null,
    ordered_at timestamptz not null,
    status text not null,
    cancelled_at timestamptz,
    amount numeric(18, 4) not null,
    currency text not null,
    changed_at timestamptz,
    payload_hash uuid not null,
    batch_id text not null,
    row_no bigint not null,
    loaded_at timestamptz not null default now()
);
comment on column raw.orders.cancelled_at is 'When it was cancelled, if the source says so.';
comment on column raw.orders.changed_at is 'When it last changed at the source, if told.';
comment on column raw.orders.payload_hash is 'Hash of what the source told: a row that repeats it is not stored again.';
comment on column raw.orders.batch_id is 'The batch that brought it, of ops.batches.';
comment on column raw.orders.row_no is 'Its place in the batch: of two versions in one batch the later one counts.';
comment on column raw.orders.loaded_at is 'When it was loaded.';
create index if not exists orders_by_key on raw.orders (order_id, source);
drop index if exists raw.orders_by_id;
-- a night asks for the orders of its batches, and for those that were told ahead of their day
create index if not exists orders_by_batch on raw.orders using brin (batch_id);
create index if not exists orders_by_cancellation on raw.orders (cancelled_at) where cancelled_at is not null;

create table if not exists raw.order_lines (
    source text not null,
    order_id text not null,
    line_no bigint not null,
    product_id text,
    category text,
    quantity numeric(18, 4),
    amount numeric(18, 4) not null,
    changed_at timestamptz,
    payload_hash uuid not null,
    batch_id text not null,
    row_no bigint not null,
    loaded_at timestamptz not null default now()
);
comment on column raw.order_lines.changed_at is 'When it last changed at the source, if told.';
comment on column raw.order_lines.payload_hash is
'Hash of what the source told: a row that repeats it is not stored again.';
comment on column raw.order_lines.batch_id is 'The batch that brought it, of ops.batches.';
comment on column raw.order_lines.row_no is
'Its place in the batch: of two versions in one batch the later one counts.';
comment on column raw.order_lines.loaded_at is 'When it was loaded.';
create index if not exists order_lines_by_key on raw.order_lines (order_id, source, line_no);
drop index if exists raw.order_lines_by_id;
-- a night asks for the lines of its batches; they lie together, so the index is tiny
create index if not exists order_lines_by_batch on raw.order_lines using brin (batch_id);

create table if not exists raw.refunds (
    source text not null,
    refund_id text not null,
    order_id text not null,
    refunded_at timestamptz not null,
    amount numeric(18, 4) not null,
    currency text not null,
    payload_hash uuid not null,
    batch_id text not null,
    row_no bigint not null,
    loaded_at timestamptz not null default now()
);
comment on column raw.refunds.payload_hash is
'Hash of what the source told: a row that repeats it is not stored again.';
comment on column raw.refunds.batch_id is 'The batch that brought it, of ops.batches.';
comment on column raw.refunds.row_no is 'Its place in the batch: of two versions in one batch the later one counts.';
comment on column raw.refunds.loaded_at is 'When it was loaded.';
create index if not exists refunds_by_key on raw.refunds (refund_id, source);
drop index if exists raw.refunds_by_id;
create index if not exists refunds_by_order on raw.refunds (order_id, source);
create index if not exists refunds_by_batch on raw.refunds using brin (batch_id);

create table if not exists raw.consents (
    source text not null,
    customer_id text not null,
    channel text not null,
    purpose text not null,
    status text not null,
    changed_at timestamptz not null,
    payload_hash uuid not null,
    batch_id text not null,
    row_no bigint not null,
    loaded_at timestamptz not null default now()
);
comment on column raw.consents.payload_hash is
'Hash of what the source told: a row that repeats it is not stored again.';
comment on column raw.consents.batch_id is 'The batch that brought it, of ops.batches.';
comment on column raw.consents.row_no is 'Its place in the batch: of two versions in one batch the later one counts.';
comment on column raw.consents.loaded_at is 'When it was loaded.';
create index if not exists consents_by_key on raw.consents (customer_id, source, channel, purpose);
drop index if exists raw.consents_by_id;

create table if not exists raw.events (
    source text not null,
    event_id text not null,
    customer_id text not null,
    event_type text not null,
    occurred_at timestamptz not null,
    scheduled_for timestamptz,
    changed_at timestamptz,
    payload_hash uuid not null,
    batch_id text not null,
    row_no bigint not null,
    loaded_at timestamptz not null default now()
);
comment on column raw.events.scheduled_for is 'The day it announces, such as the end of a contract.';
comment on column raw.events.changed_at is 'When it last changed at the source, if told.';
comment on column raw.events.payload_hash is 'Hash of what the source told: a row that repeats it is not stored again.';
comment on column raw.events.batch_id is 'The batch that brought it, of ops.batches.';
comment on column raw.events.row_no is 'Its place in the batch: of two versions in one batch the later one counts.';
comment on column raw.events.loaded_at is 'When it was loaded.';
create index if not exists events_by_key on raw.events (event_id, source);
drop index if exists raw.events_by_id;

create table if not exists raw.exchange_rates (
    source text not null,
    base text not null,
    currency text not null,
    rated_on date not null,
    rate numeric(20, 10) not null,
    payload_hash uuid not null,
    batch_id text not null,
    row_no bigint not null,
    loaded_at timestamptz not null default now()
);
comment on column raw.exchange_rates.base is 'ISO 4217 code of the currency that the rate is for one unit of.';
comment on column raw.exchange_rates.currency is 'ISO 4217 code of the currency that the rate is in.';
comment on column raw.exchange_rates.rated_on is 'Day of the rate.';
comment on column raw.exchange_rates.rate is 'What one unit of base was worth in currency.';
comment on column raw.exchange_rates.payload_hash is
'Hash of what the source told: a row that repeats it is not stored again.';
comment on column raw.exchange_rates.batch_id is 'The batch that brought it, of ops.batches.';
comment on column raw.exchange_rates.row_no is
'Its place in the batch: of two versions in one batch the later one counts.';
comment on column raw.exchange_rates.loaded_at is 'When it was loaded.';
create index if not exists exchange_rates_by_key on raw.exchange_rates (base, source, currency, rated_on);
drop index if exists raw.exchange_rates_by_id;

create table if not exists raw.links (
    source text not null,
    customer_id text not null,
    other_source text not null,
    other_customer_id text not null,
    status text,
    changed_at timestamptz,
    payload_hash uuid not null,
    batch_id text not null,
    row_no bigint not null,
    loaded_at timestamptz not null default now()
);
comment on column raw.links.changed_at is 'When it last changed at the source, if told.';
comment on column raw.links.payload_hash is 'Hash of what the source told: a row that repeats it is not stored again.';
comment on column raw.links.batch_id is 'The batch that brought it, of ops.batches.';
comment on column raw.links.row_no is 'Its place in the batch: of two versions in one batch the later one counts.';
comment on column raw.links.loaded_at is 'When it was loaded.';
create index if not exists links_by_key on raw.links (customer_id, source, other_source, other_customer_id);
drop index if exists raw.links_by_id;
