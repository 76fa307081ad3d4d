"""Every page for every role: what is seen, and that no contact detail is among it."""

import re

import pytest
from pages_warehouse import DONE, NIGHT, PEOPLE, RETIRED, WAITS
from visits import ADDRESS, FORMS, PAGES, ROLES

from perennial import paths
from perennial.connections import Connection
from perennial.warehouse import database

pytestmark = [pytest.mark.server, pytest.mark.airflow]


@pytest.mark.parametrize("role", ROLES)
def test_every_role_reads_every_page_and_no_contact_detail(visit, written, role):
    for path in PAGES:
        found = visit(role).get(path)
        assert found.status_code == 200, path
        assert not ADDRESS.search(found.text), path
        assert "frame-ancestors 'self'" in found.headers["content-security-policy"]


def test_nobody_sees_anything_without_signing_in(visit, written):
    for path in ("/", *PAGES):
        assert visit(None).get(path).status_code == 401, path
    for path, fields in FORMS.items():
        answer = visit(None).client.post(f"/perennial{path}", data=fields | {"token": "x"})
        assert answer.status_code == 401, path


def test_every_route_asks_who_it_is(visit):
    """One that does not would be open to the world: Airflow guards no plugin's routes."""
    from perennial.pages import host
    from perennial.pages.app import build

    def asks(dependant) -> bool:
        return dependant.call is host.get_user or any(map(asks, dependant.dependencies))

    routes = build().routes
    assert len(routes) >= 11
    assert [route.path for route in routes if not asks(route.dependant)] == []


def test_who_may_not_see_the_nightly_dag_sees_no_page(visit, monkeypatch):
    from perennial.pages import host

    monkeypatch.setattr(host, "may_read", lambda user: False)
    found = visit("ADMIN").get("/audiences")
    assert found.status_code == 403
    assert "right to read the DAG customer_lifecycle" in found.text


@pytest.mark.parametrize("name", ["../../secret", "%2e%2e%2fsecret", "latest", "2017-13-45"])
def test_a_report_is_one_of_a_night_and_nothing_else(visit, written, name):
    (paths.state() / "secret.html").write_text("secret")
    found = visit("ADMIN").get(f"/lifecycle/{name}")
    assert found.status_code in (404, 422)
    assert "secret" not in found.text


def test_audiences_are_filtered_by_state_and_destination(visit):
    def shown(query: str) -> set[str]:
        return set(re.findall(r'scope="row".*?/audiences/([^"]+)"', visit("VIEWER").get(f"/audiences{query}").text))

    assert shown("") == {WAITS, DONE}
    assert shown("?status=waiting") == {WAITS}
    assert shown("?destination=sms_files") == {DONE}
    assert shown("?status=waiting&destination=sms_files") == set()


def test_changes_come_page_by_page_and_each_once(visit):
    seen, path = [], f"/audiences/{WAITS}"
    while path:
        page = visit("VIEWER").get(path).text
        rows = re.findall(r'/customers/([0-9a-f]{32})".*?</th><td><span class="en">(\w[\w ]*)<', page)
        assert 0 < len(rows) <= 51
        seen += rows
        more = re.search(r'rel="next" href="/perennial([^"]+)"', page)
        path = more and more[1].replace("&amp;", "&")
    assert len(seen) == len(set(seen)) == 121
    assert {key for key, _ in seen} == set(PEOPLE)
    removed = visit("VIEWER").get(f"/audiences/{WAITS}?op=remove").text
    assert re.findall(r"/customers/([0-9a-f]{32})", removed) == [PEOPLE[2]]


def test_an_empty_night_and_an_empty_warehouse_say_what_to_do(visit, stocked, server, monkeypatch):
    def use(name: str) -> None:
        where = Connection("postgres", server.host, login=server.login, database=name)
        monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", where.to_json())

    with database.connect(stocked) as session:
        session.execute("truncate activation.export_runs")
    assert "Nothing was planned in this night" in visit("VIEWER").get("/audiences").text
    assert "No report was written yet" in visit("VIEWER").get("/lifecycle").text
    use("template")
    for path in ("/audiences", f"/customers/{PEOPLE[0]}"):
        assert "o night has been built yet" in visit("VIEWER").get(path).text
    use("postgres")
    assert "No night has been built yet" in visit("VIEWER").get("/audiences").text


def test_a_warehouse_that_is_away_is_told_of_and_not_quoted(visit, state, monkeypatch):
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", Connection("postgres", str(state), login="x", database="y").to_json())
    found = visit("VIEWER").get("/audiences")
    assert found.status_code == 503
    assert "Is the server running" in found.text


@pytest.mark.parametrize("typed", ["eve@example.com", "+1 202-555-0123", "shop:eve@example.com", "000000", "zz"])
def test_who_is_not_found_is_not_repeated(visit, typed):
    found = visit("VIEWER").post("/customers", customer=typed)
    assert found.status_code == 404
    assert typed not in found.text
    assert "Nobody was found" in found.text


@pytest.mark.parametrize("typed", [PEOPLE[7], PEOPLE[7][:12], "shop:7"])
def test_a_key_its_beginning_or_an_id_of_a_source_leads_to_the_customer(visit, typed):
    found = visit("VIEWER").post("/customers", customer=typed)
    assert found.headers["location"] == f"/perennial/customers/{PEOPLE[7]}"


def test_a_key_that_a_merge_retired_is_kept_so_that_the_story_says_whose_it_was(visit):
    found = visit("VIEWER").post("/customers", customer=RETIRED[:9])
    assert found.headers["location"] == f"/perennial/customers/{RETIRED}"


def test_a_search_comes_with_a_form_of_ours_and_never_by_address(visit):
    assert visit("VIEWER").post("/customers", customer=PEOPLE[7], token="").status_code == 403
    assert PEOPLE[7] not in visit("VIEWER").get(f"/customers?customer={PEOPLE[7]}").text


def test_a_story_is_told_as_the_command_tells_it_and_who_looked_is_noted(visit, monkeypatch, audit):
    from perennial.pages import customers

    person = type("Person", (), {"customer_key": PEOPLE[7]})
    life = type("Life", (), {"lifecycle_model": "ecommerce"})
    about = type("Story", (), {"person": person, "lives": [life], "on": NIGHT})
    monkeypatch.setattr(customers, "story", lambda *args, **more: about)
    lines = {
        "en": "Customer x\nKnown.\n\nNext\n  in  2 days\n      because",
        "zh": "客户 x\n已知。\n\n接下来\n  2天后\n      原因",
    }
    monkeypatch.setattr(customers, "tell", lambda story, lang, full: lines[lang])
    page = visit("VIEWER").get(f"/customers/{PEOPLE[7]}").text
    for text in ("Known.", "已知。", "Next", "in 2 days", "because", "原因"):
        assert text in page
    assert audit() == [("ann-viewer", "looked up", None, PEOPLE[7])]


def test_links_stay_below_the_path_that_airflow_is_mounted_on(visit):
    client = visit("VIEWER").client
    client.app.root_path = "/airflow"
    links = re.findall(r'(?:href|src|action)="(/[^"]*)"', client.get("/airflow/perennial/audiences").text)
    assert len(links) > 8
    assert [link for link in links if not link.startswith("/airflow/perennial/")] == []
    start = client.get("/airflow/perennial/", follow_redirects=False)
    assert start.headers["location"] == "/airflow/perennial/audiences"
