-- The online shop's own database: what its application keeps, in its own words.
create schema if not exists sales;

create table if not exists sales.customers (
    customer_no bigint primary key,
    first_name text not null,
    last_name text not null,
    email text not null,
    mobile text,
    country text not null,
    acquisition_source text not null,
    registered_at timestamptz not null,
    changed_at timestamptz not null
);
create index if not exists customers_changed_at on sales.customers (changed_at);
comment on table sales.customers is 'People registered at the shop, whether or not they ever order';
comment on column sales.customers.mobile is 'Mobile number in E.164 notation';
comment on column sales.customers.acquisition_source is 'organic, search, referral or flyer';

create table if not exists sales.orders (
    order_no bigint primary key,
    customer_no bigint not null references sales.customers,
    placed_at timestamptz not null,
    status text not null check (status in ('placed', 'cancelled')),
    cancelled_at timestamptz,
    total_cents integer not null check (total_cents >= 0),
    currency text not null,
    changed_at timestamptz not null,
    check ((status = 'cancelled') = (cancelled_at is not null))
);
create index if not exists orders_changed_at on sales.orders (changed_at);
create index if not exists orders_customer_no on sales.orders (customer_no);
comment on table sales.orders is 'Orders; an order that is cancelled stays and changes its status';
comment on column sales.orders.total_cents is 'Sum of the amounts of the items; zero is possible';

create table if not exists sales.order_items (
    order_no bigint not null,
    line_no integer not null,
    product_no integer not null,
    department text,
    category text,
    quantity integer not null,
    amount_cents integer not null,
    changed_at timestamptz not null,
    primary key (order_no, line_no)
);
create index if not exists order_items_changed_at on sales.order_items (changed_at);
comment on table sales.order_items is 'Lines of the orders';
comment on column sales.order_items.department is 'Empty for products without master data';
comment on column sales.order_items.category is 'Empty for products without master data';
comment on column sales.order_items.amount_cents is 'What was charged for the whole line';

create table if not exists sales.refunds (
    refund_no bigint primary key,
    order_no bigint not null references sales.orders,
    refunded_at timestamptz not null,
    amount_cents integer not null check (amount_cents > 0),
    currency text not null,
    changed_at timestamptz not null
);
create index if not exists refunds_changed_at on sales.refunds (changed_at);
create index if not exists refunds_order_no on sales.refunds (order_no);
comment on table sales.refunds is 'Money given back for an order, in part or in full';

create table if not exists sales.consents (
    consent_no bigint primary key,
    customer_no bigint not null references sales.customers,
    channel text not null check (channel in ('email', 'sms')),
    purpose text not null,
    status text not null check (status in ('granted', 'denied')),
    changed_at timestamptz not null
);
create index if not exists consents_changed_at on sales.consents (changed_at);
create index if not exists consents_customer_no on sales.consents (customer_no);
comment on table sales.consents is
    'What customers said about being contacted; the newest row per customer, channel and purpose counts';

create table if not exists sales.sample_clock (
    until date primary key
);
comment on table sales.sample_clock is 'The business day at whose end the sample shop stands; one row';
