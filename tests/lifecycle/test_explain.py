"""A customer's story is complete, true of the day it is told for, and free of contact details."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner
from story_world import ADDRESS, EARLIER, LATER, PHONE, build, deliver, settings, some_keys

from perennial.cli import cli
from perennial.errors import FatalError
from perennial.lifecycle.explain import Story, story
from perennial.lifecycle.explain_command import plain
from perennial.lifecycle.life import RULE_CHANGED
from perennial.lifecycle.story_text import tell
from perennial.warehouse import database

pytestmark = pytest.mark.server

STORIES = Path(__file__).parent / "stories"
MODELS = settings().lifecycle.enabled


@pytest.fixture(scope="module")
def told_then(warehouse) -> dict[str, Story]:
    """Stories from a warehouse whose newest night is the earlier one. Then a later night is built over it."""
    deliver()
    build(EARLIER, warehouse)
    with reading() as session:
        then = {key: story(session, key, settings(), EARLIER, models=MODELS) for key in some_keys(1, 25)}
    build(LATER, warehouse)
    return then


@pytest.fixture
def session(told_then):
    """A session on the warehouse of the later night that cannot write."""
    with reading() as found:
        yield found


@contextmanager
def reading() -> Iterator[psycopg.Connection]:
    """A read-only session: a story that wrote anything would fail."""
    with database.connect() as found:
        found.read_only = True
        yield found


def tell_of(session, customer: str, **asked) -> Story:
    return story(session, customer, settings(), LATER, **asked)


@pytest.mark.parametrize("lang", ["both", "zh"])
@pytest.mark.parametrize(
    ("customer", "models", "name"),
    [
        ("shop:steady", ["ecommerce"], "steady_then_lost"),
        ("shop:4711", ["ecommerce"], "refunds_and_two_sources"),
        ("shop:rarer", ["ecommerce"], "trend_down"),
        ("shop:leaver", ["journey", "relationship"], "events_and_notice"),
    ],
)
def test_the_whole_story_reads_like_this(session, customer, models, name, lang):
    text = tell(tell_of(session, customer, models=models), lang) + "\n"
    assert text == (STORIES / f"{name}.{lang}.txt").read_text("utf-8")


def test_the_story_of_a_past_day_is_the_one_told_on_that_day(session, told_then):
    assert len(told_then) == 29
    for key, then in told_then.items():
        # what is decided anew each night is not told of past days
        person = replace(then.person, country=None, acquisition_source=None)
        now = tell_of(session, key, on=EARLIER, models=MODELS)
        assert now == replace(then, as_of=LATER, person=person, tonight=None)
    assert any(then.lives[0].planned for then in told_then.values())


def test_what_is_planned_tonight_is_the_rest_of_the_timeline(session):
    """Two ways to the future: the stored timeline, and the plan of the episode that contains the day."""
    ask = """select stage, valid_from, entered_by from marts.fct_lifecycle_timeline
        where customer_key = %s and lifecycle_model = %s and valid_from > %s order by valid_from"""
    planned = 0
    for key in some_keys(2, 25):
        for life in tell_of(session, key, models=MODELS).lives:
            rows = session.execute(ask, [key, life.lifecycle_model, LATER]).fetchall()
            assert [(s.stage, s.since, s.entered_by) for s in life.planned] == [tuple(r.values()) for r in rows]
            planned += len(rows)
    assert planned > 10


def test_every_stay_is_explained_by_the_rule_that_put_her_there(session):
    for key in some_keys(3, 30):
        for life in tell_of(session, key, models=MODELS).lives:
            for stay in [*life.stays, *life.planned]:
                assert stay.why != RULE_CHANGED, (key, stay)


def test_money_and_orders_agree_with_the_marts_to_the_cent(session):
    for key in some_keys(4, 30):
        she = tell_of(session, key)
        stays = she.lives[0].stays
        assert sum(stay.touches.net_spend for stay in stays) == pytest.approx(she.person.net_spend, abs=0.001)
        assert she.person.net_spend == pytest.approx(she.tonight.historic_value, abs=0.001)
        ask = """select count_orders, count_order_days, first_ordered_on, last_ordered_on, known_on,
            count_source_customers from marts.dim_customers where customer_key = %s"""
        counted = session.execute(ask, [key]).fetchone()
        p = she.person
        assert tuple(counted.values()) == (
            *(p.orders, p.order_days, p.first_order_on, p.last_order_on, p.known_on),
            p.records,
        )
        assert stays[0].since == p.known_on
        assert all(a.until == b.since for a, b in pairwise(stays))


def test_no_contact_detail_is_ever_told(session):
    for customer in ("shop:4711", "shop:steady", "shop:rarer"):
        for on in (None, EARLIER):
            she = tell_of(session, customer, on=on, models=MODELS)
            told = [tell(she, lang, full=True) for lang in ("en", "zh", "both")] + [json.dumps(plain(she))]
            for text in told:
                assert not re.search(r"@|example|jane|5551234|5550009", text, re.I), text


@pytest.mark.parametrize(
    "typed",
    [
        ADDRESS,
        f"shop:{ADDRESS}",
        f"click_collect:{ADDRESS}",
        PHONE,
        f"shop:{PHONE}",
        "555 123 4567",
        "15551234567",
        "shop:15551234567",
        "nobody:jane",
        "jane doe",
        "abc",
        "",
        "abcdef0123456789",
    ],
)
def test_who_is_not_found_is_told_which_ids_work_and_nothing_typed_is_repeated(session, typed):
    with pytest.raises(FatalError) as error:
        tell_of(session, typed)
    assert "Give a customer_key, the first 6 or more characters of one, or source:customer_id" in str(error.value)
    assert not re.search(r"@|example|jane|doe|555|abcdef", str(error.value), re.I)


def test_a_key_may_be_shortened_until_several_begin_so(session):
    key = tell_of(session, "shop:steady").person.customer_key
    assert tell_of(session, key[:6].upper()).person.customer_key == key
    with pytest.raises(FatalError, match="no beginning of one with 6 characters"):
        tell_of(session, key[:5])
    session.execute("rollback")
    session.read_only = False
    session.execute(
        """insert into pii.int_identity (own_key, source, source_customer_id, known_on, customer_key)
        select n, 'shop', 'twin' || n, %s, 'abc123' || n from generate_series(1, 7) as n""",
        [EARLIER],
    )
    with pytest.raises(FatalError) as error:
        tell_of(session, "abc123")
    assert "abc1231, abc1232, abc1233, abc1234, abc1235 and more" in str(error.value)
    with pytest.raises(FatalError, match=r"nearest: abc1231, abc1232, abc1233, abc1234, abc1235\."):
        tell_of(session, "abc12ff")
    with pytest.raises(FatalError, match=r"nearest: abc1231, abc1232, abc1233, abc1234, abc1235\."):
        tell_of(session, "shop:twin9")
    session.rollback()


def test_a_key_that_a_merge_retired_leads_to_who_has_its_record_and_says_so(session):
    steady = tell_of(session, "shop:steady").person.customer_key
    former, other = "0" * 31 + "a", "0" * 31 + "b"
    with database.connect() as writing:
        for key, of in ((former, steady), (other, some_keys(2, 1)[-1])):
            writing.execute("insert into marts.dim_customer_redirects values (%s, %s, %s)", [key, of, EARLIER])
    try:
        with reading() as later:
            told = tell_of(later, former)
            assert told.person == tell_of(later, steady).person
            (note,) = told.notes
            assert f"{former} is nobody's key since the night of {EARLIER}" in note.en
            assert f"its record is one of {steady}" in note.en
            assert former in tell(told, "zh")
            assert tell_of(later, steady).notes == []
            with pytest.raises(FatalError, match="several customers have keys that begin like that"):
                tell_of(later, former[:8])
    finally:
        with database.connect() as writing:
            writing.execute("delete from marts.dim_customer_redirects where former_key in (%s, %s)", [former, other])


def test_days_and_models_that_cannot_be_told_are_refused(session):
    with pytest.raises(FatalError, match="was not known yet on 2016-12-19; her story begins on 2016-12-20"):
        tell_of(session, "shop:steady", on=date(2016, 12, 19))
    with pytest.raises(FatalError, match="the newest night is 2017-12-05"):
        tell_of(session, "shop:steady", on=date(2017, 12, 6))
    with pytest.raises(FatalError, match="'loyalty' is not enabled; enabled: "):
        tell_of(session, "shop:steady", models=["loyalty"])
    with pytest.raises(FatalError, match="the build of night 2017-12-06 did not end"):
        story(session, "shop:steady", settings(), date(2017, 12, 6))


def test_a_changed_configuration_is_noted_and_stays_it_no_longer_explains_say_so(session):
    changed = settings()
    ecommerce = changed.lifecycle.models["ecommerce"]
    stages = [s for s in ecommerce.stages if s.stage != "silent"]
    models = {"ecommerce": ecommerce.model_copy(update={"stages": stages})}
    lifecycle = changed.lifecycle.model_copy(update={"models": changed.lifecycle.models | models})
    she = story(session, "shop:steady", replace(changed, lifecycle=lifecycle), LATER)
    assert "config/ has changed since that night was built" in tell(she)
    assert any(stay.why == RULE_CHANGED for stay in she.lives[0].stays)


def shape(value: object) -> object:
    """Keys and kinds of a JSON value; of a list its first member."""
    if isinstance(value, dict):
        return {key: "dict" if key in ("events", "scheduled") else shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


def test_the_command_tells_and_its_json_keeps_its_keys(session, monkeypatch):
    monkeypatch.setattr("perennial.config.load", settings)
    runner = CliRunner()
    text = runner.invoke(cli, ["explain", "shop:4711", "--lang", "en"])
    assert text.exit_code == 0
    assert text.output == tell(tell_of(session, "shop:4711"), "en") + "\n"
    found = runner.invoke(cli, ["explain", "shop:4711", "--json", "--all-models", "--on", "2017-12-04"])
    told = json.loads(found.output)
    assert [life["lifecycle_model"] for life in told["lives"]] == settings().lifecycle.enabled
    assert (told["on"], told["tonight"]) == ("2017-12-04", None)
    told = json.loads(runner.invoke(cli, ["explain", "shop:4711", "--json"]).output)
    wanted = json.loads((STORIES / "json_keys.json").read_text("utf-8"))
    assert shape(told) == wanted
    assert runner.invoke(cli, ["explain", "shop:4711", "--all-models", "--model", "ecommerce"]).exit_code == 2


def test_the_command_that_calibrates_measures_and_changes_nothing_unless_told_to(session, config_folder):
    before = (config_folder / "lifecycle.yml").read_bytes()
    said = CliRunner().invoke(cli, ["lifecycle", "calibrate", "--since", "2017-01-01"])
    assert said.exit_code == 0, said.output
    assert re.search(
        r"Measured on \d+ gaps between order-days from 2017-01-01 to 2017-12-05: median gap \d", said.output
    )
    assert "Nothing is changed. --freeze adds it to lifecycle.yml for episodes from 2017-12-06 on." in said.output
    assert (config_folder / "lifecycle.yml").read_bytes() == before


def test_of_a_long_life_the_latest_stays_are_shown(session):
    she = tell_of(session, "shop:4711")
    life = she.lives[0]
    long = replace(she, lives=[replace(life, stays=[life.stays[0]] * 20 + life.stays)])
    assert f"  {8 + len(life.stays)} earlier stays, 2017-03-01 to " in tell(long)
    assert tell(long).count("\n  2017-") - tell(long, full=True).count("\n  2017-") == -(8 + len(life.stays))
    assert "earlier" not in tell(long, full=True)
