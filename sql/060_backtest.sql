-- What lifecycle rules would have flagged on past days, and what became of it. Written by `perennial backtest`.
create table if not exists marts.lifecycle_backtest (
    as_of date not null,
    horizon_days integer not null,
    lifecycle_model text not null,
    origin date not null,
    rule_kind text not null check (rule_kind in ('stage', 'cycles', 'days')),
    rule text not null,
    model_version integer not null,
    used_for text not null check (used_for in ('choosing', 'judging', 'showing')),
    is_suggested boolean not null,
    cycles double precision,
    floor_days integer,
    customers bigint not null,
    silent bigint not null,
    base_rate double precision not null,
    flagged bigint not null,
    hits bigint not null,
    precision_share double precision,
    precision_low double precision,
    precision_high double precision,
    recall double precision,
    f1 double precision,
    lift double precision,
    lead_days double precision,
    revenue_at_risk numeric(18, 2) not null,
    revenue_lost numeric(18, 2) not null,
    stage_customers bigint,
    stage_silent bigint,
    primary key (as_of, horizon_days, lifecycle_model, origin, rule_kind, rule)
);
comment on table marts.lifecycle_backtest is
'One row per night, horizon, lifecycle model, origin and rule: whom the rule would have flagged at the end of the '
'origin, and who of them then stayed silent for the horizon. Asked of everybody with an order in the 365 days up to '
'the origin. `perennial backtest` replaces the rows of its night, horizon and model.';
comment on column marts.lifecycle_backtest.as_of is 'Newest night then; outcomes are known up to it.';
comment on column marts.lifecycle_backtest.horizon_days is
'Days after the origin without an order-day to count as silent.';
comment on column marts.lifecycle_backtest.lifecycle_model is 'Identifier of the lifecycle model.';
comment on column marts.lifecycle_backtest.origin is
'Day at whose end customers were flagged, with what was known then.';
comment on column marts.lifecycle_backtest.rule_kind is
'stage: in this stage of the model or a worse one; cycles: silent for more than max(cycles x personal cycle, '
'floor_days); days: silent for more than floor_days, the same for everybody.';
comment on column marts.lifecycle_backtest.rule is
'The stage, or the threshold as --thresholds takes it: 4x75 or 60.';
comment on column marts.lifecycle_backtest.model_version is 'Version of the lifecycle model in config/.';
comment on column marts.lifecycle_backtest.used_for is
'choosing: the suggested rule was chosen on it; judging: it was judged here; showing: neither, the horizon reaches '
'beyond the judged origin.';
comment on column marts.lifecycle_backtest.is_suggested is
'Whether this rule has the highest F1 of all rules of the model over the origins used for choosing.';
comment on column marts.lifecycle_backtest.cycles is
'Multiple of the personal cycle; 0 for fixed days, null for a stage.';
comment on column marts.lifecycle_backtest.floor_days is 'Fewest days of silence; null for a stage.';
comment on column marts.lifecycle_backtest.customers is 'Customers asked about at this origin.';
comment on column marts.lifecycle_backtest.silent is 'Those without an order-day within the horizon.';
comment on column marts.lifecycle_backtest.base_rate is 'silent / customers: the precision of flagging at random.';
comment on column marts.lifecycle_backtest.flagged is 'Customers the rule flagged.';
comment on column marts.lifecycle_backtest.hits is 'Flagged customers who stayed silent.';
comment on column marts.lifecycle_backtest.precision_share is 'hits / flagged; null if nobody was flagged.';
comment on column marts.lifecycle_backtest.precision_low is 'Lower end of the 95 % Wilson interval of the precision.';
comment on column marts.lifecycle_backtest.precision_high is 'Upper end of it.';
comment on column marts.lifecycle_backtest.recall is 'hits / silent; null if nobody stayed silent.';
comment on column marts.lifecycle_backtest.f1 is 'Harmonic mean of precision and recall.';
comment on column marts.lifecycle_backtest.lift is 'Precision over base rate.';
comment on column marts.lifecycle_backtest.lead_days is
'Median over the hits, with what was known at the origin: days from the first day on which the rule flagged her in the '
'silence she was in, to the day on which a plain rule of more than 180 silent days would have. Negative if the rule '
'was later.';
comment on column marts.lifecycle_backtest.revenue_at_risk is
'Net revenue of the flagged in the 365 days up to the origin, as known then.';
comment on column marts.lifecycle_backtest.revenue_lost is 'The part of it that is of the hits.';
comment on column marts.lifecycle_backtest.stage_customers is 'Customers in this very stage; null for other rules.';
comment on column marts.lifecycle_backtest.stage_silent is 'Those of them who stayed silent.';

create table if not exists marts.lifecycle_backtest_models (
    as_of date not null,
    horizon_days integer not null,
    lifecycle_model text not null,
    model_version integer not null,
    origins date[] not null,
    customers bigint not null,
    base_rate double precision not null,
    average_precision double precision,
    average_precision_recency double precision,
    average_precision_cycles double precision,
    primary key (as_of, horizon_days, lifecycle_model)
);
comment on table marts.lifecycle_backtest_models is
'One row per night, horizon and lifecycle model: how well its stages rank customers by the risk to stay silent, over '
'all origins. Written with marts.lifecycle_backtest.';
comment on column marts.lifecycle_backtest_models.as_of is 'Newest night when it was computed.';
comment on column marts.lifecycle_backtest_models.horizon_days is 'Days without an order-day to count as silent.';
comment on column marts.lifecycle_backtest_models.lifecycle_model is 'Identifier of the lifecycle model.';
comment on column marts.lifecycle_backtest_models.model_version is 'Version of the lifecycle model in config/.';
comment on column marts.lifecycle_backtest_models.origins is 'The origins, pooled.';
comment on column marts.lifecycle_backtest_models.customers is 'Customers asked about, once per origin.';
comment on column marts.lifecycle_backtest_models.base_rate is
'Share of them that stayed silent: the average precision of no order at all.';
comment on column marts.lifecycle_backtest_models.average_precision is
'Average precision of the order by stage, worst first; customers of one stage are one step.';
comment on column marts.lifecycle_backtest_models.average_precision_recency is
'The same for the order by days of silence alone.';
comment on column marts.lifecycle_backtest_models.average_precision_cycles is
'The same for the order by silence in personal cycles, in steps of a hundredth.';
