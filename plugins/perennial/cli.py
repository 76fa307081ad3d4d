"""The command `perennial`."""

import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import click

from perennial import config, embedded, paths, progress
from perennial.activation import commands as activation
from perennial.clv.command import clv
from perennial.erasure import commands as erasure
from perennial.errors import PerennialError
from perennial.identity import commands as identity
from perennial.lifecycle import commands, explain_command
from perennial.lifecycle.backtest.command import backtest
from perennial.reference.command import reference
from perennial.warehouse import database, quarantine_commands, source_commands
from perennial.watch_command import watch

_warehouse = database.running
READS_ONLY = ("show", "list", "ls", "compile", "parse", "test", "docs", "debug")


class Date(click.ParamType):
    """A date such as 2017-09-30."""

    name = "date"

    def convert(self, value, param, ctx):
        try:
            return value if isinstance(value, date) else date.fromisoformat(value)
        except ValueError:
            self.fail(f"'{value}' is not a date; write it as 2017-09-30", param, ctx)


@click.group()
@click.version_option(package_name=None, version=__import__("perennial").__version__)
def cli() -> None:
    """Orders come in, a lifecycle comes out, audiences go out. Every night, with proof."""


@cli.command()
@click.option("--as-of", type=Date(), help="Business day to run for; without it the last complete one.")
@click.option("--stay", is_flag=True, help="Leave the embedded server running at the end.")
def nightly(as_of: date | None, stay: bool) -> None:
    """Run the DAG customer_lifecycle for one night and show what came out."""
    from perennial import airflow_local, nightly
    from perennial.lifecycle.check import require_reachable

    require_reachable(config.load())  # complain now, not in a task
    with airflow_local.alone("perennial nightly"), embedded.session(stay=stay):
        nightly.run(as_of)


@cli.command()
@click.option("--stay", is_flag=True, help="Leave the embedded server running at the end.")
def summary(stay: bool) -> None:
    """Show again what the last night came to."""
    from perennial import summary

    with _warehouse(stay):
        summary.show()


@cli.command()
@click.option("--as-of", type=Date(), help="The night; without it the one that the marts show.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file only.")
def report(as_of: date | None, output: Path | None) -> None:
    """Write the report of the last night again: one HTML file that needs nothing else."""
    from perennial import night
    from perennial.report import build

    with _warehouse(stay=False):
        newest = night.horizon()
        if as_of and newest and as_of < newest:
            written = paths.report() / f"{as_of}.html"
            raise click.ClickException(
                f"the marts show {newest}, not {as_of}; the report that was written then is {written}"
                if written.exists()
                else f"the marts show {newest}, not {as_of}, and no report was written then"
            )
        click.echo(build.write(as_of or newest, output))


@cli.command()
@click.option("--all", "everything", is_flag=True, help="Also lifecycle models that are not enabled.")
def check(everything: bool) -> None:
    """Validate everything in config/: names file, line, key, value and remedy.

    Shows for every stage of the enabled lifecycle models a customer who would be in it.
    """
    from perennial.lifecycle.check import report

    found = config.load()
    for line in report(found, everything=everything):
        click.echo(line)
    click.echo(
        f"{paths.config()}: all right. {len(found.sources.sources)} sources, "
        f"{len(found.lifecycle.enabled)} of {len(found.lifecycle.models)} lifecycle models enabled, "
        f"{len(found.audiences.audiences)} audiences, {len(found.destinations.destinations)} destinations."
    )


@cli.command(
    context_settings={
        "ignore_unknown_options": True,
        "allow_extra_args": True,
        "help_option_names": [],
    }
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def psql(arguments: tuple[str, ...]) -> None:
    """Open the warehouse in psql, or pass it any psql ARGUMENTS, e.g. -c 'select 1'."""
    with _warehouse(stay=False):
        environment = os.environ | {"PAGER": os.environ.get("PAGER", "less -S")} | database.warehouse().libpq()
        sys.exit(subprocess.run([str(embedded.psql_path()), *arguments], env=environment, check=False).returncode)


@cli.command()
@click.option("--force", is_flag=True, help="Also when other sessions use it.")
def stop(force: bool) -> None:
    """Stop the embedded server."""
    click.echo(f"embedded server: {embedded.stop(force=force)}")


@cli.command()
@click.option(
    "--until",
    type=Date(),
    required=True,
    help="Bring the sample systems to the end of this business day.",
)
@click.option("--households", type=int, help="Only so many households (for a quick try).")
def sample(until: date, households: int | None) -> None:
    """Let the two sample source systems live until a day."""
    from perennial.sample import prepare

    _follow_to_terminal()
    with embedded.session():
        prepare(until, households)


@cli.command(
    context_settings={
        "ignore_unknown_options": True,
        "allow_extra_args": True,
        "help_option_names": [],
    }
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def dbt(arguments: tuple[str, ...]) -> None:
    """Run dbt with the warehouse's connection and the variables of its newest night, e.g. dbt show -s dim_customers."""
    from perennial import night, runs, transform

    with _warehouse(stay=False):
        as_of = night.horizon()
        if as_of is None:
            raise click.ClickException("no night has been built yet; run `perennial nightly` first")
        if not arguments:
            raise click.UsageError("say what dbt should do, e.g. perennial dbt show -s dim_customers")
        with runs.exclusively("marts"):
            if not set(arguments) & set(READS_ONLY):
                night.reopen(as_of)
                again = "nothing is exported before its tasks ran again from `transform` on"
                click.echo(f"night {as_of} is open again: {again}", err=True)
            transform.run(list(arguments), config.load(), as_of, database.warehouse())


@cli.command()
@click.option("--port", default=8080, show_default=True)
def ui(port: int) -> None:
    """Run Airflow's components on this machine until Ctrl-C."""
    from perennial import airflow_local, ui

    with airflow_local.alone("perennial ui"), embedded.session():
        ui.run(port)


cli.add_command(clv)
cli.add_command(backtest)
cli.add_command(explain_command.command(Date(), database.running))
cli.add_command(commands.lifecycle)
cli.add_command(identity.command(Date()))
cli.add_command(reference)
cli.add_command(watch)
cli.add_command(quarantine_commands.commands(database.running))
cli.add_command(source_commands.commands(database.running))
for command in (*activation.commands(database.running), *erasure.commands(database.running)):
    cli.add_command(command)


def main() -> None:
    """Entry point; errors that a person can mend are shown without a traceback."""
    try:
        sys.exit(cli(prog_name="perennial", standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (PerennialError, OSError) as error:
        click.echo(f"perennial: {error}", err=True)
        sys.exit(1)
    except (click.Abort, KeyboardInterrupt):
        click.echo("perennial: interrupted; run it again, nothing is half done", err=True)
        sys.exit(130)


def _follow_to_terminal() -> None:
    progress.listeners.append(lambda line: click.echo(f"  {line}"))


if __name__ == "__main__":
    main()
