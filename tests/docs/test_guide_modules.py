"""The modules that the guide on connectors shows are found by the registries and do what it says."""

import importlib
import sys
from datetime import UTC, date, datetime
from types import ModuleType

import httpx
import pytest
import yaml
from doc_texts import PROJECT, blocks

from perennial import destinations, http_client, sources
from perennial.connections import Connection
from perennial.destinations.base import Change, Delivery, Member, OptOut, Outcome
from perennial.destinations.registry import kinds as destination_kinds
from perennial.sources.registry import kinds as source_kinds

SHOWN = {block.file: block for block in blocks(PROJECT / "docs" / "guides" / "add-a-connector.md") if block.file}
KEY = "the key of nobody"


@pytest.fixture
def asked(monkeypatch) -> list[httpx.Request]:
    """What a vendor was asked; it answers GET with `answers` by path, anything else with nothing."""
    answers = {
        "/sales": [{"order_id": 1, "amount": 5, "changed_at": "2017-09-30T10:00:00+00:00", "cashier": "not mapped"}],
        "/left": [{"email": "ann@example.com", "at": "2017-09-30T10:00:00+00:00"}],
    }
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200, json=answers[request.url.path]) if request.method == "GET" else httpx.Response(204)

    monkeypatch.setattr(http_client, "_connections", lambda: httpx.Client(transport=httpx.MockTransport(answer)))
    return requests


@pytest.fixture
def shown(tmp_path, monkeypatch):
    """Import the guide's module as one more of a package; its registry forgets it afterwards."""
    made = []

    def module(package: ModuleType, name: str, kinds) -> ModuleType:
        block = SHOWN[f"plugins/{package.__name__.replace('.', '/')}/{name}.py"]
        (tmp_path / f"{name}.py").write_text(block.content, "utf-8")
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
        kinds.cache_clear()
        made.append((package, name, kinds))
        return importlib.import_module(f"{package.__name__}.{name}")

    yield module
    for package, name, kinds in made:
        delattr(package, name)
        del sys.modules[f"{package.__name__}.{name}"]
        kinds.cache_clear()


def test_the_source_is_found_and_reads_from_where_it_ended(shown, asked):
    module = shown(sources, "till", source_kinds)
    assert source_kinds()["till"] is module
    entry = yaml.safe_load(SHOWN["config/sources.yml"].content)["sources"]["tills"]
    settings = module.Settings.model_validate(entry)
    connection = Connection("http", host="https://till.example", password=KEY)
    for position in (None, {"newest": "2017-09-29T12:00:00+00:00"}):
        ((entity, extract),) = module.open("tills", settings, connection, {"orders": position}, date(2017, 9, 30))
        (table,) = list(extract.tables)
        assert (entity, table.to_pylist()[0]["order_id"], "cashier" in table.column_names) == ("orders", "1", False)
        assert extract.position()["newest"].startswith("2017-09-30T10:00:00")
    assert [str(request.url.query, "ascii") for request in asked] == ["", "changed_since=2017-09-26T12%3A00%3A00Z"]


def test_the_destination_is_found_and_delivers(shown, asked):
    module = shown(destinations, "mailer", destination_kinds)
    assert destination_kinds()["mailer"] is module
    settings = module.Settings(kind="mailer", channel="email", connection="mailer")
    made = module.Destination(settings, Connection("http", password=KEY))
    ann, bo = (Member(name, f"{name}@example.com", {"stage": "new"}) for name in ("ann", "bo"))
    changes = [Change("remove", bo), Change("add", ann)]
    night = date(2017, 9, 30)
    delivery = Delivery("plan", night, night, "win_back", changes, lambda: iter([ann]), ("stage",))
    assert list(made.deliver(delivery)) == [Outcome("bo", "remove", "done"), Outcome("ann", "add", "done")]
    assert [(r.method, r.url.path, r.content) for r in asked] == [
        ("DELETE", "/lists/win_back/bo", b""),
        ("PUT", "/lists/win_back/ann", b'{"email":"ann@example.com","stage":"new"}'),
    ]
    assert list(made.opt_outs(None)) == [
        OptOut("ann@example.com", "email", "unsubscribed", datetime(2017, 9, 30, 10, tzinfo=UTC))
    ]
