"""How importers want their files. A tool that is not here is one entry more, or `layout` of a destination.

Headers are those the importers document. Attributes carry a prefix where a tool would mix them with other people's.
`perennial_valid_until` lets a tool whose imports only ever add people leave them out again once the day is past.
"""

import re
from typing import Any, Literal

from pydantic import Field, field_validator

from perennial.destinations.base import Channel
from perennial.entry import Entry

OWN = ("customer_key", "email", "phone", "audience", "as_of", "valid_until")  # besides a destination's attributes
PHONE: dict[Channel, str] = {"email": "email", "sms": "phone"}
OURS = {"perennial_audience": "audience", "perennial_valid_until": "valid_until"}

PRESETS: dict[str, dict[str, Any]] = {
    "generic": {"columns": {"customer_key": "customer_key", "email": "email", "phone": "phone"}},
    # the address has to be the first column
    "klaviyo": {"columns": {"Email": "email", "Phone Number": "phone", **OURS}, "attribute": "perennial_{name}"},
    # no letters but ASCII before the @
    "mailchimp": {
        "columns": {"Email Address": "email", "SMS Phone Number": "phone", **OURS},
        "attribute": "perennial_{name}",
        "accepts": r"\+\d+|[!-~]+@[^@]+",
    },
    # letters, digits and underscores only
    "sendgrid": {"columns": {"email": "email", "phone_number_id": "phone", **OURS}, "attribute": "perennial_{name}"},
    "brevo": {
        "columns": {
            "EMAIL": "email",
            "SMS": "phone",
            **{header.upper(): source for header, source in OURS.items()},
        },
        "attribute": "PERENNIAL_{NAME}",
        "delimiter": ";",
    },
    # gateways take the number from the first column and a template's variables, by name or in order, from the others
    "twilio": {"columns": {"To": "phone"}},
    "sms_e164": {"columns": {"phone": "phone"}},
    "sms_digits": {"columns": {"phone": "phone"}, "phone": "digits"},
    "sms_national": {"columns": {"phone": "phone"}, "phone": "national"},
    "aliyun_sms": {
        "columns": {"手机号码": "phone"},
        "phone": "national",
        "calling_code": "86",
        "accepts": r"1[3-9]\d{9}",
        "bom": True,
    },
    "tencent_sms": {"columns": {"手机号码": "phone"}, "bom": True},
}


class Layout(Entry):
    """Columns by header, in order: what stands below each is one of OWN, or an attribute of the destination.

    Attributes that are not among the columns follow under `attribute`; null leaves them out. A column with the address
    of another channel is left out.
    """

    format: Literal["csv", "parquet"] = "csv"
    columns: dict[str, str] = Field(min_length=1)
    attribute: str | None = Field(default="{name}", pattern=r"^[^{}]*\{(name|NAME)\}[^{}]*$")
    phone: Literal["e164", "digits", "national"] = "e164"
    calling_code: str | None = Field(default=None, pattern=r"^[1-9]\d{0,2}$")  # of national numbers
    trunk: str = Field(default="", pattern=r"^\d?$")  # what national numbers begin with, such as 0 in France
    accepts: str | None = None  # an address that does not match as a whole is refused
    delimiter: Literal[",", ";", "\t"] = ","
    bom: bool = False  # lets Excel read other letters than ASCII

    @field_validator("accepts")
    @classmethod
    def _is_a_pattern(cls, value: str | None) -> str | None:
        """`accepts` is a regular expression."""
        try:
            re.compile(value or "")
        except re.error as error:
            raise ValueError(f"is no regular expression: {error}") from None
        return value

    def headers(self, channel: Channel, attributes: tuple[str, ...]) -> list[tuple[str, str]]:
        """Header and source of every column of a file for that channel, in order."""
        other = {name for name in PHONE.values() if name != PHONE[channel]}
        named = [(header, source) for header, source in self.columns.items() if source not in other]
        told = {source for _, source in named}
        rest = [a for a in attributes if a not in told] if self.attribute else []
        return named + [(self.attribute.format(name=a, NAME=a.upper()), a) for a in rest]

    def problem(self, channel: Channel, attributes: tuple[str, ...]) -> str | None:
        """What keeps this layout from telling these attributes on this channel."""
        headers = self.headers(channel, attributes)
        sources, titles = [s for _, s in headers], [h for h, _ in headers]
        if PHONE[channel] not in sources:
            return f"has no column for {channel}; choose another preset, or name one under columns"
        if unknown := sorted(set(sources) - {*OWN, *attributes}):
            return f"columns: unknown '{unknown[0]}'; accepted: {', '.join((*OWN, *attributes))}"
        if twice := sorted({h for h in titles if titles.count(h) > 1}):
            return f"columns: the header '{twice[0]}' stands twice"
        if channel == "sms" and self.phone == "national" and self.calling_code is None:
            return "calling_code: is missing; name the country whose numbers these are, such as 33"
        return None
