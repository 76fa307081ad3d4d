"""All that the pages ask of Airflow: who somebody is and what she may, its connections and secret, a run that sends.

Who may answer the question that the DAG asks (its task `approve`) may answer it here too. Files hold contact details,
so they need one permission more: reading the view "Perennial audience files", which an auth manager can give apart.
"""

import logging
from datetime import date
from typing import Any

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import get_user
from airflow.configuration import conf

from perennial.orchestration import connection

__all__ = ["connection", "get_user"]

log = logging.getLogger(__name__)

NIGHTLY = DagDetails(id="customer_lifecycle")
SENDS = "send_approved"
FILES = "Perennial audience files"


def may_read(user: Any) -> bool:
    """Whether she may see the nightly DAG, and so its pages."""
    return get_auth_manager().is_authorized_dag(method="GET", details=NIGHTLY, user=user)


def may_decide(user: Any) -> bool:
    """Whether she may approve and reject."""
    manager, asks = get_auth_manager(), DagAccessEntity.HITL_DETAIL
    return manager.is_authorized_dag(method="PUT", access_entity=asks, details=NIGHTLY, user=user)


def may_download(user: Any) -> bool:
    """Whether she may have audience files, with the contact details in them."""
    return may_decide(user) and get_auth_manager().is_authorized_custom_view(
        method="GET", resource_name=FILES, user=user
    )


def offer_files() -> None:
    """Let FAB, which gives only rights it has a list of, know of the one to files; other managers take any name."""
    manager = get_auth_manager()
    if flask := getattr(manager, "flask_app", None):
        with flask.app_context():
            manager.security_manager.create_permission("can_read", FILES)


def secret() -> str:
    """What Airflow's own forms are signed with; the same in all its processes."""
    return conf.get_mandatory_value("api", "secret_key")


def send(as_of: date, who: str) -> bool:
    """Have what was approved sent by a run of its own; False if none came about: the night's export sends then."""
    from airflow.api.common.trigger_dag import trigger_dag
    from airflow.utils.types import DagRunTriggeredByType

    try:
        trigger_dag(
            SENDS, triggered_by=DagRunTriggeredByType.UI, triggering_user_name=who, conf={"as_of": as_of.isoformat()}
        )
    except Exception as error:  # the approval is written, whatever Airflow makes of the run
        log.warning("perennial pages: no run of %s: %s", SENDS, type(error).__name__)
        return False
    return True
