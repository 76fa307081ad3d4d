"""Every kind of alert says what there is to say to a real server, and names no secret when it cannot."""

import email
import email.policy
from datetime import date

import pytest
from alert_sinks import mail_server, web_server
from pydantic import ValidationError

from perennial.alerts import registry
from perennial.alerts.base import EVENTS, Notice
from perennial.config import load
from perennial.config.alerts import Alerts
from perennial.connections import Connection
from perennial.errors import ConfigError, RetriableError

NOTICE = Notice("blocked", date(2026, 1, 4), ("net revenue: input 1 < fct_orders 2 & more",))
MORE = {"email": {"to": ["one@example.com", "two@example.com"], "sender": "perennial@example.com"}}


def tell(kind: str, connection: Connection, notice: Notice = NOTICE) -> None:
    settings = registry.kinds()[kind].Settings(kind=kind, connection="there", **MORE.get(kind, {}))
    registry.kinds()[kind].tell(settings, "there", connection, notice)


def smtp(port: int, **more) -> Connection:
    return Connection("smtp", host="127.0.0.1", port=port, **more)


@pytest.mark.parametrize("kind", registry.kinds())
def test_every_kind_tells_what_there_is_to_tell(kind):
    with mail_server() as (mailbox, port), web_server() as (posts, address):
        tell(kind, smtp(port) if kind == "email" else Connection("http", password=address))
        said = [str(body) for _, body in posts.bodies]
        assert len(said) + len(mailbox.messages) == 1
        for sender, to, content in mailbox.messages:
            message = email.message_from_bytes(content, policy=email.policy.default)
            assert (sender, to) == ("perennial@example.com", ["one@example.com", "two@example.com"])
            said.append(message["subject"] + message.get_content())
    one = " ".join(" ".join(said).split())  # a folded subject has a space more
    assert "night 2026-01-04 is blocked, nothing is exported 已拦截" in one
    assert "net revenue: input 1 " in one


@pytest.mark.parametrize("kind", ["slack", "webhook"])
@pytest.mark.parametrize(("status", "error"), [(500, RetriableError), (429, RetriableError), (410, ConfigError)])
def test_an_address_that_does_not_take_it_is_not_quoted(kind, status, error):
    with web_server() as (posts, address):
        posts.answers = [status]
        with pytest.raises(error, match=f"connection 'there': 127.0.0.1 .*{status}") as raised:
            tell(kind, Connection("http", password=address))
    assert "a-secret" not in str(raised.value)


@pytest.mark.parametrize("kind", ["slack", "webhook"])
@pytest.mark.parametrize("address", ["http://example.com/a-secret", "a-secret", "", "ftp://example.com/a-secret"])
def test_an_address_in_the_clear_or_none_at_all_is_refused_before_anything_is_sent(kind, address):
    with pytest.raises(ConfigError, match="the whole address, https") as raised:
        tell(kind, Connection("http", password=address))
    assert "a-secret" not in str(raised.value)


def test_nobody_there_is_a_passing_fault():
    for kind in registry.kinds():
        nobody = smtp(9) if kind == "email" else Connection("http", password="http://127.0.0.1:9/a-secret")
        with pytest.raises(RetriableError, match="connection 'there'"):
            tell(kind, nobody)


def test_slack_shows_what_it_would_read_as_markup():
    with web_server() as (posts, address):
        tell("slack", Connection("http", password=address))
    assert posts.bodies[0][1]["text"].endswith("input 1 &lt; fct_orders 2 &amp; more")


def test_a_mail_server_is_told_the_password_and_a_wrong_one_is_named():
    with mail_server() as (mailbox, port):
        tell("email", smtp(port, login="us", password="right"))
        assert mailbox.logins == [(b"us", b"right")]
        with pytest.raises(ConfigError, match="does not take the password") as raised:
            tell("email", smtp(port, login="us", password="wrong"))
    assert "wrong" not in str(raised.value)
    assert len(mailbox.messages) == 1


def test_no_password_is_sent_in_the_clear_to_another_machine(monkeypatch):
    from perennial.alerts import email as kind

    monkeypatch.setattr(kind, "HERE", set())
    with mail_server() as (mailbox, port):
        with pytest.raises(ConfigError, match="offers no encryption"):
            tell("email", smtp(port, login="us", password="right"))
        assert mailbox.logins == mailbox.messages == []


def test_a_mailbox_that_the_server_does_not_know_is_named():
    with mail_server() as (mailbox, port):
        mailbox.refuse = {"one@example.com", "two@example.com"}
        with pytest.raises(ConfigError, match=r"refuses one@example.com \(550\), two@example.com \(550\)"):
            tell("email", smtp(port))


def test_every_event_can_be_asked_for_and_others_are_refused():
    for event in EVENTS:
        Alerts(alerts={"one": {"kind": "webhook", "connection": "there", "events": [event]}})
    for wrong in (["late", "late"], [], ["never"]):
        with pytest.raises(ValidationError):
            Alerts(alerts={"one": {"kind": "webhook", "connection": "there", "events": wrong}})


def test_nobody_is_told_anything_until_somebody_is_named():
    assert load().alerts.alerts == {}
