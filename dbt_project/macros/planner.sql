{#
  A formula above this line is computed once per row, not once per use: the planner neither merges such a subquery with
  the one that reads it nor writes it out anywhere. It leaves out no row. Typed, because of the plain `offset 0` the
  planner does not know in time that it is none, and then reads without parallel workers.
#}
{% macro computed_once() -%}
    offset bigint '0'
{%- endmacro %}
