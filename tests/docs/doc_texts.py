"""What the documents for users hold: fenced blocks, commands, links and names of tables."""

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

import yaml

PROJECT = Path(__file__).parents[2]
GUIDES = sorted((PROJECT / "docs" / "guides").glob("*.md"))
DOCUMENTS = [PROJECT / "README.md", PROJECT / "README.zh-CN.md", *GUIDES]
OTHERS = [PROJECT / "CONTRIBUTING.md", PROJECT / "CHANGELOG.md", *sorted((PROJECT / "docs" / "decisions").glob("*.md"))]

FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
IN_TEXT = re.compile(r"`([^`]+)`")
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
NAMED = re.compile(r"(?:#|--) (\S+)\n")  # first line of a block that is a file
OURS = re.compile(r"^(?:\.venv/bin/)?perennial (?=[a-z])|^make (?=[a-z])")


@dataclass(frozen=True)
class Block:
    """A fenced block; `file` is the path that its first line names."""

    language: str
    text: str

    @property
    def file(self) -> str | None:
        found = NAMED.match(self.text)
        return found[1] if found else None

    @property
    def content(self) -> str:
        """What follows the line with the path."""
        return NAMED.sub("", self.text, count=1)


def blocks(document: Path) -> list[Block]:
    """All fenced blocks, in order."""
    return [Block(*found) for found in FENCED.findall(document.read_text("utf-8"))]


def whole_commands(document: Path) -> list[list[str]]:
    """The lines of shell blocks that call us, as words."""
    texts = [block.text.replace("\\\n", " ") for block in blocks(document) if block.language == "sh"]
    lines = [line for text in texts for line in text.splitlines() if OURS.match(line)]
    return [_words(line) for line in lines]


def named_commands(document: Path) -> list[list[str]]:
    """What text and tables call so, perhaps without all that it needs."""
    prose = FENCED.sub("", document.read_text("utf-8"))
    quoted = (" ".join(found.split()) for found in IN_TEXT.findall(prose))
    return [_words(text) for text in quoted if OURS.match(text)]


def links(document: Path) -> list[str]:
    """Targets of links and images within the project."""
    return [target for target in LINK.findall(document.read_text("utf-8")) if "://" not in target]


def tables(text: str, schemas: set[str]) -> list[tuple[str, str]]:
    """The tables that a text names in backticks, where it says of which schema they are."""
    found = [tuple(name.split(".")) for name in IN_TEXT.findall(text) if re.fullmatch(r"[a-z]+\.[a-z0-9_]+", name)]
    return [(schema, name) for schema, name in found if schema in schemas]


def first_cells(document: Path, heading: str) -> list[tuple[str, str]]:
    """The tables of the first column below a heading; one without a schema has that of the one before it."""
    section = document.read_text("utf-8").partition(f"## {heading}\n")[2].partition("\n## ")[0]
    found = []
    for row in re.findall(r"^\| (`.*?) \|", section, re.MULTILINE):
        schema = ""
        for name in IN_TEXT.findall(row):
            schema, _, table = name.rpartition(".") if "." in name else (schema, "", name)
            found.append((schema, table))
    return found


def known_tables() -> set[tuple[str, str]]:
    """(schema, name) of everything that dbt or sql/ makes."""
    folder, found = PROJECT / "dbt_project" / "models", set()
    for path in folder.rglob("*.sql"):
        parts = path.relative_to(folder).parts
        usual = "activation" if parts[:2] == ("marts", "activation") else parts[0]
        said = re.search(r"\bschema='(\w+)'", path.read_text("utf-8"))
        found.add((said[1] if said else usual, path.stem))
    found |= {("marts", path.stem) for path in (PROJECT / "dbt_project" / "seeds").glob("*.csv")}
    statements = "".join(path.read_text("utf-8") for path in (PROJECT / "sql").glob("*.sql"))
    return found | set(re.findall(r"create (?:table|view)(?: if not exists)? (\w+)\.(\w+)", statements))


def columns(schema: str, table: str) -> set[str]:
    """The columns of a table, as its yml or the statement that makes it says; none if it is not one of ours."""
    for path in (PROJECT / "dbt_project" / "models").rglob(f"{table}.yml"):
        return {column["name"] for column in yaml.safe_load(path.read_text("utf-8"))["models"][0]["columns"]}
    statements = "".join(path.read_text("utf-8") for path in (PROJECT / "sql").glob("*.sql"))
    made = re.search(rf"create table if not exists {schema}\.{table} \((.*?)\n\);", statements, re.DOTALL)
    return set(re.findall(r"^    (\w+) ", made[1], re.MULTILINE)) if made else set()


def _words(line: str) -> list[str]:
    return shlex.split(line.removeprefix(".venv/bin/"), comments=True)
