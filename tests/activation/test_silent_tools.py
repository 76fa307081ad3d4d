"""A tool that does not tell who opted out: nobody is added on its channel, everything else goes on."""

from dataclasses import replace

import pytest
import shelf
from shelf import Destination, on_shelf, people, settings
from test_left_since import opt_out

from perennial import night
from perennial.activation import opt_outs
from perennial.config.destinations import Destinations
from perennial.destinations import files, registry
from perennial.errors import FatalError
from perennial.warehouse.database import connect
from verdicts import NIGHT, decide

pytestmark = [pytest.mark.server, pytest.mark.usefixtures("stocked")]

MEMBERS = people(3)


@pytest.fixture
def shop(monkeypatch):
    """Two lists for e-mail and one for messages; the lists had three members before."""
    wanted = settings(audiences=("lost", "silent", "texted"), guards={"first": False})
    places = {
        name: shelf.Settings(kind="shelf", channel=way, guards=shelf.base.Guards(first=False))
        for name, way in (("mail", "email"), ("post", "email"), ("text", "sms"))
    }
    places["mail"] = places["mail"].model_copy(update={"others_wait": True})
    audiences = wanted.audiences.audiences
    for name, place in zip(audiences, places, strict=True):
        audiences[name] = audiences[name].model_copy(update={"destinations": [place]})
    wanted = replace(wanted, destinations=Destinations.model_construct(destinations=places))
    monkeypatch.setattr(night.config, "load", lambda: wanted)
    monkeypatch.setattr(night, "_sendable", lambda _: wanted)
    with connect() as session:
        session.execute("insert into ops.nights (as_of, build_started_at) values (%s, '2017-10-01 00:00+00')", [NIGHT])
    told(MEMBERS)
    night.send(NIGHT)
    Destination.told.clear()
    return wanted


def told(everybody: dict[str, str]) -> None:
    for audience, place, way in (("lost", "mail", "email"), ("silent", "post", "email"), ("texted", "text", "sms")):
        decide(everybody, audience, place, channel=way)


def test_its_channel_gets_nobody_new_and_loses_who_said_no_and_other_channels_go_on(shop, rows):
    told(people(4))
    opt_out("p1@example.com")
    Destination.mute = {"email"}
    with pytest.raises(FatalError, match="the key for email expired"):
        night.pull_opt_outs(NIGHT)
    with pytest.raises(FatalError, match=r"^the key for email expired$"):  # said once, not per audience
        night.send(NIGHT)
    without = set(MEMBERS.values()) - {"p1@example.com"}
    assert (on_shelf("lost"), on_shelf("silent")) == (without, without)
    assert on_shelf("texted") == set(people(4).values())
    ended = rows("select status, details ->> 'error' as error from ops.runs where task = 'pull_opt_outs'")
    assert ended == [{"status": "failed", "error": "the key for email expired"}]
    Destination.mute = set()
    night.send(NIGHT)
    assert on_shelf("lost") == on_shelf("silent") == set(people(4).values()) - {"p1@example.com"}


def test_a_folder_of_files_may_know_opt_outs_of_both_channels(shop, monkeypatch):
    shop.destinations.destinations["mail"] = files.Settings(kind="files", channel="email", folder="x")

    def broken(*_):
        raise FatalError("no folder")

    monkeypatch.setattr(registry, "make", lambda one, _: broken() if one.kind == "files" else Destination(one, None))
    assert set(opt_outs.pull(NIGHT, shop, lambda _: None).silent) == {"mail", "post", "text"}


def test_where_the_others_need_not_wait_only_the_silent_one_is_held_up(shop):
    places = shop.destinations.destinations
    Destination.mute = {"sms"}
    assert set(opt_outs.pull(NIGHT, shop, lambda _: None).silent) == {"text"}
    Destination.mute = {"email"}
    for name in ("mail", "post"):
        places[name] = places[name].model_copy(update={"others_wait": False})
    assert set(opt_outs.pull(NIGHT, shop, lambda _: None).silent) == {"mail", "post"}
