"""`perennial clv fit`: from a file of orders to parameters and predictions, and what it says about bad files."""

import csv
import io
import json

import pytest
from click.testing import CliRunner
from clv_data import cdnow

from perennial import cli, embedded
from perennial.errors import ConfigError


@pytest.fixture(scope="module")
def cdnow_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("clv") / "cdnow.csv"
    cdnow().to_csv(path, index=False, date_format="%Y-%m-%d")
    return path


@pytest.fixture(autouse=True)
def no_warehouse(monkeypatch):
    """No warehouse may be started."""

    def refuse(*_, **__):
        raise AssertionError("clv fit started a warehouse")

    monkeypatch.setattr(embedded, "session", refuse)
    monkeypatch.setattr(embedded, "start", refuse)


def run(*arguments):
    return CliRunner().invoke(cli.cli, ["clv", "fit", *map(str, arguments)], catch_exceptions=False)


PUBLISHED = ("--until", "1997-09-30", "--drop-later", "--time-unit", "weeks", "--model", "bg", "--spend", "repeats")


def test_the_published_parameters_come_out_of_a_file_of_orders(cdnow_file):
    report = json.loads(run(cdnow_file, *PUBLISHED, "--json").stdout)
    orders, spend = report["orders_model"], report["spend_model"]
    assert [orders[name] for name in ("r", "alpha", "a", "b")] == pytest.approx([0.243, 4.414, 0.793, 2.426], abs=5e-4)
    assert orders["log_likelihood"] == pytest.approx(-9582.4292, abs=5e-3)
    assert orders["converged"] is True
    assert [spend[name] for name in "pqv"] == pytest.approx([6.25, 3.74, 15.44], abs=5e-3)
    assert (report["customers"], report["repeat_orders"], report["rows_after_until"]) == (2357, 2457, 1882)


def test_without_json_it_says_the_same_in_words(cdnow_file):
    said = run(cdnow_file, *PUBLISHED).stdout
    assert "BG/NBD, level bg_mle, status ok" in said
    assert "r 0.2426  alpha 4.4136  a 0.7929  b 2.4259, alpha in weeks" in said
    assert "log-likelihood -9582.429, converged, " in said
    assert "p 6.2496  q 3.7442  v 15.4435" in said


def test_days_and_weeks_differ_in_alpha_and_log_likelihood_only(cdnow_file):
    weeks, days = (
        json.loads(run(cdnow_file, *PUBLISHED, "--time-unit", unit, "--json").stdout)["orders_model"]
        for unit in ("weeks", "days")
    )
    assert days["alpha"] == pytest.approx(7 * weeks["alpha"])
    assert days["log_likelihood"] < weeks["log_likelihood"]
    assert days["r"] == weeks["r"]


def test_predictions_go_to_stdout_and_the_report_to_stderr(cdnow_file):
    result = run(cdnow_file, *PUBLISHED, "--predict", 39)
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert len(rows) == 2357
    assert "BG/NBD" in result.stderr
    assert all(cell for row in rows for cell in row.values())
    assert sum(float(row["exp_orders"]) for row in rows) == pytest.approx(1882 * (1 - 0.1215), rel=1e-3)
    by_id = {row["customer_id"]: row for row in rows}
    one = by_id["1"]
    assert (one["first_order_on"], one["last_order_on"], one["orders"]) == ("1997-01-01", "1997-08-02", "3")
    assert float(one["total_value"]) == pytest.approx(float(one["historic_value"]) + float(one["clv"]), abs=1e-2)
    assert all(row["next_order_on_p25"] > "1997-09-30" for row in rows)  # "never" sorts behind every date
    assert any(row["next_order_on_p75"] == "never" for row in rows)


def test_predictions_can_go_to_a_file(cdnow_file, tmp_path):
    result = run(cdnow_file, *PUBLISHED, "--predict", 39, "--output", tmp_path / "out.csv")
    assert "BG/NBD" in result.stdout
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 2358


def orders_file(tmp_path, text, encoding="utf-8"):
    path = tmp_path / "orders.csv"
    path.write_text(text, encoding=encoding)
    return path


HEADER = "customer_id,date,amount\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty; its first line must say customer_id,date,amount"),
        (HEADER, "has a header but no rows"),
        (
            "customer;date;amount\n1;2017-01-01;5\n",
            "no column customer_id, date, amount; the first line says customer;",
        ),
        ("customer_id,date,total\na,2017-01-01,5\n", "no column amount; the first line says customer_id, date, total"),
        (
            HEADER + "a,2017-01-01,5\na,01/02/2017,5\n",
            "line 3: date '01/02/2017' is not a date; write it as 2017-09-30",
        ),
        (HEADER + "a,2017-02-30,5\n", "line 2: date '2017-02-30' is not a date"),
        (HEADER + "a,2017-01-01,5\n\na,2017-01-02,€5\n", "line 4: amount '€5' is not an amount; write it as 1234.50"),
        (HEADER + 'a,2017-01-01,"1,5"\na,2017-01-01,x\n', "amount '1,5' is not an amount"),
        (HEADER + "a,2017-01-01,inf\n", "amount 'inf' is not an amount"),
        (HEADER + "a,2017-01-01,\n", "line 2: amount '' is not an amount"),
        (HEADER + ",2017-01-01,5\n", "line 2: customer_id '' is empty"),
        (
            HEADER + "a,2017-01-01,5\na,2017-01-01,5,6\n",
            "line 3: 4 fields where the first line has 3: 'a,2017-01-01,5,6'. Quote",
        ),
        (HEADER + "a,2018-01-01,5\nb,2017-01-01,5\n", "line 2: date '2018-01-01' lies after --until 2017-09-30"),
    ],
)
def test_a_bad_file_is_refused_with_line_value_and_remedy(tmp_path, text, said):
    path = orders_file(tmp_path, text)
    with pytest.raises(ConfigError) as refused:
        run(path, "--until", "2017-09-30")
    assert said in str(refused.value)
    assert str(path) in str(refused.value)


def test_a_file_wholly_after_until_is_refused(tmp_path):
    path = orders_file(tmp_path, HEADER + "a,2018-01-01,5\n")
    with pytest.raises(ConfigError, match="all 1 rows lie after --until 2017-09-30; choose a later day"):
        run(path, "--until", "2017-09-30", "--drop-later")


def test_a_file_that_is_not_utf_8_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="save it as UTF-8"):
        run(orders_file(tmp_path, HEADER + "Müller,2017-01-01,5\n", encoding="latin-1"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--output", "x.csv"), "say for how long with --predict H"),
        (("--time-unit", "months"), "'months' is not one of 'days', 'weeks'"),
        (("--predict", "0"), "0 is not in the range"),
        (("--until", "yesterday"), "does not match the format"),
    ],
)
def test_a_bad_option_is_refused(tmp_path, arguments, said):
    result = run(orders_file(tmp_path, HEADER + "a,2017-01-01,5\n"), *arguments)
    assert result.exit_code == 2
    assert said in result.stderr


def test_the_terminal_shows_an_error_without_a_traceback(tmp_path, monkeypatch, capsys):
    path = orders_file(tmp_path, HEADER + "a,tomorrow,5\n")
    monkeypatch.setattr("sys.argv", ["perennial", "clv", "fit", str(path)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    assert capsys.readouterr().err.startswith(f"perennial: {path}, line 2: date 'tomorrow' is not a date")


def test_a_tiny_file_gets_the_recent_rate_and_no_blank(tmp_path):
    text = "﻿" + HEADER + "b,2017-03-01 10:00:00,5\n b ,2017-03-01T18:00:00Z,5\nb,2017-05-01,-3\na,2017-04-01,7\n\n"
    result = run(orders_file(tmp_path, text), "--until", "2017-06-30", "--predict", 90)
    a, b = csv.DictReader(io.StringIO(result.stdout))
    assert (a["customer_id"], b["customer_id"]) == ("a", "b")
    assert (b["orders"], b["historic_value"], b["model_used"]) == ("2", "7", "recent_rate")
    assert all([*a.values(), *b.values()])
    assert "1 orders without value left out" in result.stderr


def test_a_file_of_one_day_says_why_there_is_nothing_to_predict(tmp_path):
    result = run(orders_file(tmp_path, HEADER + "a,2017-03-01,5\n"), "--predict", 90)
    (row,) = csv.DictReader(io.StringIO(result.stdout))
    assert (row["exp_orders"], row["model_used"], row["fit_status"]) == ("", "none", "no_days_watched")
