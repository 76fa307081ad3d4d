"""Decisions and downloads: who may, from where, on what, and that it is noted."""

import pytest
from pages_warehouse import CONTENT, DONE, HASH, NIGHT, WAITS, write_file
from visits import DECIDERS, FORMS, ROLES

from perennial import paths
from perennial.warehouse import database

pytestmark = [pytest.mark.server, pytest.mark.airflow]


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize("role", ROLES)
def test_who_may_only_read_decides_nothing_and_gets_no_file(visit, written, rows, sent, role, path, audit):
    found = visit(role).post(path, **FORMS[path])
    if role in DECIDERS:
        assert found.status_code in (200, 303)
        assert [row[0] for row in audit()] == [f"ann-{role.lower()}"]
    else:
        assert found.status_code == 403
        assert "Your role may not" in found.text
        assert (audit(), sent) == ([], [])
        assert {row["status"] for row in rows("select status from activation.export_runs")} == {"waiting", "done"}


def test_a_role_that_may_decide_gets_files_only_if_their_view_was_given_to_it(visit, written, monkeypatch):
    from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager

    asked = []
    monkeypatch.setattr(SimpleAuthManager, "is_authorized_custom_view", lambda self, **what: asked.append(what))
    assert visit("ADMIN").post(f"/audiences/{DONE}/file").status_code == 403
    assert {(a["method"], a["resource_name"]) for a in asked} == {("GET", "Perennial audience files")}
    assert "Download" not in visit("ADMIN").get(f"/audiences/{DONE}").text


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize(
    ("fields", "headers"),
    [
        ({"token": ""}, {}),
        ({"token": "forged"}, {}),
        ({}, {"sec-fetch-site": "cross-site"}),
        ({}, {"sec-fetch-site": "same-site"}),
        ({}, {"origin": "https://evil.example"}),
        ({}, {"origin": "null"}),
    ],
)
def test_a_form_from_elsewhere_changes_nothing(visit, written, sent, path, fields, headers, audit):
    found = visit("ADMIN").post(path, headers=headers, **(FORMS[path] | fields))
    assert found.status_code == 403
    assert (audit(), sent) == ([], [])


def test_the_form_of_somebody_else_or_of_yesterday_is_refused(visit, written, monkeypatch):
    from perennial.pages import visitors

    other = visit("USER").token()
    assert visit("ADMIN").post(f"/audiences/{DONE}/file", token=other).status_code == 403
    monkeypatch.setattr(visitors, "LASTS", -1)
    assert visit("ADMIN").post(f"/audiences/{DONE}/file").status_code == 403


def test_a_form_from_the_same_host_is_taken(visit, written):
    for headers in ({"sec-fetch-site": "same-origin"}, {"origin": "http://testserver"}):
        assert visit("USER").post(f"/audiences/{DONE}/file", headers=headers).status_code == 200


def test_who_approves_is_named_and_it_is_sent(visit, rows, sent, audit):
    found = visit("USER").post(f"/audiences/{WAITS}/approve", seen=HASH)
    assert found.headers["location"] == f"/perennial/audiences/{WAITS}?said=approved"
    (run,) = rows(f"select status, approved_by, approved_hash from activation.export_runs where plan = '{WAITS}'")
    assert run == {"status": "ready", "approved_by": "ann-user", "approved_hash": HASH}
    assert audit() == [("ann-user", "approved", WAITS, None)]
    assert sent == [(NIGHT, "ann-user")]
    page = visit("USER").get(f"/audiences/{WAITS}").text
    assert "data-reload" in page
    assert "ann-user" in page
    assert "ann-user" not in visit("VIEWER").get(f"/audiences/{WAITS}").text


def test_what_was_rejected_is_not_sent_and_can_still_be_approved(visit, rows, sent, audit):
    assert visit("USER").post(f"/audiences/{WAITS}/reject", seen=HASH).status_code == 303
    (run,) = rows(f"select status, rejected_by from activation.export_runs where plan = '{WAITS}'")
    assert run == {"status": "rejected", "rejected_by": "ann-user"}
    assert sent == []
    assert visit("OP").post(f"/audiences/{WAITS}/approve", seen=HASH).status_code == 303
    assert [row[:2] for row in audit()] == [("ann-user", "rejected"), ("ann-op", "approved")]


def test_nothing_is_decided_twice_nor_on_data_that_changed_since(visit, sent, audit):
    stale = visit("USER").post(f"/audiences/{WAITS}/approve", seen="data of last week")
    assert (stale.status_code, "Look at it again" in stale.text) == (409, True)
    visit("USER").post(f"/audiences/{WAITS}/approve", seen=HASH)
    assert visit("OP").post(f"/audiences/{WAITS}/reject", seen=HASH).status_code == 409
    assert len(audit()) == len(sent) == 1


def test_a_plan_of_an_earlier_night_is_not_sent_any_more(visit, stocked, sent):
    with database.connect(stocked) as session:
        session.execute("insert into ops.nights (as_of, build_started_at) values ('2017-10-01', now())")
    try:
        assert visit("ADMIN").post(f"/audiences/{WAITS}/approve", seen=HASH).status_code == 409
        page = visit("ADMIN").get(f"/audiences/{WAITS}").text
        assert "Approve and send" not in page
        assert "A later night was built" in page
    finally:
        with database.connect(stocked) as session:
            session.execute("delete from ops.nights where as_of = '2017-10-01'")
    assert sent == []


def test_a_file_comes_as_it_was_written_and_its_way_is_noted(visit, written, audit):
    found = visit("USER").post(f"/audiences/{DONE}/file")
    assert found.text == CONTENT
    assert found.headers["content-disposition"] == f'attachment; filename="{DONE}.csv"'
    assert found.headers["cache-control"] == "no-store"
    assert audit() == [("ann-user", "downloaded", DONE, None)]


@pytest.mark.parametrize("path", ["/etc/passwd", "../../../../etc/passwd", "{state}/secret.csv"])
def test_a_receipt_leads_nowhere_but_to_files_of_the_exporter(visit, written, stocked, path, audit):
    (paths.state() / "secret.csv").write_text(CONTENT)
    path = path.format(state=paths.state())
    named = "update activation.export_runs set receipt = receipt || jsonb_build_object('path', %s::text)"
    with database.connect(stocked) as session:
        session.execute(named, [path])
    found = visit("ADMIN").post(f"/audiences/{DONE}/file")
    assert found.status_code in (404, 409)
    assert "root:" not in found.text
    assert audit() == []


@pytest.mark.parametrize("name", ["../../etc/passwd", "..%2f..%2fetc%2fpasswd", "x", f"{NIGHT}.fading.nowhere"])
def test_a_plan_that_is_none_has_no_file_and_no_page(visit, written, name):
    assert visit("ADMIN").post(f"/audiences/{name}/file").status_code == 404
    assert visit("ADMIN").get(f"/audiences/{name}").status_code == 404


def test_a_file_that_was_changed_since_is_refused(visit, written, audit):
    write_file("customer_key,phone\nsomebody else")
    found = visit("ADMIN").post(f"/audiences/{DONE}/file")
    assert found.status_code == 409
    assert "was changed since it was written" in found.text
    assert audit() == []
