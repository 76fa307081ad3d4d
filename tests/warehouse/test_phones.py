"""National numbers become international where a country is stated, so that they reach and recognise somebody."""

from datetime import date

import phonenumbers
import pyarrow as pa
import pytest
from pydantic import ValidationError

from perennial import landing
from perennial.landing import Extract
from perennial.sources import files
from perennial.warehouse import loader, phones

NIGHT = date(2026, 1, 5)
REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)

# as the countries themselves, and libphonenumber's documentation, write them
PUBLISHED = [
    ("0171 2345678", "DE", "+491712345678"),
    ("(0171) 23 45-678", "DE", "+491712345678"),
    ("044 668 18 00", "CH", "+41446681800"),
    ("020 8366 1177", "GB", "+442083661177"),
    ("(201) 555-0123", "US", "+12015550123"),
    ("06 698 1234", "IT", "+39066981234"),  # the 0 stays there
    ("+44 (0)20 8366 1177", "DE", "+442083661177"),
    ("00 44 20 8366 1177", "DE", "+442083661177"),
    ("+86 131 2345 6789", None, "+8613123456789"),
    ("020 8366 1177", None, None),
    ("0171", "DE", None),
    ("12345678901234567890", "DE", None),
    ("ask my wife", "DE", None),
    ("", "DE", None),
]


@pytest.mark.parametrize(("phone", "country", "expected"), PUBLISHED)
def test_a_number_is_completed_by_the_stated_country_only(phone, country, expected):
    assert phones.international(phone, country) == expected


@pytest.mark.parametrize("region", REGIONS)
def test_the_published_example_of_every_country_comes_back_from_how_it_is_written_there(region):
    example = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
    example = example or phonenumbers.example_number(region)
    written = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.NATIONAL)
    expected = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
    assert phones.international(written, region) == expected


def source(default: str | None, **mapped: object) -> files.Settings:
    columns = {"customer_id": "id", "phone": "mobile", "registered_at": "since"} | mapped
    return files.Settings(
        kind="files", folder="drop", files="*", timezone="UTC", default_country=default,
        entities={"customers": {"columns": columns}},
    )  # fmt: skip


def load(rows: list[dict], settings: files.Settings) -> loader.Loaded:
    columns = ["id", "mobile", "land", "since"]
    usual = {"since": "2025-01-01"}
    table = pa.table({c: pa.array([(usual | row).get(c) for row in rows], pa.string()) for c in columns})
    return loader.load(landing.write("crm", "customers", NIGHT, Extract(columns, [table], dict)), settings, ("EUR",))


def stored(rows) -> list:
    return [r["phone"] for r in rows("select phone from raw.customers order by customer_id")]


@pytest.mark.server
def test_a_customers_own_country_comes_before_that_of_the_source(warehouse, rows):
    delivered = [
        {"id": "1", "mobile": "0171 2345678", "land": "DE"},
        {"id": "2", "mobile": "044 668 18 00", "land": "ch"},
        {"id": "3", "mobile": "0171 2345678", "land": "Deutschland"},
        {"id": "4", "mobile": "0171 2345678"},
    ]
    load(delivered, source("DE", country="land"))
    assert stored(rows) == ["+491712345678", "+41446681800", "+491712345678", "+491712345678"]


@pytest.mark.server
def test_without_a_stated_country_a_national_number_stays_what_it_is(warehouse, rows):
    load([{"id": "1", "mobile": "0171 2345678", "land": "DE"}, {"id": "2", "mobile": "0171 2345678"}], source(None))
    assert stored(rows) == ["0171 2345678"] * 2


@pytest.mark.server
def test_own_completes_only_numbers_of_customers_whose_country_is_delivered(warehouse, rows):
    delivered = [{"id": "1", "mobile": "0171 2345678", "land": "DE"}, {"id": "2", "mobile": "0171 2345678"}]
    load(delivered, source("own", country="land"))
    assert stored(rows) == ["+491712345678", "0171 2345678"]


@pytest.mark.server
def test_an_invalid_number_is_told_of_without_it_and_the_customer_stays(warehouse, rows, monkeypatch):
    told = []
    monkeypatch.setattr(loader, "say", told.append)
    done = load([{"id": "1", "mobile": "0171"}, {"id": "2", "mobile": " "}, {"id": "3"}], source("DE"))
    assert (done.loaded, done.quarantined) == (3, 0)
    assert stored(rows) == ["0171", " ", None]
    assert told == ["load crm: note: phone numbers that are valid in no stated country: 1, such as 0***"]


@pytest.mark.server
@pytest.mark.parametrize("in_bulk", [True, False])
def test_an_invalid_number_is_counted_once_in_a_row_that_is_read_twice_too(warehouse, rows, monkeypatch, in_bulk):
    told = []
    monkeypatch.setattr(loader, "say", told.append)
    if not in_bulk:
        monkeypatch.setattr(loader.Finder, "can", property(lambda finder: False))
    done = load([{"id": "1", "mobile": "0171"}, {"id": "2", "mobile": "0172", "since": "soon"}], source("DE"))
    assert (done.loaded, done.quarantined) == (1, 1)
    assert told == ["load crm: note: phone numbers that are valid in no stated country: 2, such as 0***"]


@pytest.mark.server
def test_a_rejected_customer_keeps_what_was_delivered(warehouse, rows):
    load([{"id": "1", "mobile": "0171 2345678", "since": "soon"}, {"id": "2", "mobile": "a\ufffd"}], source("DE"))
    found = rows(
        "select payload, mapped ->> 'phone' as phone, column_name from quarantine.rejected_rows order by row_no"
    )
    assert found[0]["payload"] == {"id": "1", "mobile": "0171 2345678", "since": "soon"}
    assert found[0]["phone"] == "+491712345678"
    assert found[1]["column_name"] == "mobile"


@pytest.mark.parametrize("said", ["Germany", "de", "49", False])
def test_a_country_that_is_none_is_refused(said):
    with pytest.raises(ValidationError, match="accepted: an ISO country code"):
        source(said)
