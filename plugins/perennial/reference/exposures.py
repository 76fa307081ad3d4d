"""exposures.yml of dbt: who reads its tables in the end, by config/ and the queries of report, pages and dashboard."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from perennial import config
from perennial.activation.compile import condition
from perennial.config import Config
from perennial.report import registry

FILE = Path("dbt_project/models/exposures.yml")
TOP = """\
# Who reads the tables in the end: before one of these models changes, look here. Written by `perennial reference` from
# config/ and the queries of report, pages and dashboard; do not edit.
"""
TABLE = re.compile(r"\b(?:marts|activation|pii|intermediate)\.(\w+)")
# the pages, and what tells a customer's story on them and in `perennial explain`
PAGES = ("pages/*.py", "activation/standing.py", "lifecycle/explain.py", "lifecycle/find.py", "lifecycle/life.py")
PAGES += ("lifecycle/touches.py",)


@dataclass(frozen=True)
class Exposure:
    """Who reads, and which models; `kind` is one of dbt's types of exposures."""

    name: str
    label: str
    kind: str
    description: str
    reads: set[str]


def write(home: Path) -> str:
    """The file of the project in `home`."""
    project = home / "dbt_project"
    known = {path.stem for path in (project / "models").rglob("*.sql")}
    known |= {path.stem for path in (project / "seeds").glob("*.csv")}
    found = [_report(), _pages(home), *_dashboards(home), *_audiences(config.load(home / "config"))]
    told = {"exposures": [_entry(one, known) for one in found]}
    return TOP + yaml.dump(told, Dumper=_Indented, sort_keys=False, allow_unicode=True, width=10_000)


def _report() -> Exposure:
    queries = [query for section in registry.load().values() for query in section.QUERIES.values()]
    said = "The HTML file of every night, and the page Lifecycle inside Airflow."
    return Exposure("nightly_report", "Nightly report", "dashboard", said, _tables(queries))


def _pages(home: Path) -> Exposure:
    package = home / "plugins" / "perennial"
    texts = [path.read_text("utf-8") for pattern in PAGES for path in sorted(package.glob(pattern))]
    said = "The pages Audiences and Customer; the latter tells what `perennial explain` tells."
    return Exposure("pages_inside_airflow", "Pages inside Airflow", "application", said, _tables(texts))


def _dashboards(home: Path) -> Iterator[Exposure]:
    bundle = home / "bi" / "superset"
    datasets = [yaml.safe_load(path.read_text("utf-8")) for path in sorted((bundle / "datasets").rglob("*.yaml"))]
    reads = _tables(entry["sql"] or f"{entry['schema']}.{entry['table_name']}" for entry in datasets)
    for path in sorted((bundle / "dashboards").glob("*.yaml")):
        title = yaml.safe_load(path.read_text("utf-8"))["dashboard_title"]
        said = "The dashboard for Superset in bi/superset, which reads as perennial_bi."
        yield Exposure(f"superset_{path.stem}", title, "dashboard", said, reads)


def _audiences(settings: Config) -> Iterator[Exposure]:
    destinations = settings.destinations.destinations
    for name, audience in settings.audiences.audiences.items():
        where = condition(audience, settings.lifecycle.default) or ""
        reads = {"audience_members", "customer_contacts"} | _tables([settings.audiences.queries.get(name, "")])
        reads |= {"customer_lifecycle"} if " lifecycle " in where else set()
        reads |= {"playbook"} if audience.playbook else set()
        attributes = any(destinations[target].attributes for target in audience.destinations)
        reads |= {"customer_360"} if where or attributes else set()
        goes = ", ".join(f"{target} ({destinations[target].channel})" for target in audience.destinations)
        said = f"An audience of config/audiences.yml, for {audience.purpose}; goes to {goes or 'nobody yet'}."
        label = f"{audience.label.en} {audience.label.zh}"
        yield Exposure(f"audience_{name}", label, "application", said, reads)


def _tables(texts: Iterable[str]) -> set[str]:
    return {table for text in texts for table in TABLE.findall(text)}


def _entry(one: Exposure, known: set[str]) -> dict[str, object]:
    return {
        "name": one.name,
        "label": one.label,
        "type": one.kind,
        "maturity": "high",
        "description": one.description,
        "owner": {"name": "Perennial"},
        "depends_on": [f"ref('{table}')" for table in sorted(one.reads & known)],
    }


class _Indented(yaml.SafeDumper):
    """Lists stand further right than their key."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """As the parent does, never without indent."""
        super().increase_indent(flow, False)
