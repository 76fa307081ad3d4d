"""
### What somebody approved goes out

The pages trigger it when a plan was approved there, with `{"as_of": "2017-09-30"}`: the night's export, and then its
report, which says so. Run again it sends what is missing; nothing that waits or was rejected.
"""

from datetime import date

from airflow.sdk import Param, dag, get_current_context, task

from perennial import night
from perennial.orchestration import DEFAULT_ARGS, connection, use_warehouse


@dag(
    schedule=None,
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,  # somebody has decided already
    default_args=DEFAULT_ARGS,
    params={"as_of": Param(type="string", format="date", description="Business day whose plans were approved")},
    doc_md=__doc__,
    tags=["perennial"],
)
def send_approved():
    @task
    def export() -> int:
        use_warehouse()
        night.require_approval(_as_of())
        return night.send(_as_of(), connection)

    @task
    def report() -> None:
        use_warehouse()
        night.report(_as_of())

    export() >> report()


def _as_of() -> date:
    return date.fromisoformat(get_current_context()["params"]["as_of"])


send_approved()
