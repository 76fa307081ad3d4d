"""What README, README.zh-CN, the guides, CONTRIBUTING, CHANGELOG and the decisions say can be done.

Run here: `perennial check` on the configuration that each guide shows, and `perennial clv fit` with the guide's file.
Of all other commands of ours name, options and values are checked here, since they need a server or a whole night; each
is run, with arguments of its own, in `tests/e2e/`, `activation/`, `identity/`, `lifecycle/`, `sources/` or
`warehouse/`. Of the Makefile only `help` is run, and what the other targets call is checked. Lines that call git, cp,
docker, airflow or superset are not checked, but for the container they name.
"""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml
from click.testing import CliRunner
from doc_texts import (
    DOCUMENTS,
    GUIDES,
    OTHERS,
    PROJECT,
    blocks,
    columns,
    first_cells,
    known_tables,
    links,
    named_commands,
    tables,
    whole_commands,
)

from perennial import cli

MAKEFILE = (PROJECT / "Makefile").read_text("utf-8")
SQL = {"select", "from", "where", "and", "is", "null", "order", "by", "desc", "nulls", "last", "limit", "max"}
TARGETS = set(re.findall(r"^([a-z-]+):.*##", MAKEFILE, re.MULTILINE))
CONFIGURES = ("be-told.md", "connect-your-shop.md", "define-an-audience.md", "write-a-lifecycle-model.md")
VARIABLES = set(re.findall(r"\$\((?:if \$\()?([A-Z_]+)\)", MAKEFILE))


def wrong(words: list[str], *, whole: bool) -> str | None:
    """Why a command line would be refused before it does anything; `whole`: nothing may be missing either."""
    if words[0] == "make":
        asked = [word.partition("=") for word in words[1:]]
        unknown = [name for name, given, _ in asked if name not in (VARIABLES if given else TARGETS)]
        return f"make knows no {unknown[0]}" if unknown else None
    command, context, rest = cli.cli, click.Context(cli.cli, info_name="perennial"), words[1:]
    try:
        while isinstance(command, click.Group) and rest:
            _, command, rest = command.resolve_command(context, rest)
            context = click.Context(command, parent=context, info_name=command.name, **command.context_settings)
        if isinstance(command, click.Group):
            return f"{command.name} wants a command" if whole else None
        if whole:
            command.make_context(command.name, rest, parent=context.parent)
        elif rest:
            command.make_parser(context).parse_args(rest)
    except click.ClickException as error:
        return error.format_message()
    return None


def of(documents: list[Path]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("document", documents, ids=lambda path: path.name)


@of([*DOCUMENTS, *OTHERS])
def test_every_command_exists_with_its_options_and_values(document, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where a guide's files are
    for block in blocks(document):
        if block.language == "csv" and "/" not in block.file:
            Path(block.file).write_text(block.content, "utf-8")
    asked = [(words, True) for words in whole_commands(document)] + [
        (words, False) for words in named_commands(document)
    ]
    found = {" ".join(words): wrong(words, whole=whole) for words, whole in asked}
    assert {line: why for line, why in found.items() if why} == {}
    assert found or document in OTHERS


def test_what_make_calls_of_ours_exists_with_its_options_and_values():
    """For every target; nothing is run, as installing and a whole night take minutes."""
    asked = ["make", "--dry-run", "--no-print-directory", "-C", str(PROJECT), *sorted(TARGETS)]
    shown = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    called = {line.strip() for line in re.findall(r"bin/(perennial [a-z][^;|\n]*)", shown)}
    assert {line.split()[1] for line in called} >= {"sample", "nightly", "ui", "dbt", "stop", "check", "reference"}
    assert {line: why for line in called if (why := wrong(shlex.split(line), whole=True))} == {}
    files = re.findall(r"bin/python (\S+\.py)", shown)
    assert len(files) > 5
    assert [file for file in files if not (PROJECT / file).exists()] == []


def command_of(words: list[str]) -> tuple[str, ...]:
    """The names of a command of ours, without arguments and options."""
    command, named = cli.cli, []
    while isinstance(command, click.Group) and len(named) + 1 < len(words):
        name, command, _ = command.resolve_command(click.Context(command), words[len(named) + 1 :])
        named.append(name)
    return tuple(named)


def test_every_command_that_is_named_is_run_by_a_test():
    texts = "\n".join(path.read_text("utf-8") for path in (PROJECT / "tests").rglob("*.py") if path != Path(__file__))
    asked = {
        command_of(w)
        for d in [*DOCUMENTS, *OTHERS]
        for w in [*whole_commands(d), *named_commands(d)]
        if w[0] == "perennial"
    }
    assert len(asked) > 20
    # as words of a list, ["clv", "fit"], or of a line, "clv fit"
    assert [names for names in asked if not re.search('"' + '(?:", *"| )'.join(names) + r"\b", texts)] == []


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("perennial nightlyy", "No such command 'nightlyy'"),
        ("perennial sources chek market", "No such command 'chek'"),
        ("perennial sources", "sources wants a command"),
        ("perennial nightly --asof 2017-10-01", "--asof"),
        ("perennial nightly --as-of tomorrow", "'tomorrow' is not a date"),
        ("perennial explain", "Missing argument 'CUSTOMER'"),
        ("make demos", "make knows no demos"),
        ("make nightly AS_FO=2017-10-01", "make knows no AS_FO"),
    ],
)
def test_a_command_that_is_none_is_found(line, says):
    assert says in wrong(line.split(), whole=True)


def test_an_unknown_option_is_found_where_the_rest_is_left_out():
    assert "--lng" in wrong(["perennial", "explain", "--lng", "zh"], whole=False)
    assert wrong(["perennial", "explain"], whole=False) is None


@of([*DOCUMENTS, *OTHERS])
def test_every_link_and_image_is_there(document):
    assert [target for target in links(document) if not (document.parent / target).exists()] == []


def test_both_readmes_lead_to_each_other_and_to_every_guide():
    for readme, other in (DOCUMENTS[:2], DOCUMENTS[1::-1]):
        assert {other.name, *(f"docs/guides/{guide.name}" for guide in GUIDES)} <= set(links(readme))


@of([*DOCUMENTS, *OTHERS])
def test_every_table_that_is_named_is_made(document):
    known = known_tables()
    named = tables(document.read_text("utf-8"), {schema for schema, _ in known})
    queries = " ".join(block.text for block in blocks(document) if block.language in ("sql", "sh"))
    queried = [tuple(name.split(".")) for name in re.findall(r"\b(?:from|join) (\w+\.\w+)", queries)]
    assert sorted({*named, *queried} - known) == []


@of(GUIDES)
def test_a_guide_queries_columns_that_are_there(document):
    """Each query of a guide reads one table and renames nothing."""
    for block in blocks(document):
        if block.language == "sql":
            query = re.sub(r"--[^\n]*|'[^']*'", "", block.text)
            ((schema, table),) = set(re.findall(r"\bfrom (\w+)\.(\w+)", query))
            words = set(re.findall(r"\b[a-z]\w*", query.replace(f"{schema}.{table}", ""))) - SQL
            assert words - columns(schema, table) == set()


@pytest.mark.parametrize(("readme", "heading"), [(0, "What you get"), (1, "能得到什么")])
def test_every_table_that_a_readme_promises_is_made(readme, heading):
    promised = first_cells(DOCUMENTS[readme], heading)
    assert len(promised) > 15
    assert sorted(set(promised) - known_tables()) == []


@of(GUIDES)
def test_every_example_says_which_file_it_is(document):
    assert [b.text for b in blocks(document) if b.language in ("yaml", "csv", "python") and not b.file] == []


def merged(old: dict, new: dict) -> dict:
    """What the file says once the guide's entries are added."""
    both = {key: merged(old[key], new[key]) for key in old.keys() & new.keys() if isinstance(old[key], dict)}
    return old | new | both


def write(document: Path, folder: Path) -> Iterator[Path]:
    """Put a guide's files into a copy of config/; entries of a file that is there are added to it."""
    for block in blocks(document):
        if not (block.file or "").startswith("config/"):
            continue
        path = folder / Path(block.file).relative_to("config")
        if path.suffix == ".yml" and path.exists():
            both = merged(yaml.safe_load(path.read_text("utf-8")), yaml.safe_load(block.content))
            path.write_text(yaml.safe_dump(both, allow_unicode=True, sort_keys=False), "utf-8")
        else:
            path.write_text(block.content, "utf-8")
        yield path


@of([guide for guide in GUIDES if guide.name in CONFIGURES])
def test_perennial_check_takes_the_configuration_that_a_guide_shows(document, config_folder):
    assert {path.name for path in write(document, config_folder)}
    done = CliRunner().invoke(cli.cli, ["check"])
    assert done.exception is None, done.exception
    assert "all right" in done.output


def test_the_forecast_of_a_file_is_made_as_the_guide_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    guide = PROJECT / "docs" / "guides" / "read-the-clv.md"
    (orders,) = [block for block in blocks(guide) if block.language == "csv"]
    Path(orders.file).write_text(orders.content, "utf-8")
    said = []
    for words in whole_commands(guide):
        if words[1] == "clv":
            done = CliRunner().invoke(cli.cli, words[1:], catch_exceptions=False)
            said.append(done.output)
            assert done.exit_code == 0
    assert "3 customers, 6 orders until 2017-04-02" in said[0]
    assert "recent_rate" in said[0], "the guide says that so few are too few for a model"
    assert len(Path("predictions.csv").read_text("utf-8").splitlines()) == 4
    assert '"rows_after_until": 1' in said[1]


@of(DOCUMENTS)
def test_a_container_that_is_named_exists(document):
    services = yaml.safe_load((PROJECT / "docker-compose.yml").read_text("utf-8"))["services"]
    named = set(re.findall(r"docker compose exec (?:-T )?(\S+)", document.read_text("utf-8")))
    assert named <= services.keys()
