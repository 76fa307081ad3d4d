"""The gate stops the night when a total differs between layers."""

from datetime import date

import pytest

from perennial import gate
from perennial.errors import GateError

pytestmark = pytest.mark.server

NIGHT = date(2017, 9, 30)


def totals(monkeypatch, first: str, second: str) -> None:
    layers = {"source": f"select {first}", "marts": f"select {second}"}
    monkeypatch.setattr(gate, "TOTALS", {"net revenue": layers, "orders": {"a": "select 1", "b": "select 1"}})


def test_a_difference_of_a_cent_blocks_and_says_where(warehouse, rows, monkeypatch):
    totals(monkeypatch, "10.00", "10.01")
    with pytest.raises(GateError, match=r"nothing is exported: net revenue: source 10\.00, marts 10\.01"):
        gate.run(NIGHT)
    found = rows("select check_name, passed, severity from ops.gate_results order by check_name")
    assert [tuple(r.values()) for r in found] == [
        ("reconcile net revenue", False, "block"),
        ("reconcile orders", True, "block"),
    ]


def test_after_the_cause_is_mended_the_same_night_passes(warehouse, rows, monkeypatch):
    totals(monkeypatch, "10.00", "10.01")
    with pytest.raises(GateError):
        gate.run(NIGHT)
    totals(monkeypatch, "10.00", "10.0000")
    gate.run(NIGHT)
    assert rows("select bool_and(passed) as open from ops.gate_results") == [{"open": True}]
    assert len(rows("select 1 from ops.reconciliation")) == 4
