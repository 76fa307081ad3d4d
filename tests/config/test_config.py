"""config/ is refused before anything runs, with file, line, key, value and what is accepted."""

from pathlib import Path

import pytest

from perennial import config
from perennial.errors import ConfigError

ECOMMERCE = "lifecycle/ecommerce.yml"

WRONG = [
    # file, what stands there, what somebody writes instead, what the message must say
    ("identity.yml", "people: 5", "persons: 5", ["unknown key 'persons'", "people, records"]),
    ("identity.yml", "  phone: {", "  telephone: {", ["unknown key 'telephone'", "email, loyalty_number, phone"]),
    ("identity.yml", "people: 3", "people: 0", ["evidence.phone.people", "greater than or equal to 1"]),
    ("identity.yml", "hold: []", "hold: [b_customer]", ["hold.0", "'b_customer'", "'a_customer' or 'consent'"]),
    ("identity.yml", "- abuse\n", "- abuse@x.org\n", ["role_addresses.0", "what stands before the @"]),
    ("identity.yml", "- test@test.com", "- test", ["'test'; accepted: a whole address"]),
    ("identity.yml", '"+1234567890"', '"1234567890"', ["placeholders.phones.0", "+ and digits"]),
    ("identity.yml", "- GUEST", "- guest", ["loyalty_numbers.7", "capitals and digits only"]),
    ("sources.yml", "overlap_days", "overlapp_days", ["sources.yml:17", "overlapp_days", "accepted: ", "overlap_days"]),
    (
        "sources.yml",
        "kind: sql",
        "kind: sqll",
        ["sources.yml:14: sources.shop.kind", "'sqll'", "'files', 'shopify', 'sql', 'stripe', 'woocommerce'"],
    ),
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
    ("sources.yml", "    connection: shop\n", "", ["sources.yml:13", "shop.connection", "is missing"]),
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
    ("destinations.yml", "folder: audiences/sms", "folder: audiences/./email", ["share 'audiences/email'"]),
    ("audiences.yml", "into: [silent, dormant]", "into: [asleep]", ["'asleep'", "accepted: prospect, lost, dormant"]),
    ("audiences.yml", "tier: [A]", "tier: [X]", ["audiences.yml:48", "'X'", "'A', 'B', 'C' or 'N'"]),
    ("audiences.yml", "[email_files]", "[mailchimp]", ["'mailchimp'", "email_files, sms_files"]),
    ("audiences.yml", "stage: { model: ecommerce", "stage: { model: sales", ["'sales' is not enabled"]),
    (
        "audiences.yml",
        "p_no_order_90d: {",
        "p_no_orders: {",
        ["audiences.yml:71", "no column 'p_no_orders'", "clv_365d"],
    ),
    ("audiences.yml", "{ at_least: 0.2 }", "{ at_leest: 0.2 }", ["audiences.yml:71", "unknown key 'at_leest'"]),
    ("audiences.yml", "{ at_least: 0.2 }", "{ is: [many] }", ["'is' does not fit p_no_order_90d, which is a number"]),
    ("audiences.yml", "{ at_least: 0.2 }", "{ at_least: 2018-01-01 }", ["2018-01-01; accepted: a number"]),
    ("audiences.yml", "{ at_least: 0.2 }", "{ at_least: 0.2, at_most: 0.1 }", ["nothing is in between"]),
    ("audiences.yml", "{ within_past_days: 180 }", "{ at_least: 180 }", ["accepted: a date, such as 2018-01-31"]),
    ("audiences.yml", "{ within_past_days: 180 }", "{}", ["needs a test"]),
    (
        "audiences.yml",
        "stages: [declining, silent]",
        "stages: [declining, gone]",
        ["unknown stage 'gone' of ecommerce"],
    ),
    ("audiences.yml", "{ stages: [declining, silent] }", "{}", ["needs stages or tiers"]),
    (
        "audiences.yml",
        "    playbook: { stages: [declining, silent] }\n",
        "",
        ["fading", "add where, playbook, or a file"],
    ),
    (
        "audiences.yml",
        "  click_collect_only:",
        "  click_only:",
        ["no audience is called click_collect_only"],
    ),
    (
        "audiences.yml",
        "    priority: 60\n",
        "    where: { tier: [A] }\n",
        ["has conditions, and audiences/click_collect"],
    ),
    ("audiences.yml", "    priority: 60\n", "    quiet_hours: ignore\n", ["marketing respects the quiet hours"]),
    ("audiences.yml", "holdout: 0.1", "holdout: 10", ["holdout: is 10", "less than or equal to 0.5"]),
    ("audiences.yml", "per_7_days: 3", "per_7_days: 9", ["limits.email", "numbers must not fall"]),
    ("audiences.yml", "priority: 10", "priority: 0", ["priority: is 0", "greater than or equal to 1"]),
    ("audiences.yml", "  universal: 0.05", "  universal: five", ["holdout.universal", "'five'"]),
    ("audiences.yml", "effect_days: 91", "effect_days: 3", ["holdout.effect_days: is 3", "greater than or equal to 7"]),
    ("audiences/click_collect_only.sql", "count_orders >= 2", "count_orders >= 2;", [".sql:4: holds a ';'"]),
    (
        "audiences/click_collect_only.sql",
        "select customer_key",
        "delete",
        [".sql:1: begins with 'delete", "one select"],
    ),
    ("audiences/click_collect_only.sql", ">= 2", ">= 2) as x (y", ["parentheses do not match"]),
    ("audiences/click_collect_only.sql", "'click_collect'", "'click_collect", ["a text or a comment does not end"]),
    ("playbook.csv", "silent,C,recall,email,", "silent,C,recall,letter,", ["playbook.csv:17: channel: is 'letter'"]),
    ("playbook.csv", "silent,C,", "silent,N,", ["playbook.csv:17: tier: is 'N'", "A, B, C", "no row for silent C"]),
    ("playbook.csv", "silent,C,", "quiet,C,", ["playbook.csv:17: stage: is 'quiet'", "prospect, lost, silent"]),
    ("playbook.csv", "silent,C,", "silent,B,", ["silent B stands in line 16 already"]),
    ("playbook.csv", "积分14天后失效,2%", ",2%", ["playbook.csv:17: offer_zh: is empty; give the offer in Chinese"]),
    ("playbook.csv", "失效,2%,", "失效,free,", ["offer_cost: is 'free'; accepted: a share"]),
    ("playbook.csv", "失效,2%,", "失效,101%,", ["playbook.csv:17: offer_cost: is 101%", "the margin of 100%"]),
    (
        "playbook.csv",
        "失效,2%,",
        "失效,36.01,",
        ["offer_cost: is 36.01", "the 36.00 that an order earns", "offer less"],
    ),
    (
        "playbook.csv",
        "28,90,200,days:60",
        "28,90,200,days:0",
        ["exit_rule: is 'days:0'; accepted: ordered, stage_left"],
    ),
    ("playbook.csv", "28,90,200,days:60", "28,90,-1,days:60", ["playbook.csv:17: budget: is '-1'"]),
    ("playbook.csv", "28,90,200,days:60", "28,90,200", ["playbook.csv:17: has 10 values for 11 columns"]),
    ("playbook.csv", "stage,tier,", "stage,class,", ["playbook.csv:1: the header is", "stage,tier,objective"]),
    ("quiet_hours.yml", "Europe/Paris", "Europe/Pariss", ["quiet_hours.yml:15", "unknown time zone 'Europe/Pariss'"]),
    ("quiet_hours.yml", 'until: "20:00" }', 'until: "07:00" }', ["from 08:00 is not before until 07:00"]),
    ("quiet_hours.yml", 'from: "08:00", until: "20:00"', 'from: 10:00, until: "20:00"', ["put it in quotes"]),
    ("quiet_hours.yml", '"05-08"', '"05-32"', ["quiet_hours.yml", "05-32"]),
    ("destinations.yml", "channel: email", "channel: letter", ["'letter'", "'email' or 'sms'"]),
    ("destinations.yml", "  sms_files", "  email_files", ["'email_files' stands twice"]),
    ("destinations.yml", "kind: files", "kind: [files", ["destinations.yml:22", "not valid YAML"]),
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
    ("value.yml", "share: 0.5", "share: 1", ["value.yml:36", "loss.share", "less than 1"]),
    ("value.yml", "overdue_cycles: 3", "overdue: 3", ["value.yml:45", "unknown key 'overdue'"]),
    ("value.yml", "cycles: 4", "cycles: 3", ["value.yml:29", "loss.cycles is 3", "more cycles for a loss"]),
    ("value.yml", "overdue_days: 14", "overdue_days: 92", ["value.yml:29", "loss.days is 92", "more days for a loss"]),
    ("value.yml", "min_order_days: 3", "min_order_days: 1", ["value.yml:49", "min_order_days", "2"]),
    ("value.yml", "min_customers: 20", "min_customers: 2", ["value.yml:51", "min_customers", "5"]),
    ("value.yml", "significance: 0.05", "significance: 1", ["value.yml:52", "significance", "less than 1"]),
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


def test_an_offer_may_cost_what_an_order_earns(config_folder: Path):
    (config_folder / "value.yml").write_text((config_folder / "value.yml").read_text().replace("1.0 #", "0.15 #"))
    config.load()
    (config_folder / "value.yml").write_text((config_folder / "value.yml").read_text().replace("0.15 #", "0.14 #"))
    with pytest.raises(
        ConfigError, match=r"playbook\.csv:15: offer_cost: is 15% of an order, more than the margin of 14%"
    ):
        config.load()


def test_a_query_may_hold_comments_and_signs_in_texts(config_folder: Path):
    file = config_folder / "audiences" / "click_collect_only.sql"
    file.write_text("/* one; two ( */ with a as (select 1) -- three;\nselect 'a;b)' || '' as customer_key")
    query = config.load().audiences.queries["click_collect_only"]
    assert "one; two" not in query
    assert "'a;b)' || ''" in query
