"""Nights of the real DAG under Airflow: a step fails, or somebody answers its question; run by test_approval.py.

Extraction, loading and building are left out: `night` does nothing there. Planning, asking, Airflow's own question, its
API and sending are real; the warehouse is the test's, the destination a shelf of this process. Prints JSON.
"""

import json
import sys
import threading
import time

import shelf
from airflow import settings as airflow
from airflow.api_fastapi.app import create_app
from airflow.dag_processing.dagbag import DagBag
from airflow.models import TaskInstance
from airflow.utils.db import initdb
from fastapi.testclient import TestClient
from sqlalchemy import select

from perennial import night
from perennial.destinations import registry
from perennial.errors import FatalError
from verdicts import NIGHT

DAG = "customer_lifecycle"
told: list[str] = []
faults: set[str] = set()


def note(name: str, answer=None):
    """Stands for a step that is not looked at here."""

    def step(*_, **__):
        told.append(name)
        if name in faults:
            raise FatalError(f"{name} failed")
        return answer

    return step


def stub() -> None:
    """What a night does before it plans, and after it was sent."""
    source = next(iter(night.config.load().sources.sources))
    wanted = shelf.settings(guards={"first": True})
    night.choose_as_of = lambda *_: NIGHT
    for name, answer in (
        ("open_night", [source]),
        ("extract_source", source),
        ("load_source", {}),
        ("pull_opt_outs", 0),
        ("build", True),
        ("fit_value", None),
        ("score", None),
        ("check", None),
        ("withdraw", 0),
        ("report", None),
        ("alert", None),
    ):
        setattr(night, name, note(name, answer))
    night._sendable = lambda _: wanted
    registry.kinds = lambda: {"shelf": shelf.MODULE}


def answer(said: str, seen: dict) -> None:
    """As the button in Airflow does: through its API, once the task waits."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        time.sleep(0.5)
        with airflow.Session() as session:
            waits = select(TaskInstance.run_id).where(
                TaskInstance.task_id == "approve", TaskInstance.state == "awaiting_input"
            )
            run_id = session.scalar(waits)
        if run_id:
            break
    else:
        return
    with TestClient(create_app(apps="core")) as client:
        token = client.get("/auth/token").json()["access_token"]
        path = f"/api/v2/dags/{DAG}/dagRuns/{run_id}/taskInstances/approve/-1/hitlDetails"
        headers = {"Authorization": f"Bearer {token}"}
        seen["question"] = client.get(path, headers=headers).json()
        seen["sent_before"] = list(shelf.Destination.told)
        done = client.patch(path, headers=headers, json={"chosen_options": [said], "params_input": {}})
        seen["answered"] = done.status_code


def run(dag, said: str | None, fault: str | None) -> dict:
    """One run; what became of it."""
    told.clear()
    faults.clear()
    faults.add(fault)
    seen: dict = {}
    if said:
        threading.Thread(target=answer, args=(said, seen), daemon=True).start()
    done = dag.test(run_conf={"as_of": str(NIGHT)})
    with airflow.Session() as session:
        every = session.scalars(select(TaskInstance).where(TaskInstance.run_id == done.run_id))
        states = {ti.task_id: str(ti.state) for ti in every}
    listed = sorted(shelf.Destination.shelf.get("lost", {}))
    return seen | {"run": str(done.state), "states": states, "told": list(told), "shelf": listed}


initdb()
stub()
dag = DagBag(sys.argv[1]).dags[DAG]
print(json.dumps([run(dag, said, fault) for said, fault in json.loads(sys.argv[2])]))
