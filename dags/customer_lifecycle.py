"""
### Customer lifecycle, every night

| step | what it does | run again |
|---|---|---|
| choose_night | the business day this run is for | the same day |
| open_night | migrates the warehouse, lists the sources | changes nothing |
| extract | per source: what changed, to the landing zone | a landed batch is not read again |
| load | landing zone to `raw`; rows that break the contract to `quarantine` | a loaded batch is not loaded again |
| transform | `dbt build`: stages, tiers, consents, audiences | same facts, same tables |
| fit_value | judges the forecasts of the past, fits tonight's | the same parameters |
| score | `dbt build` of what builds on the fit: customer value | the same tables |
| check | the same totals in every layer, or the night stops here | the same verdict |
| export | audience files; never in a backfill, never once a later night was built | the same files |

Trigger with `{"as_of": "2017-09-30"}` for a given business day; without it, the last complete one.
"""

import os
from datetime import date

import pendulum
from airflow.sdk import Param, dag, get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException

from perennial import config, night
from perennial.orchestration import DEFAULT_ARGS, connection, use_warehouse

SETTINGS = config.load().sources
SCHEDULE = os.environ.get("PERENNIAL_SCHEDULE", "30 2 * * *") or None  # empty: only when triggered


@dag(
    schedule=SCHEDULE,  # half past two at night, in the business's own zone
    start_date=pendulum.datetime(2017, 1, 1, tz=SETTINGS.business.timezone),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    params={"as_of": Param(None, type=["null", "string"], format="date", description="Business day to run for")},
    doc_md=__doc__,
    tags=["perennial"],
)
def customer_lifecycle():
    @task
    def choose_night() -> str:
        context = get_current_context()
        return str(night.choose_as_of(context["params"]["as_of"], context["dag_run"].run_after))

    @task(multiple_outputs=False)
    def open_night(as_of: str) -> list[str]:
        use_warehouse()
        return night.open_night(date.fromisoformat(as_of))

    @task(map_index_template="{{ source }}")
    def extract(source: str, as_of: str) -> str:
        get_current_context()["source"] = source
        use_warehouse()
        name = SETTINGS.sources[source].connection
        return night.extract_source(source, date.fromisoformat(as_of), connection(name) if name else None)

    @task(map_index_template="{{ source }}", multiple_outputs=False)
    def load(source: str, as_of: str) -> dict[str, int]:
        get_current_context()["source"] = source
        use_warehouse()
        return night.load_source(source, date.fromisoformat(as_of))

    @task.short_circuit
    def transform(as_of: str) -> bool:
        use_warehouse()
        return night.build(date.fromisoformat(as_of))

    @task
    def fit_value(as_of: str) -> None:
        use_warehouse()
        night.fit_value(date.fromisoformat(as_of))

    @task
    def score(as_of: str) -> None:
        use_warehouse()
        night.score(date.fromisoformat(as_of))

    @task
    def check(as_of: str) -> None:
        use_warehouse()
        night.check(date.fromisoformat(as_of))

    @task
    def export(as_of: str) -> int:
        if get_current_context()["dag_run"].run_type == "backfill":
            raise AirflowSkipException("a backfill never exports")
        use_warehouse()
        return night.send(date.fromisoformat(as_of))

    as_of = choose_night()
    extracted = extract.partial(as_of=as_of).expand(source=open_night(as_of))
    loaded = load.partial(as_of=as_of).expand(source=extracted)
    loaded >> transform(as_of) >> fit_value(as_of) >> score(as_of) >> check(as_of) >> export(as_of)


customer_lifecycle()
