"""The cells of docs/field-table.md were proven by this run: after the suites of all backends."""

from __future__ import annotations

import pytest

import field_table
from saved import cells_of


@pytest.mark.parametrize("backend", field_table.BACKENDS)
def test_every_cell_tried_was_proven(backend: str) -> None:
    kept = cells_of(backend)
    if not kept:
        pytest.skip(f"no results of {backend}: make test runs the three suites first")
    wanted = field_table.cells(backend)
    tried = field_table.tried(backend)
    failed = [f"{method} on {shape}" for method, shape in set(tried) - kept.keys()]
    assert not failed, "no test proved these cells of docs/field-table.md"
    assert kept == {cell: wanted[cell] for cell in kept}


def test_every_cell_is_tried_on_two_backends() -> None:
    every = [backend for backend in field_table.BACKENDS if backend not in field_table.EVERY]
    assert len(every) >= 2
    for backend in every:
        assert set(field_table.tried(backend)) == set(field_table.cells(backend))
