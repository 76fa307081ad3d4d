"""What a person may see of the rows of a source: no contact details, and nothing that a terminal would act on."""

from perennial.sources.base import Settings

CONTACTS = ("email", "phone")
DIALLED = "+0123456789 ()-./"


def contact_columns(source: Settings | None) -> set[str]:
    """Columns with contact details, of whichever entity: the phone of a customer may be the id that her orders name."""
    origins = [pair for entity in source.entities.values() for pair in entity.columns.items()] if source else []
    return {o.from_ for name, o in origins if o.from_ and (name in CONTACTS or o.as_ == "email_key")}


def shown(value: object, is_contact: bool, longest: int = 60) -> str:
    """A value in short; what is or may be a contact detail keeps its first letter only."""
    text = "" if value is None else str(value)
    if text and (is_contact or (isinstance(value, str) and _may_be_contact(text))):  # amounts and times are no text
        return printable(f"{text[:1]}***")
    return printable(text if len(text) <= longest else f"{text[: longest - 3]}...")


def printable(text: str) -> str:
    """Control characters spelled out: some move the cursor, or make text look like other text."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def has_contact(text: str) -> bool:
    """Whether free text may hold an address or a number to call anywhere."""
    return "@" in text or sum(c.isdigit() for c in text) >= 7


def _may_be_contact(text: str) -> bool:
    return "@" in text or (has_contact(text) and text.strip(DIALLED) == "")
