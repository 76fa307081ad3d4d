-- What the nightly fit writes and the scoring model reads: two small tables.
create schema if not exists clv;
comment on schema clv is 'Parameters of customer lifetime value; everybody is scored from them in SQL.';

create table if not exists clv.parameters (
    as_of date primary key,
    champion text not null,
    model_used text not null,
    fit_status text not null,
    fit_level text not null check (fit_level in ('mle', 'map', 'last_good', 'recent_rate', 'none')),
    model text not null check (model in ('bg', 'mbg')),
    r double precision,
    alpha double precision,
    a double precision,
    b double precision,
    memory_days double precision not null,
    recent_share double precision not null check (recent_share between 0 and 1),
    recent_r double precision,
    recent_alpha double precision,
    recent_days integer not null,
    loglik double precision,
    converged boolean not null,
    iterations integer not null,
    customers bigint not null,
    repeaters bigint not null,
    rejected bigint not null,
    excluded bigint not null,
    notes text[] not null,
    spend_level text not null check (spend_level in ('gamma_gamma', 'shrunken_mean', 'none')),
    spend_status text not null,
    spend_p double precision,
    spend_q double precision,
    spend_v double precision,
    spend_dropped bigint not null,
    margin double precision not null check (margin > 0),
    discount_rate double precision not null check (discount_rate >= 0)
);
comment on table clv.parameters is 'One row per night: the parameters its customers are scored with, and why these.';
comment on column clv.parameters.as_of is 'The night.';
comment on column clv.parameters.champion is
'Candidate the back-test chose: bg, mbg, bg_blend or mbg_blend.';
comment on column clv.parameters.model_used is 'What became of it, e.g. mbg_mle_blend or recent_rate.';
comment on column clv.parameters.fit_status is 'ok, or why the level is not the highest.';
comment on column clv.parameters.fit_level is 'Rung of the ladder: mle, map, last_good, recent_rate, none.';
comment on column clv.parameters.model is 'bg: BG/NBD, mbg: MBG/NBD.';
comment on column clv.parameters.r is 'Shape of the order rate among customers; null where no model is used.';
comment on column clv.parameters.alpha is 'Its scale, in days.';
comment on column clv.parameters.a is 'First parameter of the Beta distribution of the chance to leave after an order.';
comment on column clv.parameters.b is 'Second parameter of it.';
comment on column clv.parameters.memory_days is
'Days of evidence on a rate that intervals trust; Infinity: all. See docs/decisions/0013.';
comment on column clv.parameters.recent_share is
'Weight of the recent rate in every prediction: 0 the model alone, 1 the recent rate alone.';
comment on column clv.parameters.recent_r is 'Shape of the recent rate among customers; null where it has no weight.';
comment on column clv.parameters.recent_alpha is 'Its scale, in days.';
comment on column clv.parameters.recent_days is 'Days that count as recent.';
comment on column clv.parameters.loglik is 'Log-likelihood of histories in days, over the customers fitted.';
comment on column clv.parameters.converged is 'Whether the maximum was found.';
comment on column clv.parameters.iterations is 'Newton steps; few from the warm start of the night before.';
comment on column clv.parameters.customers is 'Customers fitted.';
comment on column clv.parameters.repeaters is 'Of those, who ordered on more than one day.';
comment on column clv.parameters.rejected is 'Histories that cannot have happened; neither fitted nor scored.';
comment on column clv.parameters.excluded is 'Customers too unlike all others to be fitted; scored all the same.';
comment on column clv.parameters.notes is 'Remarks that do not change the level, e.g. left_truncated.';
comment on column clv.parameters.spend_level is 'gamma_gamma, shrunken_mean or none.';
comment on column clv.parameters.spend_status is 'ok, or why spend is not fitted by Gamma-Gamma.';
comment on column clv.parameters.spend_p is 'Gamma-Gamma p.';
comment on column clv.parameters.spend_q is 'Gamma-Gamma q.';
comment on column clv.parameters.spend_v is 'Gamma-Gamma v, in currency.';
comment on column clv.parameters.spend_dropped is
'Customers without a positive order value, left out of the spend fit.';
comment on column clv.parameters.margin is 'Share of revenue that is earned; 1: value is revenue.';
comment on column clv.parameters.discount_rate is 'Per year of 365 days.';

create table if not exists clv.alive_expectation (
    part text not null check (part in ('model', 'recent')),
    x integer not null,
    t integer not null,
    orders_30 double precision not null,
    orders_90 double precision not null,
    orders_365 double precision not null,
    discounted_365 double precision not null,
    pairs_365 double precision not null,
    cdf_90 double precision[] not null,
    primary key (part, x, t)
);
alter table clv.alive_expectation drop column if exists survival_90;
alter table clv.alive_expectation add column if not exists cdf_90 double precision[] not null default '{}';
comment on table clv.alive_expectation is
'One row per (x, t) that any customer has in the newest night: what to expect of somebody alive. Times P(alive), a '
'customer''s own forecast.';
comment on column clv.alive_expectation.part is
'model: x orders after the first, t days since the first; recent: the same within the recent days.';
comment on column clv.alive_expectation.x is 'Order-days after the first.';
comment on column clv.alive_expectation.t is 'Days observed.';
comment on column clv.alive_expectation.orders_30 is 'Orders expected in 30 days.';
comment on column clv.alive_expectation.orders_90 is 'Orders expected in 90 days.';
comment on column clv.alive_expectation.orders_365 is 'Orders expected in 365 days.';
comment on column clv.alive_expectation.discounted_365 is 'The same, each order discounted from its day.';
comment on column clv.alive_expectation.pairs_365 is 'E[N(N-1)] in 365 days, within the memory.';
comment on column clv.alive_expectation.cdf_90 is
'P(N <= k) in 90 days for k = 0, 1, 2, ... up to 0.999, within the memory.';

-- Everybody has one of these pairs: where the planner knows how few people share one, it joins by them as they are.
create statistics if not exists clv.alive_pairs (ndistinct) on x, t from clv.alive_expectation;

create or replace function clv.orders_quantile(
    least_chance double precision,
    model_weight double precision,
    model_cdf double precision[],
    recent_weight double precision,
    recent_cdf double precision[],
    lower_bound integer,
    upper_bound integer
) returns integer language sql immutable parallel safe as $$
    select lower_bound + cast(count(*) as integer)
    from generate_series(lower_bound + 1, upper_bound) as k
    where model_weight * coalesce(1 - model_cdf[k], 0) + recent_weight * coalesce(1 - recent_cdf[k], 0) > least_chance
$$;
comment on function clv.orders_quantile is
'The largest k with P(N >= k) above the least chance, N a mixture of two parts with these weights and distributions; '
'between the two bounds, which are the same of one part alone.';
