"""`perennial erase` and `perennial export-person`."""

import getpass
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import click

from perennial import config, paths
from perennial.connections import configured
from perennial.erasure import erase, export, papers
from perennial.erasure.erase import Erased
from perennial.erasure.person import Person
from perennial.erasure.proof import Found
from perennial.warehouse import database
from perennial.warehouse.database import connect

Running = Callable[..., AbstractContextManager[Any]]


def commands(running: Running) -> list[click.Command]:
    """The commands; `running` gives a reachable warehouse."""

    @click.command("erase")
    @click.argument("key")
    @click.option("--dry-run", is_flag=True, help="Only say where she stands; nothing is changed.")
    @click.option("--yes", is_flag=True, help="Ask nothing.")
    @click.option("--by", default=getpass.getuser, show_default="the user of this machine", help="Who asks for it.")
    def run_erase(key: str, dry_run: bool, yes: bool, by: str) -> None:
        """Erase the customer KEY everywhere; dates and amounts stay, so every total does.

        KEY is a customer_key, also a retired one, or source:customer_id. It cannot be undone. What was interrupted is
        finished by the next `perennial erase`.
        """
        settings = config.load()
        with running(), erase.ready(settings) as as_of:
            for one in [] if dry_run else erase.open_ones():
                click.echo("an erasure that was interrupted is finished first")
                _tell(erase.finish(one, settings, as_of, configured))
            with connect() as session:
                if day := erase.erased_on(session, key):
                    click.echo(f"that customer was erased on {day}")
                    return
                person, found = erase.preview(session, key, settings, configured)
            _preview(person, found)
            if dry_run or not (yes or click.confirm("Erase her? This cannot be undone")):
                return
            _tell(erase.erase(person, by, settings, as_of, configured))

    @click.command("export-person")
    @click.argument("key")
    @click.option("--to", type=click.Path(file_okay=False, path_type=Path), help="Folder; without it persons/.")
    def export_person(key: str, to: Path | None) -> None:
        """Write everything the warehouse holds about the customer KEY into one JSON file, contact details included.

        KEY is as for `perennial erase`. Only the owner of the file may read it: hand it to her, then delete it.
        """
        settings = config.load()
        with running():
            database.migrate()
            file, sections, rows = export.write(key, settings, to or paths.state() / papers.PERSONS)
        click.echo(f"{file}: {rows:,} rows of {sections} tables. It holds her contact details.")

    return [run_erase, export_person]


def _preview(person: Person, found: Found) -> None:
    click.echo(
        f"{len(person.records)} customer records, {len(person.addresses)} addresses and numbers that are hers alone"
    )
    if person.shared:
        click.echo(f"{person.shared} more are shared with other customers: theirs stay")
    for place, rows in found.places.items():
        click.echo(f"  {rows:>9,}  {place}")


def _tell(done: Erased) -> None:
    click.echo(f"erased: {done.rows:,} rows of the warehouse, {done.landed_rows:,} landed rows, {done.files:,} files")
    proof = done.proof
    click.echo(f"looked through {proof.tables:,} tables and {proof.files:,} files afterwards: {proof.hits:,} hits")
    for destination, audience in done.waiting:
        click.echo(f"{destination}: the next plan takes her out of {audience}; until then her address is kept for it")
    click.echo("To be done by a person:")
    for line in done.by_hand:
        click.echo(f"  - {line}")
