"""A changed rule waits for approval, population values are frozen without spoiling the file, and diff is a guest."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from perennial import config
from perennial.config import Config
from perennial.errors import ConfigError, GateError
from perennial.lifecycle import approval, calibrate, diff
from perennial.lifecycle.calibrate import Measured
from perennial.warehouse import database

NIGHT, AT = date(2017, 9, 30), datetime(2017, 10, 1, tzinfo=UTC)
FOUND = Measured(date(2017, 1, 1), NIGHT, 1234, 4.5, 38.25)


def changed(**cycle) -> Config:
    """The shipped configuration with another cycle."""
    shipped = config.load()
    lifecycle = shipped.lifecycle.model_copy(update={"cycle": shipped.lifecycle.cycle.model_copy(update=cycle)})
    return replace(shipped, lifecycle=lifecycle)


# --- approval --------------------------------------------------------------------------------------------------------


def test_labels_decide_nothing_and_settings_days_and_delivered_events_do():
    shipped = config.load()
    before = approval.fingerprints(shipped)
    model = shipped.lifecycle.models["journey"]
    renamed = model.model_copy(update={"source": "elsewhere"})
    relabelled = shipped.lifecycle.model_copy(update={"models": shipped.lifecycle.models | {"journey": renamed}})
    assert approval.fingerprints(replace(shipped, lifecycle=relabelled)) == before
    assert set(approval.fingerprints(changed(prior_weight=4)).items()).isdisjoint(before.items())
    other_day = shipped.sources.business.model_copy(update={"day_starts_at_hour": 4})
    moved = shipped.sources.model_copy(update={"business": other_day})
    assert set(approval.fingerprints(replace(shipped, sources=moved)).items()).isdisjoint(before.items())


@pytest.mark.server
def test_the_first_rules_go_out_and_changed_ones_wait_until_somebody_approves_them(warehouse):
    shipped, other = config.load(), changed(prior_weight=4)
    with database.connect() as session:
        session.execute("delete from ops.lifecycle_rules")
        approval.note(session, shipped, NIGHT, AT)
        approval.require(session, shipped)
        approval.note(session, other, NIGHT, AT)
        with pytest.raises(GateError, match=r"rules of activity_fixed, .*, user changed and nobody approved them"):
            approval.require(session, other)
        approval.require(session, shipped)  # going back needs no approval
        assert set(approval.approve(session, other, AT, "ann")) == set(other.lifecycle.enabled)
        approval.require(session, other)
        assert approval.approve(session, other, AT, "bob") == []
        by = session.execute("select distinct approved_by as by from ops.lifecycle_rules order by 1").fetchall()
        assert [row["by"] for row in by] == ["ann", "enabling it"]


@pytest.mark.server
def test_in_a_warehouse_with_nights_but_no_recorded_rules_all_rules_wait(warehouse):
    with database.connect() as session:
        session.execute("delete from ops.lifecycle_rules")
        session.execute("insert into ops.nights (as_of, built_at) values ('2017-09-29', '2017-09-30')")
        approval.note(session, config.load(), NIGHT, AT)
        with pytest.raises(GateError, match="ecommerce"):
            approval.require(session, config.load())


# --- calibrate -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("indent", ["", "  ", "    "])
def test_a_frozen_row_is_added_and_nothing_else_in_the_file_changes(config_folder, indent, ending):
    path, models = config_folder / "lifecycle.yml", config.load().lifecycle.models
    head, rows = path.read_text().split("population:\n")
    rows = "".join(indent + line[2:] for line in rows.splitlines(keepends=True))
    text = (head + "population:\n" + rows + "# the end\n").replace("\n", ending)
    link = config_folder / "linked.yml"
    link.write_bytes(text.encode())
    path.unlink()
    path.symlink_to(link)
    row = calibrate.freeze(path, FOUND, date(2017, 10, 1), models)
    assert path.is_symlink()
    assert link.read_bytes().decode() == text.replace("# the end", row + "# the end")
    last = config.load().lifecycle.population[-1]
    assert (last.effective_from, last.median_gap_days, last.order_value) == (date(2017, 10, 1), 4.5, 38.25)


def test_a_row_that_does_not_fit_leaves_the_file_alone(config_folder):
    path, models = config_folder / "lifecycle.yml", config.load().lifecycle.models
    before = path.read_bytes()
    with pytest.raises(
        ConfigError, match=r"lifecycle\.yml: population values for days from 2017-04-01 on are frozen already"
    ):
        calibrate.freeze(path, FOUND, date(2017, 1, 1), models)
    assert path.read_bytes() == before
    assert not list(config_folder.glob(".lifecycle-*"))


def test_values_in_brackets_are_not_touched_but_shown(config_folder):
    path, models = config_folder / "lifecycle.yml", config.load().lifecycle.models
    head = path.read_text().split("population:\n")[0]
    path.write_text(head + "population: [{ median_gap_days: 3, order_value: 36 }]\n")
    with pytest.raises(ConfigError, match=r"with dashes, and add\n.*effective_from: 2017-10-01"):
        calibrate.freeze(path, FOUND, date(2017, 10, 1), models)


# --- diff ------------------------------------------------------------------------------------------------------------


@pytest.mark.server
def test_a_schema_of_somebody_else_is_never_dropped(warehouse):
    with database.connect() as session:
        session.execute(f"create schema {diff.SCRATCH}")
        session.execute(f"create table {diff.SCRATCH}.analysis ()")
        session.commit()
        with pytest.raises(ConfigError, match="a schema 'perennial_scratch' that is not ours"):
            diff.stages(config.load(), NIGHT, warehouse, session)
        assert session.execute(f"select to_regclass('{diff.SCRATCH}.analysis') as it").fetchone()["it"]
