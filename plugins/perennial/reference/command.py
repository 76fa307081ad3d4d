"""The command `perennial reference`."""

import click

from perennial import paths


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; fail if a page is not what the code says.")
@click.pass_context
def reference(context: click.Context, check: bool) -> None:
    """Write docs/reference anew, every key of config/, every table, every command, and who reads dbt's tables."""
    from perennial.reference import build

    root = context.find_root().command
    if check:
        problems = build.drift(paths.home(), root)
        if problems:
            raise click.ClickException("\n".join(problems))
        return
    changed = build.write(paths.home(), root)
    click.echo("\n".join(f"wrote {path}" for path in changed) or "docs/reference and exposures are what the code says")
