"""`perennial watch`: how the last night stands, for people and for cron."""

import sys
from datetime import date

import click

from perennial import config, night
from perennial.alerts import standing, tell
from perennial.alerts.base import EVENTS, Notice
from perennial.connections import configured
from perennial.errors import ConfigError
from perennial.warehouse import database


@click.command()
@click.option("--try", "is_trial", is_flag=True, help="Send a trial to every alert of config/alerts.yml.")
def watch(is_trial: bool) -> None:
    """Say how the night of the marts stands; exits with 1 unless it is finished, so cron can ask."""
    settings = config.load().alerts.alerts
    if is_trial:
        if not settings:
            raise ConfigError("config/alerts.yml names nobody; its comments say how an entry looks")
        trial = {name: alert.model_copy(update={"events": ["finished"]}) for name, alert in settings.items()}
        tell.everybody([Notice("finished", date.min, ("This is a trial.",))], trial, configured, again=True)
        return
    with database.running(stay=False):
        as_of = night.horizon()
        if as_of is None:
            raise ConfigError("no night has been built yet; run `perennial nightly` first")
        with database.connect() as session:
            found = standing.notices(session, as_of)
    for notice in found:
        click.echo(f"night {as_of} {EVENTS[notice.event][0]}" + "".join(f"\n  {line}" for line in notice.lines))
    sys.exit(found[0].event != "finished")
