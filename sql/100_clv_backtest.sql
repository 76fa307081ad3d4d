-- How good the forecasts of customer value would have been on earlier days. Written by the nightly fit.
create table if not exists marts.clv_backtest (
    as_of date not null,
    origin date not null,
    candidate text not null,
    is_chosen boolean not null,
    horizon_days integer not null,
    fit_level text not null,
    fit_status text not null,
    r double precision,
    alpha double precision,
    a double precision,
    b double precision,
    recent_share double precision not null,
    memory_days double precision not null,
    loglik double precision,
    converged boolean not null,
    customers bigint not null,
    actual_orders double precision not null,
    predicted_orders double precision not null,
    bias double precision,
    mae double precision not null,
    mae_latest double precision not null,
    mae_mean double precision not null,
    skill double precision not null,
    actual_spend double precision not null,
    predicted_spend double precision,
    spend_bias double precision,
    gini double precision,
    auc double precision,
    brier double precision not null,
    brier_constant double precision not null,
    coverage double precision not null,
    spend_coverage double precision,
    primary key (as_of, origin, candidate)
);
comment on table marts.clv_backtest is
'One row per night, origin and candidate: what was forecast with what was known on the origin, and what followed '
'within the horizon. At most 50,000 customers are asked, chosen by a hash of their key.';
comment on column marts.clv_backtest.as_of is 'The night.';
comment on column marts.clv_backtest.origin is 'Day at whose end the forecast was made.';
comment on column marts.clv_backtest.candidate is 'bg, mbg, bg_blend or mbg_blend.';
comment on column marts.clv_backtest.is_chosen is
'Whether it did best on the origins before this one, and so stands for what would have been published.';
comment on column marts.clv_backtest.horizon_days is 'Days forecast.';
comment on column marts.clv_backtest.fit_level is 'Rung of the ladder the fit ended on.';
comment on column marts.clv_backtest.fit_status is 'ok, or why it is not the highest.';
comment on column marts.clv_backtest.r is 'Shape of the order rate among customers.';
comment on column marts.clv_backtest.alpha is 'Its scale, in days.';
comment on column marts.clv_backtest.a is 'First parameter of the chance to leave.';
comment on column marts.clv_backtest.b is 'Second parameter of it.';
comment on column marts.clv_backtest.recent_share is 'Weight of the recent rate, measured on the origin before.';
comment on column marts.clv_backtest.memory_days is 'Days of evidence that intervals trust, measured likewise.';
comment on column marts.clv_backtest.loglik is 'Log-likelihood of the fit.';
comment on column marts.clv_backtest.converged is 'Whether its maximum was found.';
comment on column marts.clv_backtest.customers is 'Customers asked about.';
comment on column marts.clv_backtest.actual_orders is 'Order-days that followed.';
comment on column marts.clv_backtest.predicted_orders is 'Order-days forecast.';
comment on column marts.clv_backtest.bias is 'predicted_orders / actual_orders - 1; null if none followed.';
comment on column marts.clv_backtest.mae is 'Mean absolute error per customer, in order-days.';
comment on column marts.clv_backtest.mae_latest is 'The same of guessing that the last horizon comes again.';
comment on column marts.clv_backtest.mae_mean is 'The same of guessing the mean of the last horizon for everybody.';
comment on column marts.clv_backtest.skill is
'1 - mae / the smaller of these two; below 0 a simple guess is better; -1 also '
'where one was right about everybody.';
comment on column marts.clv_backtest.actual_spend is 'Net revenue that followed.';
comment on column marts.clv_backtest.predicted_spend is 'Net revenue forecast.';
comment on column marts.clv_backtest.spend_bias is 'predicted_spend / actual_spend - 1.';
comment on column marts.clv_backtest.gini is
'How well forecast value ranks actual spend: 1 as well as spend itself, 0 as well as chance.';
comment on column marts.clv_backtest.auc is
'Chance that somebody who ordered had the higher forecast probability to order than somebody who did not.';
comment on column marts.clv_backtest.brier is 'Mean squared error of the probability to order.';
comment on column marts.clv_backtest.brier_constant is 'The same of the true share for everybody.';
comment on column marts.clv_backtest.coverage is 'Share of customers within the p10-p90 interval of their orders.';
comment on column marts.clv_backtest.spend_coverage is 'Share within the p10-p90 interval of their spend.';

create table if not exists marts.clv_backtest_decile (
    as_of date not null,
    origin date not null,
    candidate text not null,
    decile integer not null check (decile between 1 and 10),
    customers bigint not null,
    predicted_orders double precision not null,
    actual_orders double precision not null,
    predicted_spend double precision not null,
    actual_spend double precision not null,
    primary key (as_of, origin, candidate, decile)
);
comment on table marts.clv_backtest_decile is
'One row per night and tenth of the customers by forecast value, at the newest origin, for the candidate that stood '
'for it.';
comment on column marts.clv_backtest_decile.as_of is 'The night.';
comment on column marts.clv_backtest_decile.origin is 'Day at whose end the forecast was made.';
comment on column marts.clv_backtest_decile.candidate is 'The candidate.';
comment on column marts.clv_backtest_decile.decile is '1: the highest forecast value.';
comment on column marts.clv_backtest_decile.customers is 'Customers in it; equal values share the better one.';
comment on column marts.clv_backtest_decile.predicted_orders is 'Order-days forecast.';
comment on column marts.clv_backtest_decile.actual_orders is 'Order-days that followed.';
comment on column marts.clv_backtest_decile.predicted_spend is 'Net revenue forecast.';
comment on column marts.clv_backtest_decile.actual_spend is 'Net revenue that followed.';
