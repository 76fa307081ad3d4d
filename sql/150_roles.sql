-- Who may read what. perennial_bi reads marts; perennial_marketer reads marts and activation. Nobody but the owner
-- reads raw, quarantine and pii, where contact details are. People and tools are given these roles, as in
-- grant perennial_bi to ann.
-- dbt builds a table anew under another name and renames it, so what a table was granted would go with the old one:
-- default privileges give it to the new one when it is made. Where roles cannot be created, somebody who may creates
-- them, and the next night grants.
do $$
declare
    reads record;
    named text;
    made record;
begin
    foreach named in array array['perennial_bi', 'perennial_marketer'] loop
        if not exists (select from pg_roles where rolname = named) then
            begin
                execute format('create role %I nologin', named);
            exception
                when insufficient_privilege then
                    raise notice 'role % is not there and cannot be created by %', named, current_user;
                when duplicate_object or unique_violation then
                    null; -- another database of this server has just made it
            end;
        end if;
    end loop;

    for reads in
        select who, place from (values
            ('perennial_bi', 'marts'), ('perennial_marketer', 'marts'), ('perennial_marketer', 'activation')
        ) as granted (who, place)
        where exists (select from pg_roles where rolname = who)
    loop
        execute format('grant usage on schema %I to %I', reads.place, reads.who);
        execute format('alter default privileges in schema %I grant select on tables to %I', reads.place, reads.who);
        -- what was there before the role was
        for made in
            select oid::regclass as name from pg_class
            where relnamespace = reads.place::regnamespace and relkind in ('r', 'p', 'v', 'm')
                and relowner = current_user::regrole and not has_table_privilege(reads.who, oid, 'select')
        loop
            execute format('grant select on %s to %I', made.name, reads.who);
        end loop;
    end loop;
end $$;
revoke all on schema raw, quarantine, pii from public;
