"""How the contract test looks at Twilio: it sends messages and keeps no list."""

from typing import Any

from perennial.connections import Connection
from twins.harness import AUDIENCE, Harness
from twins.twilio_twin import ACCOUNT, KEY, TwilioTwin

AT = "Thu, 04 Jan 2018 12:00:00 +0000"
OURS = "+14135559999"


class TwilioHarness(Harness):
    kind = "twilio"
    key = KEY
    messages = True
    bulk = "POST /2010-04-01/Accounts"
    twin: TwilioTwin

    def __init__(self, channel: str):
        super().__init__(channel)
        self.twin = TwilioTwin()
        self.reasons = ["unsubscribed", "bounced"]

    def settings(self) -> dict[str, Any]:
        text = {AUDIENCE: "You have {orders} orders. STOP to end."}
        return {"connection": "vendor", "send_messages": True, "sender": OURS, "bodies": text}

    def connection(self, key: str) -> Connection:
        return Connection("http", host=self.twin.url, login=ACCOUNT, password=key)

    def opt_out(self, address: str, reason: str) -> None:
        if reason == "bounced":
            self.twin.add(address, "hello", error_code=30006, date_sent=AT)
        else:
            self.twin.add(OURS, " Stop. ", direction="inbound", date_sent=AT, **{"from": address})
        self.twin.stopped.add(address)

    def opted_out(self) -> set[str]:
        return set(self.twin.stopped)
