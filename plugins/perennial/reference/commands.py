"""commands.md: every command with its arguments and options, as click knows them."""

from collections.abc import Iterator

import click

from perennial.reference.markdown import code, heading, link, page, plain, prose, table


def write(root: click.Group, name: str) -> str:
    """The page of the commands below `root`, which people call by `name`."""
    found = list(_commands(root, click.Context(root, info_name=name)))
    listed = "\n".join(
        f"- {link(context.command_path, _anchor(context))}: {_first(command.help)}" for command, context in found
    )
    parts = [_section(command, context) for command, context in found]
    return page("Commands", prose(root.help or ""), "Each of them has `--help`.", listed, *parts)


def _commands(group: click.Group, context: click.Context) -> Iterator[tuple[click.Command, click.Context]]:
    """Every command that is no group, with the context that knows its whole name."""
    for name in sorted(group.list_commands(context)):
        command = group.get_command(context, name)
        below = click.Context(command, info_name=name, parent=context)
        if isinstance(command, click.Group):
            yield from _commands(command, below)
        else:
            yield command, below


def _section(command: click.Command, context: click.Context) -> str:
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    options = [p for p in command.params if isinstance(p, click.Option) and not p.hidden]
    records = [option.get_help_record(context) for option in options]
    rows = [[code(name), plain(said)] for name, said in records]
    parts = [
        heading(2, context.command_path, _anchor(context)),
        f"```sh\n{usage}\n```",
        prose(command.help or ""),
        table(["option", "what it does"], rows) if rows else "",
    ]
    return "\n\n".join(part for part in parts if part)


def _anchor(context: click.Context) -> str:
    return context.command_path.replace(" ", "-")


def _first(text: str | None) -> str:
    return plain((text or "").split("\n\n")[0])
