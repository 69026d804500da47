"""Agreement with captum's guided backpropagation, deconvolution and guided Grad-CAM."""

from __future__ import annotations

import pytest

import method_checks as checks
from parity import cases, make_references


@pytest.mark.parametrize("name", ["guided_backprop", "deconvnet", "guided_grad_cam"])
def test_rectifiers(name: str) -> None:
    theirs = make_references.load("rules")[f"captum/{name}"]
    checks.check_equal(checks.explain(cases.CAPTUM, name).values, theirs)
