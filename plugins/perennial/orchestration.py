"""What the DAGs share: which errors are retried, and Airflow's connections for the plain functions of a task.

Besides the pages, the only module of the package that imports Airflow.
"""

import os
from datetime import timedelta

from airflow.sdk import BaseHook, ExceptionRetryPolicy, RetryAction, RetryRule
from airflow.sdk.exceptions import AirflowNotFoundException

from perennial.connections import Connection
from perennial.errors import FatalError

# passing faults are worth another try, a mistake that a person has to mend is not
RETRY_POLICY = ExceptionRetryPolicy([RetryRule(exception=FatalError, action=RetryAction.FAIL)])
DEFAULT_ARGS = {"retries": 2, "retry_delay": timedelta(minutes=2), "retry_policy": RETRY_POLICY}


def connection(name: str) -> Connection | None:
    """The connection `name`, looked up by Airflow so that secrets backends work; None if Airflow has none."""
    try:
        return Connection.parse(name, BaseHook.get_connection(name).as_json())
    except AirflowNotFoundException:
        return None


def use_warehouse() -> None:
    """Let the plain functions of this task process find Airflow's connection `warehouse`."""
    found = connection("warehouse")
    if found:
        os.environ["AIRFLOW_CONN_WAREHOUSE"] = found.to_json()
