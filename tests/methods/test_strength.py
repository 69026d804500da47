"""Maps keep their strength: a net that is half as sure has half the map."""

from __future__ import annotations

import pytest

import method_checks as checks


@pytest.mark.parametrize("name", checks.PROPORTIONAL)
def test_half_the_evidence_is_half_the_map(name: str) -> None:
    checks.check_strength(name)
