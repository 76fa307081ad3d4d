-- Tables of earlier versions. int_episodes without events is built anew by the next night, with the types of today.
drop table if exists intermediate.int_cycles cascade;
drop table if exists intermediate.int_trends cascade;
drop view if exists intermediate.int_quadrant_points cascade;
drop table if exists intermediate.int_quadrant_starts cascade;
drop table if exists intermediate.int_line_batches cascade;
do $$
begin
    if to_regclass('intermediate.int_episodes') is not null and not exists (
        select from pg_attribute
        where attrelid = to_regclass('intermediate.int_episodes') and attname = 'events'
    ) then
        drop table intermediate.int_episodes cascade;
    end if;
    -- without the beginnings of quarters, or without the number of days: all three are built anew
    if to_regclass('intermediate.int_order_totals') is not null and not exists (
        select from pg_attribute
        where attrelid = to_regclass('intermediate.int_order_totals') and attname = 'quarter'
    ) then
        drop table if exists
            intermediate.int_order_totals, intermediate.int_customer_days, intermediate.int_cohort_months cascade;
    end if;
end;
$$;
