-- Tables of earlier versions. int_episodes without events is built anew by the next night, with the types of today.
drop table if exists intermediate.int_cycles cascade;
drop table if exists intermediate.int_trends cascade;
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
