-- A warning is judged by what was a loss when it was given; those given before that was kept, by what shipped then.
do $$
begin
    if to_regclass('marts.fct_early_warnings') is not null then
        alter table marts.fct_early_warnings add column if not exists loss_days integer;
        alter table marts.fct_early_warnings add column if not exists loss_share numeric;
        update marts.fct_early_warnings set loss_days = 92, loss_share = 0.5 where loss_days is null;
    end if;
end;
$$;
