"""
### Is last night finished?

At seven in the morning whoever wants to know (`late` in config/alerts.yml) is told that the last complete business day
is not exported yet, whether its run failed, hangs, or never began. That Airflow itself is down, nobody here can tell:
for that let something outside miss the event `finished`.
"""

import os

import pendulum
from airflow.sdk import dag, get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException

from perennial import config, night
from perennial.orchestration import DEFAULT_ARGS, connection, use_warehouse

SETTINGS = config.load()
SCHEDULE = os.environ.get("PERENNIAL_WATCH", "0 7 * * *") or None  # empty: never


@dag(
    schedule=SCHEDULE,
    start_date=pendulum.datetime(2017, 1, 1, tz=SETTINGS.sources.business.timezone),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,  # it changes nothing
    default_args=DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["perennial"],
)
def night_watch():
    @task
    def watch() -> None:
        if not any("late" in alert.events for alert in SETTINGS.alerts.alerts.values()):
            raise AirflowSkipException("nobody in config/alerts.yml wants to know")
        use_warehouse()
        night.watch(night.choose_as_of(None, get_current_context()["dag_run"].run_after), connection)

    watch()


night_watch()
