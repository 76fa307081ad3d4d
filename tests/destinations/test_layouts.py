"""Each preset writes what its importer documents; a layout that cannot work is refused before the night."""

import csv
import io
import json
from datetime import date
from decimal import Decimal

import pytest
from pyarrow import parquet
from pydantic import ValidationError
from test_audience_files import NIGHT, deliver_with

from perennial.config.columns import columns
from perennial.config.destinations import Destinations
from perennial.config.files import read
from perennial.destinations.base import Change, Member
from perennial.destinations.files import Settings
from perennial.destinations.layouts import PRESETS, Layout
from perennial.destinations.tables import address_in
from perennial.errors import ConfigError

EMAIL, PHONE, MOBILE_CN = "ann@example.com", "+33612345678", "+8613812345678"
OURS = ["perennial_audience", "perennial_valid_until"]
TOLD = ["perennial_stage", "perennial_abc_tier"]
# preset, channel, address -> header, and the address as it is to stand there
CASES = [
    ("generic", "email", EMAIL, ["customer_key", "email", "stage", "abc_tier"], EMAIL),
    ("generic", "sms", PHONE, ["customer_key", "phone", "stage", "abc_tier"], PHONE),
    ("klaviyo", "email", EMAIL, ["Email", *OURS, *TOLD], EMAIL),
    ("klaviyo", "sms", PHONE, ["Phone Number", *OURS, *TOLD], PHONE),
    ("mailchimp", "email", EMAIL, ["Email Address", *OURS, *TOLD], EMAIL),
    ("mailchimp", "sms", PHONE, ["SMS Phone Number", *OURS, *TOLD], PHONE),
    ("sendgrid", "email", EMAIL, ["email", *OURS, *TOLD], EMAIL),
    ("sendgrid", "sms", PHONE, ["phone_number_id", *OURS, *TOLD], PHONE),
    ("brevo", "email", EMAIL, ["EMAIL", *(h.upper() for h in OURS + TOLD)], EMAIL),
    ("brevo", "sms", PHONE, ["SMS", *(h.upper() for h in OURS + TOLD)], PHONE),
    ("twilio", "sms", PHONE, ["To", "stage", "abc_tier"], PHONE),
    ("sms_e164", "sms", PHONE, ["phone", "stage", "abc_tier"], PHONE),
    ("sms_digits", "sms", PHONE, ["phone", "stage", "abc_tier"], "33612345678"),
    ("sms_national", "sms", PHONE, ["phone", "stage", "abc_tier"], "0612345678"),
    ("aliyun_sms", "sms", MOBILE_CN, ["手机号码", "stage", "abc_tier"], "13812345678"),
    ("tencent_sms", "sms", MOBILE_CN, ["手机号码", "stage", "abc_tier"], MOBILE_CN),
]
MORE = {"sms_national": {"calling_code": "33", "trunk": "0"}}


def ann(address: str = EMAIL, key: str = "k1", **attributes) -> Member:
    return Member(key, address, {"stage": "lost", "abc_tier": "A"} | attributes)


def test_every_preset_is_shown_here():
    assert {preset for preset, *_ in CASES} == PRESETS.keys()


@pytest.mark.parametrize(("preset", "channel", "address", "header", "shown"), CASES)
def test_a_preset_has_its_importers_header_and_phone_style(state, preset, channel, address, header, shown):
    layout = MORE.get(preset, {})
    path, *_ = deliver_with([ann(address)], channel=channel, preset=preset, layout=layout)
    content = path.read_bytes()
    assert content.startswith(b"\xef\xbb\xbf") is (preset in ("aliyun_sms", "tencent_sms"))
    delimiter = ";" if preset == "brevo" else ","
    written, row = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=delimiter)
    assert written == header
    assert dict(zip(header, row, strict=True))[header[1 if preset == "generic" else 0]] == shown
    assert row[-2:] == ["lost", "A"]
    if "perennial_valid_until" in [h.lower() for h in header]:
        assert row[1:3] == ["lost", "2017-10-03"]
    manifest = json.loads(path.with_suffix(".manifest.json").read_text())
    assert (manifest["preset"], manifest["columns"]) == (preset, header)


@pytest.mark.parametrize(("preset", "channel", "address", "header", "shown"), CASES)
def test_every_preset_can_be_parquet_with_real_types(state, preset, channel, address, header, shown):
    numbers = [n for n, kind in columns().items() if kind == "number"][:1]
    days = [n for n, kind in columns().items() if kind == "date"][:1]
    truths = [n for n, kind in columns().items() if kind == "boolean"][:1]
    told = ("stage", *numbers, *days, *truths)
    values = dict(zip(told, ("=1+1", Decimal("-2.5"), "2018-01-05", True), strict=False))
    layout = MORE.get(preset, {}) | {"format": "parquet"}
    people = [ann(address, **values), ann(address, "k2", **dict.fromkeys(told))]
    path, *_ = deliver_with(people, channel=channel, preset=preset, layout=layout, attributes=told)
    table = parquet.read_table(path)
    assert path.suffix == ".parquet"
    first, second = table.to_pylist()
    assert shown in first.values()
    assert list(first.values())[-len(told) :] == list({**values, numbers[0]: -2.5, days[0]: date(2018, 1, 5)}.values())
    assert list(second.values())[-len(told) :] == [None] * len(told)


def test_an_empty_audience_in_parquet_has_its_columns_and_their_types(state):
    path, *_ = deliver_with([], layout={"format": "parquet"}, attributes=("stage", "count_orders"))
    table = parquet.read_table(path)
    assert table.num_rows == 0
    assert [str(f.type) for f in table.schema] == ["string", "string", "string", "double"]


def test_a_column_can_show_an_attribute_under_any_name_and_the_rest_be_left_out(state):
    layout = {"columns": {"号码": "phone", "等级": "abc_tier", "bis": "valid_until"}, "attribute": None, "bom": True}
    path, *_ = deliver_with([ann(PHONE)], channel="sms", layout=layout)
    assert path.read_bytes() == "\ufeff号码,等级,bis\n+33612345678,A,2017-10-03\n".encode()


@pytest.mark.parametrize(
    ("layout", "address", "shown", "problem"),
    [
        ({}, "+4915112345678", "+4915112345678", None),
        ({}, "0151 1234", None, "no phone number in E.164"),
        ({}, "+0151123456", None, "no phone number in E.164"),
        ({}, "+4915112345678\n", None, "no phone number in E.164"),
        ({"phone": "digits"}, "+8613812345678", "8613812345678", None),
        ({"phone": "national", "calling_code": "86"}, "+8613812345678", "13812345678", None),
        ({"phone": "national", "calling_code": "44", "trunk": "0"}, "+447700900123", "07700900123", None),
        ({"phone": "national", "calling_code": "86"}, "+447700900123", None, r"no number of +86"),
        (PRESETS["aliyun_sms"], "+862112345678", None, "the importer takes no such address"),
    ],
)
def test_a_phone_number_takes_the_style_of_the_gateway_or_is_refused(layout, address, shown, problem):
    found, why = address_in(Layout.model_validate({"columns": {"phone": "phone"}} | layout), "sms", address)
    assert why == problem
    assert problem or found == shown


@pytest.mark.parametrize(
    ("preset", "address", "problem"),
    [
        ("generic", "=cmd@example.com", "the address begins like a formula, which a spreadsheet would run"),
        ("generic", '"-1"@example.com', "the address begins like a formula, which a spreadsheet would run"),
        ("generic", "no-at-sign", "no e-mail address"),
        ("generic", "änn@example.com", None),
        ("generic", "ann+spring@example.com", None),
        ("mailchimp", "änn@example.com", "the importer takes no such address"),
        ("mailchimp", "ann@exämple.com", None),
    ],
)
def test_who_cannot_be_in_the_file_is_rejected_by_name_of_the_cause_and_nobody_else(state, preset, address, problem):
    odd = ann(address, "odd")
    given = [Change("remove", odd), Change("add", odd), Change("add", ann())]
    path, receipt, outcomes = deliver_with([ann(), odd], given, preset=preset)
    assert [(o.customer_key, o.op, o.status, o.error) for o in outcomes] == [
        ("odd", "remove", "done", None),
        ("odd", "add", "rejected" if problem else "done", problem),
        ("k1", "add", "done", None),
    ]
    assert receipt["rows"] == (1 if problem else 2)
    assert receipt.get("refused") == (1 if problem else None)
    assert (address in path.read_text()) is not bool(problem)


def test_what_was_kept_from_running_is_counted(state):
    path, *_ = deliver_with([ann(), ann(key="k2", stage="=1+1"), ann(key="k3", stage=-1.5)])
    assert path.read_text().splitlines()[2:] == ["k2,ann@example.com,'=1+1,A", "k3,ann@example.com,-1.5,A"]
    assert json.loads(path.with_suffix(".manifest.json").read_text())["neutralised"] == 1


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("preset: hubspot", "is 'hubspot'; accepted: 'generic', 'klaviyo'"),
        ("preset: aliyun_sms", "aliyun_sms: has no column for email"),
        ("layout: {colums: {}}", "colums: unknown; accepted: format, columns"),
        ("layout: {format: xlsx}", "format: Input should be 'csv' or 'parquet'"),
        ("layout: {columns: {}}", "columns: Dictionary should have at least 1 item"),
        ("layout: {columns: {a: email, b: shoe_size}}", "columns: unknown 'shoe_size'; accepted: customer_key, email"),
        ("layout: {columns: {stage: email, key: customer_key, x: abc_tier}}", "the header 'stage' stands twice"),
        ("layout: {attribute: same}", "attribute: String should match pattern"),
        ("layout: {accepts: '['}", "is no regular expression"),
        ("path: night/{as_of}", "lacks {audience}"),
        ("path: ../{audience}", "String should match pattern"),
        ("path: /etc/{audience}", "String should match pattern"),
        ("path: '{audience}{secret}'", "String should match pattern"),
        ("manifest: '{as_of}'", "lacks {audience}"),
    ],
)
def test_a_layout_that_cannot_work_is_refused_with_its_line(tmp_path, entry, said):
    file = tmp_path / "destinations.yml"
    file.write_text(f"destinations:\n  a:\n    kind: files\n    channel: email\n    folder: x\n    {entry}\n")
    with pytest.raises(ConfigError) as caught:
        read(file, Destinations)
    assert said in str(caught.value)
    assert f"{file}:6: " in str(caught.value)


def test_a_national_number_without_a_country_is_refused():
    with pytest.raises(ValidationError, match="calling_code: is missing; name the country"):
        Settings(kind="files", channel="sms", folder="x", preset="sms_national")


def test_two_destinations_may_have_one_folder_on_different_servers(tmp_path):
    file = tmp_path / "destinations.yml"
    entry = "  {}: {{kind: files, channel: email, folder: x, connection: {}}}\n"
    file.write_text("destinations:\n" + entry.format("a", "one") + entry.format("b", "two"))
    assert len(read(file, Destinations).destinations) == 2
    file.write_text("destinations:\n" + entry.format("a", "one") + entry.format("b", "one"))
    with pytest.raises(ConfigError, match="'a' and 'b' share 'one:x'"):
        read(file, Destinations)


def test_the_night_stands_in_the_path_as_the_destination_wants_it(state):
    path, *_ = deliver_with([ann()], path="profiles/{audience}_{as_of}", manifest="checks/{audience}_{as_of}")
    folder = state / "audiences" / "x"
    assert path == folder / "profiles" / f"lost_{NIGHT}.csv"
    assert (folder / "checks" / f"lost_{NIGHT}.manifest.json").exists()
    assert [p.name for p in path.parent.iterdir()] == [path.name]
