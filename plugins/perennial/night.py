"""The steps of a night, as plain functions. Airflow calls them one per task; they need no Airflow.

A night is for one business day, `as_of`. The horizon is the newest night the marts were begun for. Running a night that
lies before the horizon loads what is missing and leaves marts and audiences alone: history is read from the timeline,
never rebuilt backwards.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from psycopg import sql

from perennial import config, gate, landing, paths, transform
from perennial.activation import approval as decision
from perennial.activation import export, left_behind, opt_outs
from perennial.activation import question as asked
from perennial.activation import withdraw as taken_out
from perennial.alerts import tell
from perennial.clock import wall_clock
from perennial.connections import Connection, Lookup, configured
from perennial.erasure import salted
from perennial.errors import ConfigError, FatalError, GateError, PerennialError, raise_all
from perennial.lifecycle import approval
from perennial.lifecycle.check import require_reachable
from perennial.progress import say
from perennial.runs import exclusively, recorded
from perennial.sources.base import Settings
from perennial.sources.extract import extract
from perennial.warehouse import database, loader, sweep

# unit tests prove the models on given inputs; they run in `make test`, not on the company's own rules at night
NIGHTLY = ["build", "--exclude-resource-type", "unit_test"]
SCORED = "source:clv+"  # what waits for tonight's fit


def choose_as_of(requested: str | None, now: datetime) -> date:
    """The business day to run for: the requested one, else the last complete one before `now`."""
    business = config.load().sources.business
    local = now.astimezone(ZoneInfo(business.timezone)) - timedelta(hours=business.day_starts_at_hour)
    last_complete = local.date() - timedelta(days=1)
    if not requested:
        if (paths.state() / "sample").is_dir():
            raise ConfigError("the sample shops live in 2017: say for which day, e.g. as_of 2017-10-01")
        return last_complete
    try:
        as_of = date.fromisoformat(requested)
    except ValueError:
        raise ConfigError(f"as_of is '{requested}'; accepted: a date such as {last_complete}") from None
    if as_of > last_complete:
        raise ConfigError(
            f"as_of is {as_of}, a day that is not over; the last complete business day is {last_complete}"
        )
    return as_of


def open_night(as_of: date) -> list[str]:
    """Prepare the warehouse and return the sources to extract; ConfigError if a lifecycle stage can never occur."""
    settings = config.load()
    require_reachable(settings)
    database.migrate()
    salted.restore()
    with database.connect() as session:
        session.execute("insert into ops.nights (as_of) values (%s) on conflict do nothing", [as_of])
    return list(settings.sources.sources)


def extract_source(name: str, as_of: date, connection: Connection | None) -> str:
    """Land everything new of one source."""
    with exclusively(f"extract.{name}"), recorded(as_of, f"extract.{name}") as step:
        batches = extract(name, config.load().sources.sources[name], connection, as_of)
        step.rows = sum(b.rows for b in batches)
        step.details = {
            "bytes": sum(b.bytes for b in batches),
            "notes": [n for b in batches for n in b.notes][:20],
        }
    return name


def load_source(name: str, as_of: date) -> dict[str, int]:
    """Load the landed batches of one source; landed = loaded + quarantined."""
    with recorded(as_of, f"load.{name}") as step:
        settings = config.load().sources
        source = settings.sources[name]
        total = {"landed": 0, "loaded": 0, "new": 0, "quarantined": 0}
        again = all(loader.find(f"{name}.{entity}.{as_of}") for entity in source.entities)
        for entity in source.entities:
            currencies = settings.business.currencies
            batches = [_load(name, source, entity, as_of, currencies)]
            # loaded when they were replayed; not yet where the warehouse is a new one
            batches += [loader.load(b, source, currencies) for b in landing.replays(name, entity, as_of)]
            for counts in map(asdict, batches):
                total = {key: total[key] + counts[key] for key in total}
        sweep.compare(name, source, as_of)
        say(
            f"load {name}: {total['landed']:,} landed = {total['loaded']:,} loaded"
            f" + {total['quarantined']:,} quarantined " + ("(already)" if again else f"({total['new']:,} new)")
        )
        step.rows, step.details = total["new"], total
    return total


def _load(name: str, source: Settings, entity: str, as_of: date, currencies: tuple[str, ...]) -> loader.Loaded:
    batch = landing.find(name, entity, as_of)
    if batch:
        return loader.load(batch, source, currencies)
    done = loader.find(f"{name}.{entity}.{as_of}")
    if done is None:
        raise FatalError(
            f"{landing.folder(name, entity, as_of)}: nothing landed. Run the task `extract` of {name} again."
        )
    return done


def is_before_horizon(as_of: date) -> bool:
    """Whether the marts were begun for a later night."""
    newest = horizon()
    return newest is not None and as_of < newest


def horizon() -> date | None:
    """The night the marts show, or are being built for; None before the first."""
    with database.connect() as session:
        if session.execute("select to_regclass('ops.nights') as found").fetchone()["found"] is None:
            return None
        begun = "select max(as_of) as as_of from ops.nights where build_started_at is not null"
        return session.execute(begun).fetchone()["as_of"]


def build(as_of: date) -> bool:
    """Compute everything that customer value is forecast from; False if the marts were begun for a later night."""
    with exclusively("marts"):
        if is_before_horizon(as_of):
            say(f"transform: skipped, the marts already show {horizon()}; {as_of} is in marts.fct_lifecycle_timeline")
            return False
        gate.close(as_of)
        _mark(as_of, build_started_at=wall_clock(), built_at=None, config_hash=None)
        settings = _transform(as_of, "transform", "--exclude", SCORED)
        with database.connect() as session:
            approval.note(session, settings, as_of, wall_clock())
        _mark(as_of, config_hash=transform.fingerprint(settings, as_of))
    return True


def reopen(as_of: date) -> None:
    """Before tables are changed by hand: the night is neither built nor checked until its tasks ran again."""
    gate.close(as_of)
    _mark(as_of, built_at=None)


def fit_value(as_of: date) -> None:
    """Judge the forecasts of the past, fit tonight's, and write what everybody is scored from."""
    from perennial.value import store, tonight  # numpy and scipy are slow to import, and only needed here

    with exclusively("marts"), recorded(as_of, "fit_value") as step:
        settings = _reopened(as_of)
        with database.connect() as session:
            forecast, tested = tonight.run(session, as_of, settings.value)
            store.write(session, as_of, settings.value, forecast, tested)
        step.rows = int(forecast.fit.customers)
        step.details = {"model_used": forecast.model_used, "fit_status": forecast.fit.status, "skills": tested.skills}
    skill = f", {store.against_guess(tested.skills[0])}" if tested.skills else ""
    say(f"fit_value: {forecast.model_used}, {forecast.fit.status}, {step.rows:,} customers{skill}")


def score(as_of: date) -> None:
    """Score everybody, and compute what builds on it; with it the night is built."""
    with exclusively("marts"):
        _reopened(as_of)
        _transform(as_of, "score", "--select", SCORED)
        _mark(as_of, built_at=wall_clock())


def _reopened(as_of: date) -> config.Config:
    """The settings that the night's `transform` ended with; what was said of the night before no longer holds.

    GateError if the marts are of another night, if that task did not end, or if config/ changed since.
    """
    settings = config.load()
    if as_of != horizon():
        raise GateError(f"the marts are those of night {horizon()}, not of {as_of}: nothing can be added to them")
    _mark(as_of, built_at=None)
    with database.connect() as session:
        night = session.execute("select config_hash from ops.nights where as_of = %s", [as_of]).fetchone()
        session.execute("delete from ops.gate_results where as_of = %s and severity = 'block'", [as_of])
    if night["config_hash"] is None:
        raise GateError(f"the task `transform` of night {as_of} did not end; run it again first")
    if night["config_hash"] != transform.fingerprint(settings, as_of):
        raise GateError(f"config/ changed since `transform` of night {as_of}; run its tasks from `transform` on again")
    return settings


def _transform(as_of: date, task: str, *which: str) -> config.Config:
    settings = config.load()
    with recorded(as_of, task) as step:
        results = transform.run([*NIGHTLY, *which], settings, as_of, database.warehouse())
        slowest = sorted(results, key=lambda r: -r.seconds)[:5]
        step.details = {"nodes": len(results), "slowest": [[r.node, r.seconds] for r in slowest]}
    return settings


def check(as_of: date) -> None:
    """Reconcile the layers and record the gate; GateError stops the night before anything leaves."""
    with exclusively("marts"), recorded(as_of, "gate"):
        gate.run(as_of)


def pull_opt_outs(as_of: date, lookup: Lookup = configured) -> int:
    """Bring back who opted out in a campaign tool; returns how many statements are new.

    Raises what tools raised that do not tell, once all were asked. That stops no warehouse: `send` asks again, and adds
    nobody where they still do not.
    """
    with recorded(as_of, "pull_opt_outs") as step:
        pulled = opt_outs.pull(as_of, config.load(), lookup)
        step.rows = pulled.new
        raise_all(list(pulled.failed.values()))
    return step.rows


def plan(as_of: date) -> dict[str, str]:
    """Plan the exports of the night, send nothing; the plans that wait for approval, with a hash of their data."""
    with exclusively("marts"), recorded(as_of, "plan") as step:
        waiting = export.plans(as_of, _sendable(as_of))
        step.details = {"waiting": list(waiting)}
    return waiting


def approve(plans: Iterable[str], by: str, *, although_rejected: bool = False) -> list[str]:
    """Let plans go that wait; returns them. Their data must still be the same when they are sent."""
    with database.connect() as session:
        return [name for name in plans if decision.approve(session, name, by, although_rejected=although_rejected)]


def question(as_of: date, plans: Iterable[str]) -> str:
    """What Airflow asks a person about plans that wait, in Markdown; it names nobody."""
    with database.connect() as session:
        return asked.text(session, as_of, plans)


def approve_as_asked(plans: Mapping[str, str]) -> list[str]:
    """Let plans go that wait since Airflow asked about them, if their data is what it was then; returns them."""
    with database.connect() as session:
        return [name for name, seen in plans.items() if decision.approve(session, name, "Airflow", seen=seen)]


def reject(plans: list[str], by: str) -> list[str]:
    """Let nothing go of plans that wait, as long as their data is the same; returns them."""
    with database.connect() as session:
        return [name for name in plans if decision.reject(session, name, by)]


def require_approval(as_of: date) -> None:
    """GateError unless an approval of the night stands: one that nobody looked at sends by its own DAG or not."""
    with database.connect() as session:
        if not decision.stands(session, as_of):
            raise GateError(f"nobody approved a plan of night {as_of}: see the page Audiences, or `perennial plan`")


def send(as_of: date, lookup: Lookup = configured) -> int:
    """Export the audiences of the night; returns the people exported. GateError unless the marts are this night's.

    Opt-outs are asked for once more: hours may have passed since the audiences were decided, until somebody approved.
    """
    with exclusively("marts"), recorded(as_of, "export") as step:
        settings = _sendable(as_of)
        silent = opt_outs.pull(as_of, settings, lookup).silent
        step.rows = export.run(as_of, settings, lookup, silent)
        _mark(as_of, exported_at=wall_clock())
    return step.rows


def withdraw(as_of: date, lookup: Lookup = configured) -> int:
    """Take out of the tools who said no, however the night ended before anything was sent; returns how many went.

    Nobody is added or updated, so neither a closed gate nor an unfinished build is a reason to wait. A night before the
    horizon takes nobody out: the newest one has.
    """
    if is_before_horizon(as_of):
        say(f"withdrawals: skipped, the marts already show {horizon()}")
        return 0
    with exclusively("marts"), recorded(as_of, "withdraw") as step:
        settings = config.load()
        known_on = _consents_built_for()
        if known_on is None:  # nobody was ever sent anywhere
            return 0
        errors: list[PerennialError] = list(opt_outs.pull(as_of, settings, lookup).failed.values())
        step.rows = taken_out.run(as_of, known_on, settings, lookup, errors)
        left_behind.note(as_of, settings)
        raise_all(errors)
    return step.rows


def _consents_built_for() -> date | None:
    """The newest night that was built to its end: what was loaded for a later one may say more."""
    with database.connect() as session:
        return session.execute("select max(as_of) as night from ops.nights where built_at is not null").fetchone()[
            "night"
        ]


def report(as_of: date) -> Path | None:
    """Write the report of a night, however it ended; None for one before the horizon, whose report was written then."""
    from perennial.report import build as made  # Vega is slow to import, and only needed here

    if is_before_horizon(as_of):
        say(f"report: skipped, the marts already show {horizon()}")
        return None
    with recorded(as_of, "report"):
        try:
            path = made.write(as_of)
        except PerennialError:
            raise
        except Exception as error:  # nobody waits for a second try of a page that cannot be drawn
            raise FatalError(f"the report of {as_of} could not be written: {type(error).__name__}") from error
    say(f"report: {path}")
    return path


def alert(as_of: date | None, lookup: Lookup = configured) -> None:
    """Tell people how a run of the night ended; nothing of one before the horizon, which exports nothing."""
    if as_of is None or not is_before_horizon(as_of):
        tell.of_night(as_of, config.load().alerts.alerts, lookup)


def watch(as_of: date, lookup: Lookup = configured) -> None:
    """Tell people if the night is not finished by now."""
    tell.if_late(as_of, config.load().alerts.alerts, lookup)


def _sendable(as_of: date) -> config.Config:
    """The settings the night was built with, if its marts stand, were checked, and nobody waits for new rules."""
    settings = config.load()
    _require_built(as_of, transform.fingerprint(settings, as_of))
    gate.require_open(as_of)
    with database.connect() as session:
        approval.require(session, settings)
    return settings


def _require_built(as_of: date, fingerprint: str) -> None:
    if as_of != horizon():
        raise GateError(f"nothing is exported: the marts are those of night {horizon()}, not of {as_of}")
    with database.connect() as session:
        night = session.execute("select built_at, config_hash from ops.nights where as_of = %s", [as_of]).fetchone()
    if night["built_at"] is None:
        raise GateError(
            f"nothing is exported: the build of night {as_of} did not end. Run its tasks from `transform` on again."
        )
    if night["config_hash"] != fingerprint:
        raise GateError(
            f"nothing is exported: config/ changed since night {as_of} was built. Run its tasks from "
            "`transform` on again."
        )


def _mark(as_of: date, **columns: Any) -> None:
    changes = sql.SQL(", ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in columns)
    with database.connect() as session:
        update = sql.SQL("update ops.nights set {} where as_of = %s").format(changes)
        session.execute(update, [*columns.values(), as_of])
