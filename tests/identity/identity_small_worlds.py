"""A few records that a test names itself, night after night: what they say, and who is who then."""

from datetime import date, datetime, timedelta

from identity_nights import Nights
from identity_oracle import Pair, Record
from identity_world import tell

FIRST, SECOND, THIRD = (date(2017, 5, day) for day in (1, 2, 3))
TOLD = {
    "int_latest_consents": "intermediate.int_latest_consents",
    "int_given_addresses": "pii.int_given_addresses",
    "int_wishes": "intermediate.int_wishes",
}
SAID = {
    "int_gone_records": "intermediate.int_gone_records",
    "int_inherited_denials": "intermediate.int_inherited_denials",
    "int_shared_denials": "intermediate.int_shared_denials",
    "consents": "activation.consents",
}
EVENTS = "select as_of, event, customer_key, former_key, level, reason from pii.identity_events order by 1, 2, 3, 4"


def record(who: str, source: str = "shop", known: int = 0, **said) -> Record:
    return Record((source, who), date(2017, 1, 1) + timedelta(days=known), **said)


def keys(nights: Nights, *records: Record, as_of: date = FIRST, **how) -> dict[str, str]:
    """The key of everybody after a night, by id."""
    tell(nights.session, list(records))
    nights.build(as_of, **how)
    return {who: row[0] for (_, who), row in nights.state().items()}


def said(nights: Nights, record_: Record, status: str, on: date) -> None:
    at = datetime.combine(on, datetime.min.time())
    nights.session.execute(
        "insert into input.input_consents values (%s, %s, 'email', 'marketing', %s, %s, %s, %s)",
        [*record_.id, status, at, on, on],
    )


def wished(nights: Nights, record_: Record, arrived: date) -> None:
    """She opted out in a tool, of an address that her record gave on the first night."""
    nights.session.execute(
        "insert into ops.batches values ('given', 'shop', 'customers', %s, %s, 9, 9, 9, 0, 0, '') "
        "on conflict do nothing",
        [FIRST, FIRST],
    )
    nights.session.execute(
        "insert into raw.customers (source, customer_id, email, registered_at, payload_hash, batch_id, row_no) "
        "values (%s, %s, %s, '2017-01-01', %s, 'given', 1)",
        [*record_.id, record_.email, "0" * 32],
    )
    nights.session.execute(
        "insert into pii.opt_outs values ('tool', 'email', %s, 'unsubscribed', %s, %s)",
        [record_.email, arrived, arrived],
    )


def consents(nights: Nights) -> dict[str, str]:
    return dict(nights.session.execute("select customer_key, status from activation.consents").fetchall())


def one_person(nights: Nights, *records: Record) -> None:
    """Somebody decides that these are one; of none that nobody is any more."""
    nights.decided([("override", Pair([records[0].id, other.id])) for other in records[1:]])
