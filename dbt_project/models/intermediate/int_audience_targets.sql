-- A table, not a macro where it is read: so the planner knows how many there are, and how many channels.
with
int_audience_targets as (
    {{ targets() }}
)

select * from int_audience_targets
