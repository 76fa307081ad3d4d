"""docs/reference says what the code says, all of it, and nothing of the machine that wrote it."""

import re
import shutil
from pathlib import Path
from typing import Annotated, Literal

import pytest
import yaml
from click.testing import CliRunner
from pydantic import Field, model_validator

from perennial import config, destinations, sources
from perennial.cli import cli
from perennial.config import Config
from perennial.destinations.registry import kinds as destination_kinds
from perennial.entry import Entry, Identifier
from perennial.reference import build, comments, dbt_models, entries, exposures, settings, sql_tables
from perennial.reference.markdown import plain, prose
from perennial.sources.registry import kinds as source_kinds
from perennial.warehouse import contract

PROJECT = Path(__file__).parents[2]

TEAS = """
create table if not exists ops.teas (
    tea text primary key, -- a comment, with a comma
    grams numeric(18, 4) not null check (grams in (1, 2)),
    steeps double precision[] not null default '{}',
    check (grams > 0)
);
create table if not exists ops.cups (
    at date not null,
    no bigint,
    primary key (at)
);
alter table ops.cups drop column if exists no;
alter table ops.cups add column if not exists who text not null default '';
comment on table ops.cups is
'One row per cup; it''s '
'whole.';
comment on column ops.cups.who is 'Whose, --or nobody''s.';
"""


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    return build.pages(PROJECT, cli)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder of the test's own, with the pages that are committed."""
    for name in ("config", "sql", "plugins", "bi"):
        (tmp_path / name).symlink_to(PROJECT / name)
    shutil.copytree(PROJECT / "dbt_project", tmp_path / "dbt_project")
    shutil.copytree(PROJECT / build.FOLDER, tmp_path / build.FOLDER)
    monkeypatch.setenv("PERENNIAL_HOME", str(tmp_path))
    return tmp_path


class Tea(Entry):
    """What a made-up model says of itself."""

    leaves: Literal["green", "black"]
    grams: float = Field(default=2.5, gt=0, le=100)  # per cup
    cups: list[int] | None = Field(default=None, min_length=1)
    sugar: Annotated[float, Field(ge=0, le=0.5)] = 0
    steeps: list[int] = Field(min_length=2, max_length=2)
    pot: Identifier | None = None
    origin: dict[Identifier, Annotated[str, Field(max_length=9)]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _hot(self) -> "Tea":
        """`cups` are hot"""
        return self


def test_the_committed_pages_are_what_the_code_says():
    assert build.drift(PROJECT, cli) == []


def test_writing_them_again_changes_nothing(project):
    said = CliRunner().invoke(cli, ["reference"])
    assert (said.exit_code, said.output) == (0, "docs/reference and exposures are what the code says\n")


def test_a_page_edited_by_hand_is_named_with_its_line_and_the_remedy_and_mended_by_it(project):
    page = project / build.FOLDER / "tables.md"
    whole = page.read_text()
    page.write_text(whole.replace("# Tables", "# Tabels"))
    (project / build.FOLDER / "config.md").unlink()
    said = CliRunner().invoke(cli, ["reference", "--check"])
    assert said.exit_code == 1
    assert "docs/reference/tables.md:1: is not what the code says; run `perennial reference`" in said.output
    assert "docs/reference/config.md: no such file; run `perennial reference`" in said.output
    assert "commands.md" not in said.output
    mended = CliRunner().invoke(cli, ["reference"]).output
    assert mended == "wrote docs/reference/config.md\nwrote docs/reference/tables.md\n"
    assert page.read_text() == whole
    assert CliRunner().invoke(cli, ["reference", "--check"]).exit_code == 0


def test_a_page_that_lacks_its_end_is_named_by_the_line_after_its_last(project):
    page = project / build.FOLDER / "commands.md"
    lines = page.read_text().splitlines(keepends=True)
    page.write_text("".join(lines[:-1]))
    assert build.drift(project, cli)[0].startswith(f"docs/reference/commands.md:{len(lines)}:")


def test_an_audience_added_to_the_configuration_is_missed_among_the_exposures(project):
    (project / "config").unlink()
    shutil.copytree(PROJECT / "config", project / "config")
    with (project / "config" / "audiences.yml").open("a", encoding="utf-8") as file:
        file.write(
            "\n  fifty:\n    label: { en: Fifty days, zh: 五十天 }\n    objective: retain\n    purpose: service\n"
            "    destinations: [email_files]\n"
            "    where: { turning: { model: activity_fixed, into: [silent], within_days: 50 } }\n"
        )
    said = CliRunner().invoke(cli, ["reference", "--check"]).output
    assert "dbt_project/models/exposures.yml:" in said
    CliRunner().invoke(cli, ["reference"])
    told = yaml.safe_load((project / exposures.FILE).read_text("utf-8"))["exposures"]
    (fifty,) = [one for one in told if one["name"] == "audience_fifty"]
    read = ("audience_members", "customer_360", "customer_contacts", "customer_lifecycle")
    assert fifty["depends_on"] == [f"ref('{table}')" for table in read]
    assert fifty["description"].endswith("for service; goes to email_files (email).")


def test_every_audience_and_page_is_an_exposure_that_reads_something(pages):
    told = {one["name"]: one for one in yaml.safe_load(pages[str(exposures.FILE)])["exposures"]}
    audiences = config.load(PROJECT / "config").audiences.audiences
    assert set(told) == {
        "nightly_report",
        "pages_inside_airflow",
        "superset_customer_lifecycle",
        *(f"audience_{name}" for name in audiences),
    }
    assert [name for name, one in told.items() if len(one["depends_on"]) < 2] == []


def test_a_key_of_a_model_appears_with_its_type_limits_default_and_comment():
    text = entries.section(Tea, ["kitchen.tea"], {}, {})
    assert "What a made-up model says of itself." in text
    assert "At `kitchen.tea`." in text
    assert "| `leaves` | `green`, `black` | required |  |" in text
    assert "| `grams` | number, more than 0, at most 100 | `2.5` | per cup |" in text
    assert "| `cups` | list of whole number, at least 1 | – |  |" in text
    assert "| `sugar` | number, at least 0, at most 0.5 | `0` |  |" in text
    assert "| `steeps` | list of whole number, exactly 2 | required |  |" in text
    assert "| `pot` | name | – |  |" in text
    assert "| `origin` | (text, at most 9 letters) for each name | `{}` |  |" in text
    assert "- `cups` are hot." in text


def test_a_file_with_a_model_of_its_own_gets_its_place_in_the_page(monkeypatch):
    assert "tea.yml" not in settings.write(PROJECT)
    monkeypatch.setitem(settings.FILES, "tea.yml", Tea)
    added = settings.write(PROJECT)
    assert "- [config/tea.yml](#tea.yml)" in added
    assert "| `grams` | number, more than 0, at most 100 | `2.5` | per cup |" in added


def test_every_file_of_config_has_its_section(pages):
    patterns = [file.replace("<name>", "*") for file in settings.FILES]
    found = [path.relative_to(PROJECT / "config") for path in (PROJECT / "config").rglob("*") if path.is_file()]
    assert len(found) > 15
    assert [str(path) for path in found if not any(path.match(pattern) for pattern in patterns)] == []
    assert len(settings.FILES) == len(Config.__dataclass_fields__) + 2  # models and queries have a file each
    for file in settings.FILES:
        assert f"</a>config/{plain(file)}\n" in pages["docs/reference/config.md"]


@pytest.mark.parametrize(
    "module",
    [*source_kinds().values(), *destination_kinds().values()],
    ids=[*(f"source {name}" for name in source_kinds()), *(f"destination {name}" for name in destination_kinds())],
)
def test_every_kind_of_source_and_destination_has_all_its_keys(pages, module):
    assert module.__name__.startswith((sources.__name__, destinations.__name__))
    section = _section(pages["docs/reference/config.md"], entries.anchor(module.Settings))
    keys = [field.alias or name for name, field in module.Settings.model_fields.items()]
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == keys
    assert prose(module.__doc__).split("\n")[0] in section


def test_every_model_of_marts_is_there_with_all_its_columns(pages):
    count = 0
    for path in sorted((PROJECT / "dbt_project" / "models" / "marts").rglob("*.yml")):
        for model in yaml.safe_load(path.read_text()).get("models", []):
            found = re.search(rf'<a id="(\w+\.{model["name"]})"', pages["docs/reference/tables.md"])
            section = _section(pages["docs/reference/tables.md"], found[1])
            columns = [column["name"] for column in model["columns"]]
            assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == columns, path
            count += 1
    assert count > 50
    assert count == len(list((PROJECT / "dbt_project" / "models" / "marts").rglob("*.sql")))


def test_every_model_that_people_read_says_what_its_key_is():
    tables = dbt_models.read(PROJECT / "dbt_project")
    assert [table.name for table in tables if not table.key] == []
    assert all(table.description and all(c.description for c in table.columns) for table in tables)
    assert "doc(" not in str(tables)


def test_every_table_of_sql_and_every_column_of_it_is_told_of(pages):
    """In the page, which is written from the comments in sql/; what raw shares with staging is said there."""
    text = pages["docs/reference/tables.md"]
    made, _ = sql_tables.read(PROJECT / "sql")
    assert len(made) > 30
    assert [f"{table.schema}.{table.name}" for table in made if not table.description and table.schema != "raw"] == []
    for table in made:
        section = _section(text, f"{table.schema}.{table.name}")
        told = re.findall(r"^\| `(\w+)` \| [^|]+ \| +(\S?)", section, re.MULTILINE)
        assert [name for name, _ in told] == [column.name for column in table.columns]
        assert [name for name, said in told if said in ("", "|")] == []


def test_every_landed_table_has_the_columns_of_the_contract():
    tables, told = sql_tables.read(PROJECT / "sql")
    raw = {table.name: [column.name for column in table.columns] for table in tables if table.schema == "raw"}
    assert raw.keys() == contract.ENTITIES.keys()
    for name, entity in contract.ENTITIES.items():
        assert {column.name for column in entity.columns} <= set(raw[name])
    assert told["pii"] == "Contact details, and nothing else."


def test_tables_of_sql_are_those_that_its_statements_leave(tmp_path):
    (tmp_path / "010.sql").write_text(TEAS)
    teas, cups = sorted(sql_tables.read(tmp_path)[0], key=lambda table: table.name, reverse=True)
    assert [(c.name, c.type) for c in teas.columns] == [
        ("tea", "text"),
        ("grams", "numeric(18, 4)"),
        ("steeps", "double precision[]"),
    ]
    assert teas.key == ("tea",)
    assert [(c.name, c.description) for c in cups.columns] == [("at", ""), ("who", "Whose, --or nobody's.")]
    assert (cups.key, cups.description) == (("at",), "One row per cup; it's whole.")


def test_comments_of_a_file_belong_to_the_key_beside_or_below_them(tmp_path):
    file = tmp_path / "tea.yml"
    file.write_text(
        "# What we drink.\n\n"
        "# Every morning.\nleaves: green # or black\n"
        "pot: # the big one\n  litres: 2 # full\n  # handle: round # of wood\n"
        "cup: { size: 3, colour: '#fff' } # the small one\n"
    )
    top, told = comments.of_file(file)
    assert top == "What we drink."
    assert told == {
        "leaves": "Every morning.\nor black",
        "pot": "the big one",
        "pot.litres": "full",
        "pot.handle": "of wood",
        "cup": "the small one",
    }


def test_every_command_is_there_with_all_its_options(pages):
    commands = dict(_leaves(cli, "perennial"))
    assert len(commands) > 25
    for name, command in commands.items():
        section = _section(pages["docs/reference/commands.md"], name.replace(" ", "-"))
        assert name in section
        for option in (p for p in command.params if p.param_type_name == "option"):
            assert f"`{option.opts[-1]}" in section, (name, option.name)


def test_every_link_leads_somewhere_and_no_anchor_stands_twice(pages):
    for text in pages.values():
        anchors = re.findall(r'<a id="([^"]+)"', text)
        assert len(anchors) == len(set(anchors))
        assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= set(anchors)


def test_every_row_of_a_table_has_the_cells_of_its_header(pages):
    for text in pages.values():
        for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
            assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1, block


def test_no_page_holds_a_path_of_a_machine_or_a_moment(pages):
    for text in pages.values():
        assert str(PROJECT) not in text
        assert str(Path.home()) not in text
        assert re.findall(r"(?<![\w/.:>])/(?:home|root|tmp|usr|var|work|Users)/\S*", text) == []
        assert re.findall(r"0x[0-9a-f]{6,}|\d\d:\d\d:\d\d\.\d", text) == []
    assert sum(len(text.encode()) for text in pages.values()) < 400_000


def test_text_is_not_taken_for_markup_and_code_stays_as_it_is():
    assert plain("a * b <name>  of\n`<c>*`") == "a \\* b \\<name> of `<c>*`"


def _section(page: str, anchor: str) -> str:
    """What stands below a heading, up to the next."""
    return re.search(rf'<a id="{re.escape(anchor)}"></a>(.*?)(?=\n##|\Z)', page, re.DOTALL)[1]


def _leaves(group, name):
    for below, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _leaves(command, f"{name} {below}")
        else:
            yield f"{name} {below}", command
