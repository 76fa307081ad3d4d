"""`perennial check` shows a customer for every stage, and refuses a wrong lifecycle model with the line."""

import re
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from perennial import night
from perennial.cli import cli
from perennial.errors import ConfigError

STAGE = """\
  - stage: {}
    label: {{ en: X, zh: 某 }}
    description: {{ en: x, zh: 某 }}
    phase: growing
    when: {}
"""
VISITED = STAGE.format("visited", "{ event: { types: [visit] } }")
MATURE = "  - stage: mature\n"

WRONG = {
    # what stands in ecommerce.yml, what somebody writes instead, the line to be named, what is said about it
    "no else": ("    else: true", "    when: { trend: up }", MATURE, ["stages.6", "'mature'", "else: true"]),
    "shadowed by a stricter threshold": (
        "late: { cycles: 4, floor_days: 75 }",
        "late: { cycles: 8, floor_days: 151 }",
        "  - stage: silent",
        ["nobody can ever be in 'silent'", "'lost' takes 1 order-day", "silent for 160 days", "move the stage up"],
    ),
    "shadowed by several": (
        MATURE,
        STAGE.format("few", "{ all: [{ orders: { at_most: 2 } }, { not: { tenure_days: { at_most: 20 } } }] }")
        + MATURE,
        "  - stage: few",
        ["'lost' takes ", "'silent' takes ", "'new' takes ", "'declining' takes ", "'rising' takes 2 order-days"],
    ),
    "never true": (
        "{ any: [{ trend: up }, { orders: { exactly: 2 } }] }",
        "{ all: [{ trend: up }, { orders: { exactly: 2 } }] }",
        "  - stage: rising",
        ["nobody can ever be in 'rising'", "its own condition can never hold"],
    ),
    "a negative threshold": ("floor_days: 75 }", "floor_days: -75 }", None, ["floor_days", "-75", "greater than or"]),
    "an unknown condition": ("late: { cycles: 4", "latte: { cycles: 4", None, ["unknown key 'latte'", "late, not"]),
    "a label in one language": (
        "{ en: Silent, zh: 沉默期 }",
        "{ en: Silent }",
        None,
        ["stages.2.label.zh", "is missing"],
    ),
    "an order taken for an event": (
        MATURE,
        VISITED.replace("visit]", "order]") + MATURE,
        "types: [order]",
        ["'order' is no event"],
    ),
    "an event from no source": (MATURE, VISITED + MATURE, "types: [visit]", ["no source delivers the event 'visit'"]),
}


def check(*options: str) -> Result:
    return CliRunner().invoke(cli, ["check", *options])


def line_of(path: Path, part: str) -> int:
    return next(n for n, line in enumerate(path.read_text().splitlines(), 1) if part.rstrip("\n") in line)


def play(folder: Path, stage: str, tiers: str = "ABC") -> None:
    """The playbook gets cells of another stage."""
    cells = "".join(f"{stage},{tier},grow,email,x,某,0,14,30,10,stage_left\n" for tier in tiers)
    (folder / "playbook.csv").write_text((folder / "playbook.csv").read_text() + cells)


def spoil(folder: Path, old: str, new: str, model: str = "ecommerce") -> Path:
    path = folder / "lifecycle" / f"{model}.yml"
    text = path.read_text()
    assert old in text, "the example to spoil has moved"
    path.write_text(text.replace(old, new, 1))
    return path


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_model_is_refused_with_its_line(config_folder, wrong):
    old, new, named, says = WRONG[wrong]
    path = spoil(config_folder, old, new)
    if "stage: few" in new:
        play(config_folder, "few")
    result = check()
    message = str(result.exception)
    assert isinstance(result.exception, ConfigError)
    assert f"{path}:{line_of(path, named or new)}: " in message
    for part in says:
        assert part in message
    assert "all right" not in result.output


def test_every_stage_is_shown_with_both_labels_and_a_customer_and_the_verdict_comes_last(config_folder):
    lines = check().output.splitlines()
    assert lines[0] == "ecommerce, version 2: E-commerce, seven stages 电商七阶段"
    assert lines[3] == "  silent     Silent 沉默期: 1 order-day, cycle 3, silent for 80 days"
    assert [line.split()[0] for line in lines if not line.startswith(" ")][:2] == ["ecommerce,", "activity_fixed,"]
    assert re.search(r"/config: all right\. 2 sources, 10 of 10 lifecycle models enabled, .*\.$", lines[-1])


def test_all_models_are_shown_on_request_and_stages_without_their_events_say_so(config_folder):
    output = check("--all").output
    assert output.count(", version ") == 10
    assert "Considering 考虑期: cannot occur: no source delivers cart, quote, visit\n" in output
    assert "Using 使用期: cannot occur: no source delivers delivery\n" in output
    assert "Purchased 购买期: 1 order-day, " in output
    assert "all right" in output


def test_a_stage_beyond_reach_for_want_of_optional_events_only_is_not_refused(config_folder):
    spoil(config_folder, "source: >-", "optional_events: [visit]\nsource: >-")
    spoil(config_folder, MATURE, VISITED + MATURE)
    play(config_folder, "visited")
    result = check()
    assert "  visited    X 某: cannot occur: no source delivers visit\n" in result.output
    assert result.exit_code == 0


def test_a_stage_that_its_optional_events_could_not_save_is_refused(config_folder):
    spoil(config_folder, "source: >-", "optional_events: [visit]\nsource: >-")
    stage = STAGE.format("visited", "{ all: [{ orders: { exactly: 0 } }, { event: { types: [visit] } }] }")
    path = spoil(config_folder, MATURE, stage + MATURE)
    play(config_folder, "visited", "N")
    message = str(check().exception)
    assert f"{path}:{line_of(path, '- stage: visited')}: stages.6: nobody can ever be in 'visited'" in message


def test_a_model_that_is_not_enabled_is_refused_only_when_asked_for(config_folder):
    path = spoil(config_folder, "late: { cycles: 6, floor_days: 90 }", "orders: { exactly: 0 }", "user")
    settings = config_folder / "lifecycle.yml"
    settings.write_text(settings.read_text().replace("  - user\n", ""))
    assert check().exit_code == 0
    result = check("--all")
    assert f"{path}:{line_of(path, '- stage: churned')}: " in str(result.exception)
    assert "'prospect' takes no order yet" in str(result.exception)
    assert "Activated 激活期: 1 order-day" in result.output


def test_a_night_does_not_begin_with_a_stage_that_can_never_occur(config_folder, state):
    path = spoil(config_folder, "late: { cycles: 4, floor_days: 75 }", "late: { cycles: 8, floor_days: 151 }")
    with pytest.raises(ConfigError, match=re.escape(f"{path}:17: stages.2: nobody can ever be in 'silent'")):
        night.open_night(date(2017, 9, 30))
    result = CliRunner().invoke(cli, ["nightly", "--as-of", "2017-09-30"])
    assert isinstance(result.exception, ConfigError)
    assert not (state / "pgdata").exists()
