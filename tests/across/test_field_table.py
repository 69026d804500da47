"""Every cell of docs/field-table.md was proven by this run: after the suites of all backends."""

from __future__ import annotations

import pytest

import field_table
from saved import cells_of


@pytest.mark.parametrize("backend", field_table.BACKENDS)
def test_every_cell_was_proven(backend: str) -> None:
    kept = cells_of(backend)
    if not kept:
        pytest.skip(f"no results of {backend}: make test runs the three suites first")
    wanted = field_table.cells(backend)
    failed = [f"{method} on {shape}" for method, shape in wanted.keys() - kept.keys()]
    assert not failed, "no test proved these cells of docs/field-table.md"
    assert kept == wanted
