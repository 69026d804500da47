"""Methods that are linear in the target say so, and no others: a contrast needs no model then."""

from __future__ import annotations

import functools
from typing import Any

import pytest

import contract_checks as checks
import zoo
from kerascope.method import make_method, registry

METHODS = registry()
CLOSE, FAR = 1e-4, 1e-3  # errors of those that are linear, and of those that are not
SHAPES = ("norm_and_dropout", "vit")


@functools.cache
def built(shape: str) -> zoo.Case:
    return zoo.SHAPES[shape]()


def shapes(name: str) -> list[str]:
    refused = checks.refusals().get(name, {})
    return [shape for shape in SHAPES if shape not in refused]


def worst(name: str, **fields: Any) -> float:
    method = make_method(name, checks.SMALL.get(name, {}) | fields)
    return max(checks.linear_error(method, built(shape)) for shape in shapes(name))


@pytest.mark.parametrize("name", [name for name, kind in METHODS.items() if kind.linear])
def test_declared_holds(name: str) -> None:
    assert METHODS[name]().is_linear()
    assert worst(name) <= CLOSE


@pytest.mark.parametrize("name", [name for name, kind in METHODS.items() if not kind.linear])
def test_undeclared_fails(name: str) -> None:
    assert not METHODS[name]().is_linear()
    assert worst(name) >= FAR, f"{name} is linear, and does not say so"


FIELDS: list[tuple[str, dict[str, Any], bool]] = [
    ("grad_cam", {"modifier": "guided", "layer": "conv1"}, False),
    ("grad_cam", {"layer": "conv1"}, True),
    ("hires_cam", {"modifier": "relu", "layer": "conv1"}, False),
    ("rise", {"estimator": "centred"}, True),
    ("rise", {"estimator": "paper"}, True),
    ("lrp", {"composite": "epsilon_alpha2_beta1"}, True),
    ("deep_lift", {"rule": "reveal_cancel"}, True),
    ("integrated_gradients", {"spacing": "gauss"}, True),
]


@pytest.mark.parametrize(("name", "fields", "linear"), FIELDS)
def test_fields_decide(name: str, fields: dict[str, Any], linear: bool) -> None:
    method = make_method(name, checks.SMALL.get(name, {}) | fields)
    assert method.is_linear() == linear
    error = checks.linear_error(method, built("flat_functional"))
    assert error <= CLOSE if linear else error >= FAR


def test_adaptive_occlusion_may_look_elsewhere() -> None:
    assert METHODS["occlusion"]().is_linear()
    assert not make_method("occlusion", {"tolerance": 0.1}).is_linear()
