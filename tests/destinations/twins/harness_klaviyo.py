"""How the contract test looks at Klaviyo."""

from collections.abc import Callable
from typing import Any

from twins.harness import AUDIENCE, Harness
from twins.klaviyo_twin import KEY, KlaviyoTwin

AT = "2018-01-04T12:00:00+00:00"
REASONS = {
    "unsubscribed": "UNSUBSCRIBE",
    "complaint": "SPAM_COMPLAINT",
    "bounced": "HARD_BOUNCE",
    "blocked": "USER_SUPPRESSED",
}


class KlaviyoHarness(Harness):
    kind = "klaviyo"
    key = KEY
    bulk = "POST /api/profile-bulk-import-jobs"
    bulk_rows = 10_000
    twin: KlaviyoTwin

    def __init__(self, channel: str):
        super().__init__(channel)
        self.twin = KlaviyoTwin()
        self.reasons = list(REASONS) if channel == "email" else ["unsubscribed"]

    def people(self) -> dict[str, dict[str, Any]]:
        found = {}
        for entry in self.twin.lists.values():
            if entry["name"] == f"Perennial {AUDIENCE} ({self.channel})":
                for profile in (self.twin.profiles[i] for i in entry["members"]):
                    address = profile["email"] or profile["phone_number"]
                    found[address] = {k.removeprefix("perennial_"): v for k, v in profile["properties"].items()}
        return found

    def opt_out(self, address: str, reason: str) -> None:
        subscriptions = self.twin.upsert(address)["subscriptions"]
        if self.channel == "sms":
            subscriptions["sms"]["marketing"] |= {"consent": "UNSUBSCRIBED", "last_updated": AT}
        else:
            marketing = subscriptions["email"]["marketing"]
            marketing["suppression"].append({"reason": REASONS[reason], "timestamp": AT})
            marketing["can_receive_email_marketing"] = False

    def opted_out(self) -> set[str]:
        found = set()
        for profile in self.twin.profiles.values():
            known = profile["subscriptions"]
            if known["email"]["marketing"]["suppression"]:
                found.add(profile["email"])
            if known["sms"]["marketing"]["consent"] == "UNSUBSCRIBED":
                found.add(profile["phone_number"])
        return found

    def another_list(self, address: str) -> Callable[[], bool]:
        list_id, profile = self.twin.add_list("Newsletter"), self.twin.upsert(address)
        profile_id = next(i for i, p in self.twin.profiles.items() if p is profile)
        self.twin.lists[list_id]["members"][profile_id] = None
        return lambda: profile_id in self.twin.lists[list_id]["members"]

    no_list = "L99999"

    def delete_list(self) -> None:
        self.twin.lists.clear()

    def spoil(self, address: str) -> None:
        self.twin.spoilt.add(address)
