"""How the contract test looks at Brevo."""

from collections.abc import Callable
from typing import Any

from twins.brevo_twin import KEY, BrevoTwin
from twins.harness import AUDIENCE, Harness

AT = "2018-01-04T12:00:00.000Z"


class BrevoHarness(Harness):
    kind = "brevo"
    key = KEY
    bulk = "POST /v3/contacts/import"
    bulk_rows = 50_000
    no_list = 999_999
    twin: BrevoTwin

    def __init__(self, channel: str):
        super().__init__(channel)
        self.twin = BrevoTwin()
        self.reasons = ["unsubscribed"]

    def people(self) -> dict[str, dict[str, Any]]:
        ours = {i for i, name in self.twin.lists.items() if name == f"Perennial {AUDIENCE} ({self.channel})"}
        return {
            self._address(contact): {
                name.removeprefix("PERENNIAL_").lower(): int(value) if value.isdecimal() else value
                for name, value in contact["attributes"].items()
                if name != "SMS"
            }
            for contact in self.twin.contacts.values()
            if ours & set(contact["listIds"])
        }

    def _address(self, contact: dict[str, Any]) -> str:
        return contact["email"] if self.channel == "email" else f"+{contact['attributes']['SMS']}"

    def opt_out(self, address: str, reason: str) -> None:
        flag = "emailBlacklisted" if self.channel == "email" else "smsBlacklisted"
        self.twin.contact(address).update({flag: True, "modifiedAt": AT})

    def opted_out(self) -> set[str]:
        contacts = self.twin.contacts.values()
        return {self._address(c) for c in contacts if c["emailBlacklisted"] or c["smsBlacklisted"]}

    def another_list(self, address: str) -> Callable[[], bool]:
        list_id = self.twin.add_list("Newsletter")
        contact = self.twin.contact(address)
        contact["listIds"].append(list_id)
        return lambda: list_id in contact["listIds"]

    def delete_list(self) -> None:
        self.twin.lists.clear()

    def spoil(self, address: str) -> None:
        self.twin.spoilt.add(address)
