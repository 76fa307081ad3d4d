-- On which night we heard of an opt-out: what came while two records were one person's stays with both.
alter table pii.opt_outs add column if not exists arrived_on date;
comment on column pii.opt_outs.arrived_on is
'The night that first heard of it; empty for those heard of before this column was there, which count from `at` on.';
