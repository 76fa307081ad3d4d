"""config/ is refused before anything runs, with file, line, key, value and what is accepted."""

from pathlib import Path

import pytest

from perennial import config
from perennial.errors import ConfigError

ECOMMERCE = "lifecycle/ecommerce.yml"

WRONG = [
    # file, what stands there, what somebody writes instead, what the message must say
    ("sources.yml", "overlap_days", "overlapp_days", ["sources.yml:15", "overlapp_days", "accepted: ", "overlap_days"]),
    ("sources.yml", "kind: sql", "kind: sqll", ["sources.yml:12", "'sqll'", "'sql' or 'files'"]),
    ("sources.yml", "order_id: order_no", "order_idd: order_no", ["order_idd", "accepted: order_id, customer_id"]),
    (
        "sources.yml",
        "          order_id: order_no\n          customer_id",
        "          customer_id",
        ["missing order_id"],
    ),
    ("sources.yml", "America/New_York", "America/Newyork", ["sources.yml:5", "America/Newyork", "Europe/Paris"]),
    ("sources.yml", "collected: placed", "collected: sold", ["'sold'", "accepted: placed, cancelled"]),
    ("sources.yml", "as: cents", "as: euros", ["'euros'", "'cents' or 'email_key'"]),
    ("sources.yml", "    connection: shop\n", "", ["kind 'sql' needs 'connection'"]),
    ("sources.yml", "      orders:\n        table", "      baskets:\n        table", ["'baskets'", "order_lines"]),
    ("sources.yml", "currency: USD #", "currency: dollar #", ["business.currency", "'dollar'"]),
    (
        "lifecycle/ecommerce.yml",
        "floor_days: 150 }",
        "floor_days: -150 }",
        ["ecommerce.yml:16", "floor_days", "-150", "greater than or equal to 0"],
    ),
    (
        "lifecycle/ecommerce.yml",
        "late: { cycles: 8",
        "latte: { cycles: 8",
        ["unknown key 'latte'", "late, not, orders"],
    ),
    (ECOMMERCE, ", zh: 沉默期 }", " }", ["label.zh", "is missing"]),
    (ECOMMERCE, "else: true", "when: { trend: up }", ["'mature'", "else: true"]),
    (ECOMMERCE, "{ trend: down }", "{ trend: sideways }", ["'sideways'", "'up' or 'down'"]),
    (ECOMMERCE, "stage: silent", "stage: lost", ["'lost' stands twice"]),
    (ECOMMERCE, "stage: prospect", "stage: lead", ["is 'lead'; the first stage must be named 'prospect'"]),
    ("lifecycle.yml", "default: ecommerce", "default: sales", ["'sales' is not enabled", "ecommerce, activity_fixed"]),
    ("lifecycle.yml", "  - ecommerce\n", "  - commerce\n", ["enabled.0", "'commerce'", "accepted: activity_fixed"]),
    ("lifecycle.yml", "effective_from: 2017-04-01", "effective_from: April", ["effective_from", "'April'"]),
    (
        "lifecycle/ecommerce.yml",
        "orders: { exactly: 1 }",
        "orders: { exactly: 1, at_least: 1 }",
        ["exactly, or at_least"],
    ),
    (ECOMMERCE, "orders: { exactly: 1 }", "orders:", ["exactly one condition"]),
    (
        "lifecycle/ecommerce.yml",
        "orders: { exactly: 1 }",
        "orders: { at_least: 5, at_most: 3 }",
        ["nothing is in between"],
    ),
    (
        "lifecycle/ecommerce.yml",
        "orders: { exactly: 1 }",
        "tenure_days: { at_least: 5000000000 }",
        ["5000000000", "36500"],
    ),
    (
        "lifecycle.yml",
        "shortest_days: 3\n",
        "shortest_days: 400\n",
        ["400 is more than longest_days 365"],
    ),
    ("lifecycle.yml", "window_cycles: 6", "window_cycles: .inf", ["window_cycles", "1000"]),
    ("lifecycle.yml", "  - ecommerce\n", "  - ecommerce\n  - ecommerce\n", ["stands twice"]),
    ("lifecycle.yml", "2017-04-01", "2017-13-01", ["lifecycle.yml", "month must be in 1..12"]),
    ("sources.yml", "Y: granted", "yes: granted", ["is not read as text; put it in quotes"]),
    ("sources.yml", "order_id: pickup_ref", "order_id: _line", ["'_line' is a name of ours"]),
    ("sources.yml", '"click_collect_*.csv"', '"/tmp/*.csv"', ["files", "'/tmp/*.csv'"]),
    ("audiences.yml", "purpose: marketing", 'purpose: "mark\'eting"', ["purpose", "mark'eting"]),
    ("audiences.yml", "[email_files]", "[email_files, email_files]", ["sent twice"]),
    ("audiences.yml", "      stage: { model: ecommerce, is: [lost] }", "      tier:", ["at least one condition"]),
    ("destinations.yml", "folder: audiences/sms", "folder: audiences/./email", ["share the folder 'audiences/email'"]),
    ("audiences.yml", "into: [silent, dormant]", "into: [asleep]", ["'asleep'", "accepted: prospect, lost, dormant"]),
    ("audiences.yml", "tier: [A]", "tier: [X]", ["audiences.yml:18", "'X'", "'A', 'B', 'C' or 'N'"]),
    ("audiences.yml", "[email_files]", "[mailchimp]", ["'mailchimp'", "email_files, sms_files"]),
    ("audiences.yml", "stage: { model: ecommerce", "stage: { model: sales", ["'sales' is not enabled"]),
    ("destinations.yml", "channel: email", "channel: letter", ["'letter'", "'email' or 'sms'"]),
    ("destinations.yml", "  sms_files", "  email_files", ["'email_files' stands twice"]),
    ("destinations.yml", "kind: files", "kind: [files", ["destinations.yml:6", "not valid YAML"]),
    ("value.yml", "margin: 1.0", "margin: 30", ["value.yml:3", "margin: is 30", "less than or equal to 1"]),
    ("value.yml", "discount_rate: 0.10", "discount_rate: -0.1", ["value.yml:4", "discount_rate", "-0.1"]),
    ("value.yml", "mbg_blend", "pareto", ["value.yml:9", "'pareto'", "'mbg', 'bg', 'mbg_blend' or 'bg_blend'"]),
    ("value.yml", "[mbg, bg,", "[mbg, mbg,", ["value.yml:9", "'mbg' is listed twice"]),
    ("value.yml", "backtest_days: 91", "backtest_days: 3", ["value.yml:10", "backtest_days", "28"]),
    ("value.yml", "basis: revenue", "basis: profit", ["value.yml:15", "'profit'", "'revenue', 'margin' or 'clv'"]),
    ("value.yml", "b_until: 0.95", "b_until: 0.75", ["value.yml:14", "a_until is 0.8", "A ends before B does"]),
    ("value.yml", "hysteresis: 0.02", "hysteresis: 0.05", ["value.yml:14", "hysteresis is 0.05", "less than 0.05"]),
    ("value.yml", "method: quantile", "method: fixed", ["value.yml:21", "fixed without cuts", "fixed with cuts"]),
    ("value.yml", "  # cuts: { recency: [30, 60,", "  cuts: { recency: [30, 20,", ["value.yml:23", "do not ascend"]),
    ("value.yml", "tiers: [A]", "tiers: [A, N]", ["value.yml:30", "early_warning.tiers", "'A', 'B' or 'C'"]),
    ("value.yml", "nightly_budget: 10", "nightly_budget: -1", ["value.yml:31", "nightly_budget", "-1"]),
    ("value.yml", "share: 0.5", "share: 1", ["value.yml:34", "loss.share", "less than 1"]),
    ("value.yml", "overdue_cycles: 3", "overdue: 3", ["value.yml:42", "unknown key 'overdue'"]),
    ("value.yml", "min_order_days: 3", "min_order_days: 1", ["value.yml:46", "min_order_days", "2"]),
    ("value.yml", "min_customers: 20", "min_customers: 2", ["value.yml:48", "min_customers", "5"]),
    ("value.yml", "significance: 0.05", "significance: 1", ["value.yml:49", "significance", "less than 1"]),
]


def test_the_shipped_configuration_is_valid():
    assert list(config.load().sources.sources) == ["shop", "click_collect"]


@pytest.mark.parametrize(("file", "old", "new", "says"), WRONG, ids=[f"{w[0]}: {w[2].strip()[:40]}" for w in WRONG])
def test_a_wrong_entry_is_named_with_its_remedy(config_folder: Path, file, old, new, says):
    path = config_folder / file
    text = path.read_text()
    assert old in text, "the example to spoil has moved"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(ConfigError) as caught:
        config.load()
    message = str(caught.value)
    assert file in message
    for part in says:
        assert part in message


def test_all_files_are_checked_at_once(config_folder: Path):
    for file in ("sources.yml", "destinations.yml"):
        path = config_folder / file
        path.write_text(path.read_text() + "surprise: 1\n")
    with pytest.raises(ConfigError) as caught:
        config.load()
    assert str(caught.value).count("unknown key 'surprise'") == 2


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a: &a [*a]"], ids=["not UTF-8", "endless"])
def test_a_file_that_is_no_yaml_text_is_named(config_folder: Path, content):
    (config_folder / "audiences.yml").write_bytes(content)
    with pytest.raises(ConfigError, match=r"audiences\.yml"):
        config.load()


def test_a_missing_file_is_named(config_folder: Path):
    (config_folder / "audiences.yml").unlink()
    with pytest.raises(ConfigError, match=r"audiences\.yml: no such file"):
        config.load()
