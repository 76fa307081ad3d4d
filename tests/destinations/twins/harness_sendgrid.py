"""How the contract test looks at SendGrid."""

from collections.abc import Callable
from typing import Any

from twins.harness import AUDIENCE, Harness
from twins.sendgrid_twin import KEY, SendgridTwin

AT = 1515067200  # 2018-01-04 at noon
REASONS = {"unsubscribed": "unsubscribes", "complaint": "spam_reports", "bounced": "bounces"}


class SendgridHarness(Harness):
    kind = "sendgrid"
    key = KEY
    bulk = "PUT /v3/marketing/contacts"
    bulk_rows = 30_000
    no_list = "00000000-0000-0000-0000-00000000dead"
    twin: SendgridTwin

    def __init__(self, channel: str):
        super().__init__(channel)
        self.twin = SendgridTwin()
        self.reasons = list(REASONS)
        for name in ("One", "Two", "Three"):
            self.twin.add_list(name)

    def people(self) -> dict[str, dict[str, Any]]:
        ours = [i for i, name in self.twin.lists.items() if name == f"Perennial {AUDIENCE} ({self.channel})"]
        return {
            address: {self._name(i): _number(v) for i, v in contact["custom_fields"].items() if v != ""}
            for address, contact in self.twin.contacts.items()
            if set(ours) & set(contact["list_ids"])
        }

    def _name(self, field_id: str) -> str:
        return self.twin.fields[field_id]["name"].removeprefix("perennial_")

    def opt_out(self, address: str, reason: str) -> None:
        self.twin.suppressed[REASONS[reason]].append((address, AT))

    def opted_out(self) -> set[str]:
        return {address for entries in self.twin.suppressed.values() for address, _ in entries}

    def another_list(self, address: str) -> Callable[[], bool]:
        list_id = self.twin.add_list("Newsletter")
        self.twin._upsert({"email": address}, [list_id])
        return lambda: list_id in self.twin.contacts[address]["list_ids"]

    def delete_list(self) -> None:
        self.twin.lists.clear()

    def spoil(self, address: str) -> None:
        self.twin.spoilt.add(address)


def _number(value: str) -> str | int:
    return int(value) if value.isdecimal() else value
