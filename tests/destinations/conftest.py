"""Time passes only when somebody sleeps, and no account's pace is left over from another test."""

import pytest
from twins.harness import Time

from perennial.destinations import client


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    """The clock of the HTTP client."""
    fake = Time()
    monkeypatch.setattr(client, "time", fake)
    monkeypatch.setattr(client, "_buckets", {})
    return fake
