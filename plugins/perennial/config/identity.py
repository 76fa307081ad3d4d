"""config/identity.yml: when two customer records are one person, and which merges wait."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from perennial.entry import Entry
from perennial.sources.base import Word

Hold = Literal["a_customer", "consent"]


def _small(word: str) -> str:
    """in small letters, without blanks around it"""
    if word != word.strip().lower():
        raise ValueError(f"is '{word}'; write it in small letters and without blanks around it")
    return word


def _local_part(word: str) -> str:
    """what stands before the @, in small letters"""
    if "@" in word:
        raise ValueError(f"is '{word}'; accepted: what stands before the @; a whole address is a placeholder")
    return _small(word)


def _address(word: str) -> str:
    """a whole address in small letters"""
    name, at, domain = word.partition("@")
    if not (name and at and "." in domain):
        raise ValueError(f"is '{word}'; accepted: a whole address such as test@test.com")
    return _small(word)


def _domain(word: str) -> str:
    """a domain in small letters"""
    if "@" in word or "." not in word:
        raise ValueError(f"is '{word}'; accepted: a domain such as noemail.com")
    return _small(word)


def _number(word: str) -> str:
    """+ and digits with the country's code"""
    if not (word.startswith("+") and word[1:].isdigit()):
        raise ValueError(f"is '{word}'; accepted: + and digits with the country's code, such as +1234567890")
    return word


def _loyalty(word: str) -> str:
    """in capitals and digits only"""
    if word != word.upper() or not word.isalnum():
        raise ValueError(f"is '{word}'; write it in capitals and digits only, which is how numbers are compared")
    return word


class Evidence(Entry):
    """How many people may share an identifier, and how many records one person may have, before it says nothing."""

    people: int = Field(ge=1, le=100)
    records: int = Field(ge=2, le=10_000)


class Levels(Entry):
    """The identifiers that count; one that is left out is not used."""

    email: Evidence | None = None
    phone: Evidence | None = None
    loyalty_number: Evidence | None = None


class Placeholders(Entry):
    """What is written where there is none, in the form in which it is compared."""

    emails: list[Annotated[Word, AfterValidator(_address)]] = Field(default_factory=list)
    email_domains: list[Annotated[Word, AfterValidator(_domain)]] = Field(default_factory=list)
    phones: list[Annotated[Word, AfterValidator(_number)]] = Field(default_factory=list)
    loyalty_numbers: list[Annotated[Word, AfterValidator(_loyalty)]] = Field(default_factory=list)


class Identity(Entry):
    """The whole file."""

    evidence: Levels
    role_addresses: list[Annotated[Word, AfterValidator(_local_part)]] = Field(default_factory=list)
    placeholders: Placeholders = Placeholders()
    hold: list[Hold] = Field(default_factory=list)
