"""Merges that wait for somebody, through dbt: held, shown with what they would change, approved, applied once."""

import json
import re
from contextlib import contextmanager
from datetime import date, timedelta

import pytest
from click.testing import CliRunner
from identity_oracle import key_of
from identity_world import settings

from compiled_models import fill
from perennial import config, identity, paths, transform
from perennial.cli import cli
from perennial.identity import approval, preview
from perennial.scratch import SCRATCH
from perennial.warehouse import database

pytestmark = pytest.mark.server

FIRST = date(2017, 5, 1)
SECOND, THIRD, FOURTH = (FIRST + timedelta(days=n) for n in (1, 2, 3))
CHAIN = [f"+{name}" for name in (*identity.HISTORY, "consents")]
LIVES = ["+int_stays"]
ANN, BOB, CEM, DAN = (key_of(("shop", who)) for who in ("ann", "bob", "cem", "dan"))


def deliver(session, as_of: date, phones: dict[str, str]) -> None:
    """What the shop says of its customers tonight."""
    for entity in ("customers", "orders", "consents") if as_of == FIRST else ("customers",):
        session.execute(
            "insert into ops.batches values (%s, 'shop', %s, %s, %s, 9, 9, 9, 0, 0, '')",
            [f"{entity}-{as_of}", entity, as_of, as_of],
        )
    rows = [(who, f"{who}@x.org" if who in ("ann", "cem") else None, phone) for who, phone in phones.items()]
    own = ("shop", f"customers-{as_of}")
    fill(
        session,
        "raw.customers",
        "customer_id, email, phone, registered_at, changed_at, source, batch_id, payload_hash, row_no",
        [(*r, "2017-01-01 12:00+00", f"{as_of} 12:00+00", *own, "0" * 32, n) for n, r in enumerate(rows)],
    )


def first_facts(session) -> None:
    """Ann bought for much, Bob a little; Bob said no, Ann yes; Cem and Dan said nothing."""
    orders = [("ann", 900), ("ann", 800), ("bob", 5), ("cem", 1), ("dan", 1)]
    fill(
        session,
        "raw.orders",
        "order_id, customer_id, ordered_at, status, amount, currency, source, batch_id, payload_hash, row_no",
        [
            (n, who, f"2017-0{2 + n % 3}-11 12:00+00", "placed", amount, "USD", "shop", f"orders-{FIRST}", "0" * 32, n)
            for n, (who, amount) in enumerate(orders)
        ],
    )
    fill(
        session,
        "raw.consents",
        "customer_id, channel, purpose, status, changed_at, source, batch_id, payload_hash, row_no",
        [
            (who, "email", "marketing", said, "2017-02-01 12:00+00", "shop", f"consents-{FIRST}", "0" * 32, n)
            for n, (who, said) in enumerate([("ann", "granted"), ("bob", "denied")])
        ],
    )


def night(warehouse, as_of: date, told, *more: str) -> None:
    transform.run(["run", "--select", *CHAIN, *more], told, as_of, warehouse)
    with database.connect() as session:
        session.execute(
            "insert into ops.nights (as_of, build_started_at, built_at) values (%s, now(), now()) "
            "on conflict (as_of) do nothing",
            [as_of],
        )


def keys(session) -> dict[str, str]:
    return dict(
        session.execute("select source_customer_id, customer_key from intermediate.int_customer_keys").fetchall()
    )


@contextmanager
def configured(told):
    """For commands, this is config/."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(config, "load", lambda: told)
        yield


def test_a_merge_that_touches_consent_or_an_a_customer_waits_is_shown_and_applied_once_approved(warehouse, session):
    told = settings(hold=["a_customer", "consent"])
    deliver(session, FIRST, {"ann": "+4930555001", "bob": None, "cem": None, "dan": "+4930555003"})
    first_facts(session)
    night(warehouse, FIRST, told, *LIVES)
    apart = keys(session)
    assert len(set(apart.values())) == 4
    session.execute("create table marts.fct_tier_moves (as_of date, customer_key text, to_tier text)")
    session.execute("insert into marts.fct_tier_moves values (%s, %s, 'A'), (%s, %s, 'C')", [FIRST, ANN, FIRST, CEM])

    # Bob gets Ann's number, and Cem Dan's: only the first touches an A customer, and a consent
    deliver(session, SECOND, {"bob": "+4930555001", "cem": "+4930555003"})
    night(warehouse, SECOND, told)
    assert keys(session) == apart | {"dan": CEM}
    assert [
        e[0] for e in session.execute("select event from pii.identity_events where as_of = %s order by 1", [SECOND])
    ] == [
        "block",
        "block",
        "merge",
    ]
    with database.connect() as opened:
        (waits,) = approval.waiting(opened)
        assert (waits["reason"], waits["customer_keys"]) == ("held_consent", sorted([ANN, BOB]))
        found = preview.changes(opened, told, SECOND, warehouse)
    by_event = {change.waits_for: change for change in found}
    assert by_event.keys() == {"held_consent", None}
    held = by_event["held_consent"]
    assert (held.event, held.joined_by) == ("merge", ("phone",))
    before = {p.customer_key: p for p in held.before}
    (after,) = held.after
    assert (before[ANN].consent, before[BOB].consent) == ("email marketing granted", "email marketing denied")
    assert (after.customer_key, after.consent) == (ANN, "email marketing denied")
    assert after.is_held_out == (before[ANN].is_held_out or before[BOB].is_held_out)
    assert {p.stage for p in (*before.values(), after)} <= {s.stage for s in told.lifecycle.models["ecommerce"].stages}
    assert session.execute(f"select to_regnamespace('{SCRATCH}')").fetchone() == (None,)
    assert keys(session) == apart | {"dan": CEM}, "to look at it changes nothing"

    with configured(told):
        done = CliRunner().invoke(cli, ["identity", "approve", "abcdef"])
        assert "no merge of a customer whose key begins with 'abcdef' waits" in str(done.exception)
        done = CliRunner().invoke(cli, ["identity", "approve", BOB[:8], "--by", "eve"])
        assert done.exit_code == 0, done.output
        shown = CliRunner().invoke(cli, ["identity", "preview", "--as-of", str(SECOND), "--json"])
        assert {c["waits_for"] for c in json.loads(shown.stdout)["changes"]} == {None}
        assert "@" not in shown.stdout
        assert "+4930" not in shown.stdout
    assert session.execute("select approved_by, customer_keys from ops.identity_approvals").fetchall() == [
        ("eve", sorted([ANN, BOB]))
    ]
    deliver(session, THIRD, {})
    night(warehouse, THIRD, told)
    assert keys(session) == {"ann": ANN, "bob": ANN, "cem": CEM, "dan": CEM}
    remembered = session.execute("select * from pii.identity_events order by 1, 2, 3").fetchall()
    night(warehouse, THIRD, told)
    assert session.execute("select * from pii.identity_events order by 1, 2, 3").fetchall() == remembered
    assert session.execute("select status from activation.consents where customer_key = %s", [ANN]).fetchall() == [
        ("denied",)
    ]

    # Bob and Dan get numbers of their own again, after Cem, with whom Dan was one, opted out in a tool
    session.execute(
        "insert into pii.opt_outs values ('tool', 'email', 'cem@x.org', 'unsubscribed', %s, %s)", [THIRD, THIRD]
    )
    deliver(session, FOURTH, {"bob": None, "dan": None})
    with database.connect() as opened:
        found = preview.changes(opened, told, FOURTH, warehouse)
    assert {change.event for change in found} == {"split"}
    consents = {p.customer_key: p.consent for change in found for p in change.after}
    assert consents.keys() == {ANN, BOB, CEM, DAN}
    assert (consents[ANN], consents[BOB]) == ("email marketing granted", "email marketing denied")
    assert (consents[CEM], consents[DAN]) == (None, "email marketing denied"), "Cem never said yes, so there is no more"
    night(warehouse, FOURTH, told)
    tonight = dict(session.execute("select customer_key, status from activation.consents").fetchall())
    assert tonight == {ANN: "granted", BOB: "denied", DAN: "denied"}


def test_a_preview_reads_nothing_that_another_night_built():
    aside = {*preview.INPUT, *identity.MODELS, *preview.LIVES, *preview.CONSENTS, "identity_memberships"}
    models = {path.stem: path for path in (paths.home() / "dbt_project" / "models").rglob("*.sql")}
    read = {name for model in aside for name in re.findall(r"ref\('(\w+)'\)", models[model].read_text("utf-8"))}
    touched = {name for name in read if name.startswith("int_touched_")}  # nights read these, a full build none
    assert read - aside == touched


def test_a_holdout_goes_with_the_record_a_retired_key_was_made_of():
    def held(*keys: str) -> dict[str, preview.Person]:
        return {key: preview.Person(key, None, None, None, key.startswith("held")) for key in keys}

    def row(own_key: str, former_key: str, customer_key: str) -> dict[str, str]:
        return {"own_key": own_key, "former_key": former_key, "customer_key": customer_key}

    merged = [row("held", "held", "ann"), row("ann", "ann", "ann")]
    assert preview._held_out(merged, held("held", "ann"), held("ann")) == {"ann"}
    split = [row("held", "held", "held"), row("bob", "held", "bob")]
    assert preview._held_out(split, held("held"), held("held", "bob")) == {"held"}
    moved = [row("held", "held", "ann"), row("bob", "held", "bob"), row("ann", "ann", "ann")]
    assert preview._held_out(moved, held("held", "ann"), held("ann", "bob")) == {"ann"}
