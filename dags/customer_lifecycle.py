"""
### Customer lifecycle, every night

| step | what it does | run again |
|---|---|---|
| choose_night | the business day this run is for | the same day |
| open_night | migrates the warehouse, lists the sources | changes nothing |
| extract | per source: what changed, to the landing zone | a landed batch is not read again |
| load | landing zone to `raw`; rows that break the contract to `quarantine` | a loaded batch is not loaded again |
| pull_opt_outs | who opted out in a campaign tool, before anybody is decided on | statements once known |
| opt_outs_asked | goes on also where a tool did not tell: then nobody is added on its channel | nothing |
| transform | `dbt build`: stages, tiers, consents, audiences | same facts, same tables |
| fit_value | judges the forecasts of the past, fits tonight's | the same parameters |
| score | `dbt build` of what builds on the fit: customer value | the same tables |
| check | the same totals in every layer, or the night stops here | the same verdict |
| plan | what every destination does not know yet | the same plans |
| export | what needs no approval; never in a backfill, never once a later night was built | what is missing |
| ask, approve | the plans that wait, put before a person | the same question |
| export_approved | them, once approved | what is missing |
| withdraw | who said no leaves every list, also where a step before it failed or the gate is closed | nobody twice |
| report | one page for people, also where a step before it failed; its own failure fails no night | the same page |
| alert | who is named in config/alerts.yml is told how it ended | nobody is told twice |

Trigger with `{"as_of": "2017-09-30"}` for a given business day; without it, the last complete one.
"""

import os
from datetime import date, timedelta

import pendulum
from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Param, dag, get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException

from perennial import config, night
from perennial.orchestration import DEFAULT_ARGS, connection, use_warehouse

SETTINGS = config.load().sources
SCHEDULE = os.environ.get("PERENNIAL_SCHEDULE", "30 2 * * *") or None  # empty: only when triggered
# not under `perennial nightly`, which ends by itself: there `perennial approve` lets plans go
ASKS = "PERENNIAL_PROGRESS" not in os.environ


def never_in_a_backfill() -> None:
    """What sends or tells, asks this first."""
    if get_current_context()["dag_run"].run_type == "backfill":
        raise AirflowSkipException("a backfill exports nothing and alarms nobody")


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
    def pull_opt_outs(as_of: str) -> int:
        use_warehouse()
        return night.pull_opt_outs(date.fromisoformat(as_of), connection)

    @task(trigger_rule="all_done")
    def opt_outs_asked() -> None:
        """A tool that does not tell who opted out holds up exports, never the warehouse."""

    @task
    def withdraw(as_of: str | None) -> int:
        never_in_a_backfill()
        if not as_of:
            raise AirflowSkipException("no night was chosen")
        use_warehouse()
        return night.withdraw(date.fromisoformat(as_of), connection)

    @task(multiple_outputs=False)
    def plan(as_of: str) -> dict[str, str]:
        never_in_a_backfill()
        use_warehouse()
        return night.plan(date.fromisoformat(as_of))

    @task
    def export(as_of: str) -> int:
        never_in_a_backfill()
        use_warehouse()
        return night.send(date.fromisoformat(as_of), connection)

    @task.short_circuit
    def ask(as_of: str, plans: dict[str, str]) -> str:
        if not (plans and ASKS):
            return ""
        use_warehouse()
        return night.question(date.fromisoformat(as_of), plans)

    @task
    def export_approved(as_of: str, plans: dict[str, str]) -> int:
        never_in_a_backfill()
        use_warehouse()
        night.approve_as_asked(plans)
        return night.send(date.fromisoformat(as_of), connection)

    @task
    def report(as_of: str | None) -> None:
        if as_of:
            use_warehouse()
            night.report(date.fromisoformat(as_of))

    @task
    def alert(as_of: str | None) -> None:
        never_in_a_backfill()
        use_warehouse()
        night.alert(as_of and date.fromisoformat(as_of), connection)

    as_of = choose_night()
    sources = open_night(as_of)
    loaded = load.partial(as_of=as_of).expand(source=extract.partial(as_of=as_of).expand(source=sources))
    built = transform(as_of)
    sources >> pull_opt_outs(as_of) >> opt_outs_asked() >> built
    checked = check(as_of)
    loaded >> built >> fit_value(as_of) >> score(as_of) >> checked

    plans = plan(as_of)
    approve = ApprovalOperator(
        task_id="approve",
        subject="Audiences wait for approval",
        body="{{ ti.xcom_pull(task_ids='ask') }}",
        defaults=ApprovalOperator.REJECT,
        response_timeout=timedelta(hours=20),
    )
    # a teardown runs however the others ended, and does not decide how the night did
    withdrawn = withdraw(as_of).as_teardown()
    checked >> plans >> export(as_of) >> withdrawn >> report(as_of).as_teardown() >> alert(as_of).as_teardown()
    ask(as_of, plans) >> approve >> export_approved(as_of, plans)


customer_lifecycle()
