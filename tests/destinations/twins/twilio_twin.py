"""Twilio in miniature: messages out, answers in, and numbers that said STOP."""

import base64
import itertools
from typing import Any

from http_twin import Answer
from twins.spec import Spec
from twins.vendor import Request, Twin, route

ACCOUNT = "AC" + "0123456789abcdef" * 2
KEY = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
NOW = "Fri, 05 Jan 2018 04:00:00 +0000"
MESSAGES = "/2010-04-01/Accounts/{AccountSid}/Messages.json"
PAGE = 2  # short pages, to see them turned


class TwilioTwin(Twin):
    """Who said STOP can only be looked at."""

    def __init__(self) -> None:
        self.spec = Spec.read("twilio", "twilio_api_v2010.json", only=MESSAGES)
        self.messages: list[dict[str, Any]] = []
        self.stopped: set[str] = set()
        self.landlines: set[str] = set()
        self.bad_sender = False
        self._numbers = itertools.count(1)
        super().__init__()

    def authorised(self, request: Request) -> Answer | None:
        right = "Basic " + base64.b64encode(f"{ACCOUNT}:{KEY}".encode()).decode()
        return None if request.headers.get("authorization") == right else _refusal(401, 20003, "Authenticate")

    @route("POST", MESSAGES)
    def post_message(self, request: Request) -> Answer:
        form = request.body
        if self.bad_sender:
            return _refusal(400, 21606, f"The From number {form.get('From')} is not yours")
        if form["To"] in self.stopped:
            return _refusal(400, OPTED_OUT, f"Attempt to send to {form['To']}, who has opted out")
        if form["To"] in self.landlines:
            return _refusal(400, 21614, f"{form['To']} is not a mobile number")
        return Answer(201, self.add(form["To"], form["Body"], **{"from": form.get("From")}))

    @route("GET", MESSAGES)
    def get_messages(self, request: Request) -> Answer:
        start = int(request.query.get("Page", 0)) * PAGE
        page = self.messages[start : start + PAGE]
        following = f"{request.path}?PageSize={PAGE}&Page={start // PAGE + 1}&PageToken=x"
        more = start + PAGE < len(self.messages)
        return Answer(200, {"messages": page, "next_page_uri": following if more else None, "page": start // PAGE})

    def add(self, to: str, body: str, **more: Any) -> dict[str, Any]:
        """A message that Twilio knows."""
        message = {
            "sid": f"SM{next(self._numbers):032x}",
            "account_sid": ACCOUNT,
            "to": to,
            "from": None,
            "body": body,
            "status": "queued",
            "direction": "outbound-api",
            "date_created": NOW,
            "date_sent": NOW,
            "error_code": None,
            **more,
        }
        self.messages.append(message)
        return message


OPTED_OUT = 21610


def _refusal(status: int, code: int, message: str) -> Answer:
    return Answer(status, {"code": code, "message": message, "status": status, "more_info": "https://www.twilio.com"})
