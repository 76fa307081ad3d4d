"""What a source says of consent, from landed rows to what counts on a night."""

from datetime import date

import pyarrow as pa
import pytest

from perennial import config, landing, transform
from perennial.landing import Extract
from perennial.warehouse import loader

pytestmark = pytest.mark.server

NIGHT, NEXT = date(2017, 9, 30), date(2017, 10, 1)
NOON, LATER = "2017-09-01 12:00:00", "2017-09-01 12:00:01"
NAMES = ("no yes", "yes no", "no then yes", "no until later", "mended")
MAILS = {name: f"{name.replace(' ', '.')}@example.com" for name in NAMES}


def load(night: date, *statements: tuple[str, str, str]) -> None:
    """A file of one night: who, Y or N, when."""
    who, said, at = (list(column) for column in zip(*statements, strict=True))
    table = pa.table({"kundenmail": [MAILS[name] for name in who], "newsletter": said, "placed_local": at})
    batch = landing.write("click_collect", "consents", night, Extract(table.column_names, [table], dict))
    loader.load(batch, config.load().sources.sources["click_collect"], ("USD",))


def test_of_two_statements_of_one_moment_the_denial_counts_however_they_were_delivered(warehouse, rows):
    load(NIGHT, ("no yes", "N", NOON), ("no yes", "Y", NOON), ("yes no", "Y", NOON), ("yes no", "N", NOON))
    load(NEXT, ("no yes", "N", NOON), ("no yes", "Y", NOON), ("no then yes", "N", NOON), ("no until later", "N", NOON))
    load(date(2017, 10, 2), ("no then yes", "Y", NOON), ("no until later", "Y", LATER))
    transform.run(["run", "--select", "stg_consents", "input_consents"], config.load(), date(2017, 10, 2), warehouse)
    newest = {
        row["source_customer_id"]: row["status"]
        for row in rows("select source_customer_id, status from input.input_consents order by changed_at")
    }
    hashed = "select 'email:' || md5(%s) as id"
    assert {name: newest.get(rows(hashed, mail)[0]["id"]) for name, mail in MAILS.items()} == {
        "no yes": "denied",
        "yes no": "denied",
        "no then yes": "denied",
        "no until later": "granted",
        "mended": None,
    }


def test_a_statement_understood_at_last_was_received_when_it_first_came(warehouse, rows):
    load(NIGHT, ("mended", "nein", NOON))
    load(NEXT, ("mended", "N", NOON))
    transform.run(["run", "--select", "stg_consents", "input_consents"], config.load(), NEXT, warehouse)
    assert rows("select status, received_on from input.input_consents") == [{"status": "denied", "received_on": NIGHT}]
