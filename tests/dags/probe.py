"""Loads the DAGs as Airflow does and prints what it finds as JSON; run by test_dags.py in a process of its own."""

import json
import sys
from types import SimpleNamespace
from unittest import mock

from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.exceptions import AirflowSkipException

SENDING = {
    "plan": ("2017-09-30",),
    "export": ("2017-09-30",),
    "withdraw": ("2017-09-30",),
    "alert": ("2017-09-30",),
    "export_approved": ("2017-09-30", {"a plan": "its data"}),
}


def skips_exports(dag, run_type: str) -> bool:
    """Whether each task that sends, or prepares it, skips in a run of this type before it does anything."""
    return all(skips(dag.task_dict[name].python_callable, arguments, run_type) for name, arguments in SENDING.items())


def skips(function, arguments: tuple, run_type: str) -> bool:
    """Whether a task skips before it does anything."""
    context = {"dag_run": SimpleNamespace(run_type=run_type)}
    spy = mock.Mock(side_effect=RuntimeError("exported"))
    acts = SimpleNamespace(send=spy, plan=spy, approve_as_asked=spy, alert=spy, withdraw=spy)
    names = {"get_current_context": lambda: context, "use_warehouse": lambda: None, "night": acts}
    with mock.patch.dict(function.__globals__, names):
        try:
            function(*arguments)
        except AirflowSkipException:
            return not spy.called
        except RuntimeError:
            return False
    raise AssertionError("export did nothing")


bag = DagBag(sys.argv[1])
print(
    json.dumps(
        {
            "errors": {str(k): str(v) for k, v in bag.import_errors.items()},
            "modules": sorted(m for m in sys.modules if m in ("csv", "pandas", "dbt", "pyarrow.parquet")),
            "csv_is_the_standard_library": "perennial" not in (sys.modules["csv"].__file__ or ""),
            "dags": {
                dag_id: {
                    "tasks": {t.task_id: sorted(t.upstream_task_ids) for t in dag.tasks},
                    "mapped": sorted(t.task_id for t in dag.tasks if t.is_mapped),
                    "retries": {t.task_id: t.retries for t in dag.tasks},
                    "teardowns": {t.task_id: t.on_failure_fail_dagrun for t in dag.tasks if t.is_teardown},
                    "rules": {t.task_id: t.trigger_rule for t in dag.tasks},
                    "catchup": dag.catchup,
                    "max_active_runs": dag.max_active_runs,
                    "zone": str(dag.timezone),
                    "schedule": dag.schedule,
                    "doc": bool(dag.doc_md),
                    "skips": {kind: skips_exports(dag, kind) for kind in ("backfill", "scheduled", "manual")}
                    if "export" in dag.task_ids and dag.schedule  # what is only triggered is no part of a backfill
                    else {},
                }
                for dag_id, dag in bag.dags.items()
            },
        }
    )
)
