-- Tables of earlier versions. int_episodes without events is built anew by the next night, with the types of today.
drop table if exists intermediate.int_cycles cascade;
drop table if exists intermediate.int_trends cascade;
drop view if exists intermediate.int_quadrant_points cascade;
drop table if exists intermediate.int_quadrant_starts cascade;
alter table if exists intermediate.int_customer_days drop column if exists is_last_order;
do $$
begin
    if to_regclass('intermediate.int_episodes') is not null and not exists (
        select from pg_attribute
        where attrelid = to_regclass('intermediate.int_episodes') and attname = 'events'
    ) then
        drop table intermediate.int_episodes cascade;
    end if;
end;
$$;
