"""What every method promises, checked over the registry on a few shapes."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

import contract_checks as checks
import zoo
from kerascope.method import Axiom, registry
from kerascope.methods.segment_family import SegmentMap
from once import SAMPLED

METHODS = list(registry())
REFUSALS = checks.refusals()


@functools.cache
def built(shape: str) -> zoo.Case:
    return zoo.SHAPES[shape]()


@pytest.mark.parametrize("fact", ["title", "reference", "formula", "use", "avoid"])
@pytest.mark.parametrize("name", METHODS)
def test_declares(name: str, fact: str) -> None:
    """Each has words of its own, not those of the method it derives from."""
    assert vars(registry()[name]).get(fact), f"{name} does not declare `{fact}`"


CHECKS = [
    checks.check_untouched,
    checks.check_one_by_one,
    checks.check_chunks,
    checks.check_seed,
    checks.check_targets,
    checks.check_round_trips,
    checks.check_passes,
    checks.check_error,
]


@pytest.mark.parametrize(
    ("check", "name"),
    [
        pytest.param(check, name, id=f"{check.__name__}-{name}")
        for i, check in enumerate(CHECKS)
        for j, name in enumerate(METHODS)
        if not SAMPLED or (i + j) % 2 == 0  # every check on half of the methods, in turn
    ],
)
def test_promise(check: Callable[..., None], name: str) -> None:
    check(checks.small(name), built(checks.home(name)))


@pytest.mark.parametrize("name", ["gradient", "grad_cam", "integrated_gradients", "occlusion"])
@pytest.mark.parametrize(
    "shape", ["subclassed_model", "shared_encoder", "norm_and_dropout", "token_ids"]
)
def test_untouched_shapes(name: str, shape: str) -> None:
    checks.check_untouched(checks.small(name), built(shape))


@pytest.mark.parametrize("name", checks.claims(Axiom.CLASS_SENSITIVITY))
def test_class_sensitivity(name: str) -> None:
    checks.check_class_sensitivity(checks.small(name), built(checks.home(name)))


COMPLETE: dict[str, dict[str, Any]] = {
    "blur_ig": {"steps": 64},
    "expected_gradients": {"samples": 200},
    "guided_ig": {"steps": 200},
    "integrated_gradients": {"steps": 32},
}


@pytest.mark.parametrize("name", checks.claims(Axiom.COMPLETENESS))
def test_completeness(name: str) -> None:
    case = checks.relu_case() if name == "full_grad" else checks.smooth_case()
    checks.check_completeness(checks.small(name, **COMPLETE.get(name, {})), case)


# Where a method covers parts: one position at a time, with zero.
LINEAR: dict[str, dict[str, Any]] = {"occlusion": {"patch": 1, "stride": 1, "baseline": 0.0}}


@pytest.mark.parametrize("name", checks.claims(Axiom.LINEARITY))
def test_linearity(name: str) -> None:
    case, weights = checks.linear_case()
    alone = {"segments": "single", "baseline": 0.0}
    fields = LINEAR.get(name, alone if issubclass(registry()[name], SegmentMap) else {})
    checks.check_linearity(checks.small(name, **fields), case, weights)


@pytest.mark.parametrize(
    "name", sorted({*checks.claims(Axiom.LOCATION), *checks.claims(Axiom.DUMMY)})
)
def test_location(name: str) -> None:
    cells = {"segments": "grid-48"} if issubclass(registry()[name], SegmentMap) else {}
    fields = {"occlusion": {"patch": 2, "stride": 2}}.get(name, cells)
    checks.check_location(checks.small(name, **fields), checks.quadrant_case())


# --- equal functions, equal maps -----------------------------------------------------------------


def _builds() -> dict[str, zoo.Case]:
    """Return the same net built as Functional, Sequential, nested and subclassed model."""
    keras.utils.set_random_seed(2)
    net = zoo.Subclassed()
    net(zoo.pictures())
    zoo._shake(net)
    convs, head = [net.conv1, net.conv2], net.head
    gap = keras.layers.GlobalAveragePooling2D()
    i = keras.Input((12, 16, 3))
    functional = keras.Model(i, head(gap(convs[1](convs[0](i)))))
    sequential = keras.Sequential([keras.Input((12, 16, 3)), *convs, gap, head])
    base = keras.Sequential([keras.Input((12, 16, 3)), *convs], name="base")
    j = keras.Input((12, 16, 3))
    nested = keras.Model(j, head(gap(base(j))))
    models = {
        "functional": functional,
        "sequential": sequential,
        "nested": nested,
        "subclassed": net,
    }
    return {name: zoo.Case(name, model, zoo.pictures()) for name, model in models.items()}


@pytest.mark.parametrize("name", checks.claims(Axiom.IMPLEMENTATION_INVARIANCE))
def test_builds_agree(name: str) -> None:
    method = checks.small(name)
    results = {build: checks.run(method, case, target=1) for build, case in _builds().items()}
    for build, result in results.items():
        assert checks.distance(results["functional"].values, result.values) <= 1e-5, build


# --- compiled = eager, on a pairwise sample ------------------------------------------------------

TWO = (["gradient", "grad_cam"], ["smooth_grad", "layer_cam"], ["occlusion", "hires_cam"])
PAIRS = [(name, checks.home(name)) for name in METHODS] + [
    (name, shape)
    for i, shape in enumerate(zoo.SHAPES)
    for name in (TWO[i % 3][i // 3 % 2 :: 2] if SAMPLED else TWO[i % 3])
]


if os.environ.get("KERASCOPE_FULL"):  # make matrix
    PAIRS = [
        (name, shape)
        for name in METHODS
        for shape in zoo.SHAPES
        if shape not in REFUSALS.get(name, {})
    ]


@pytest.mark.parametrize(("name", "shape"), PAIRS)
def test_compiled_is_eager(name: str, shape: str) -> None:
    reason = zoo.runs_here(shape)
    if reason:
        pytest.skip(reason)
    method, case = checks.small(name), built(shape)
    eager = checks.run(method, case, compiled=False)
    compiled = checks.run(method, case, compiled=True)
    loose = {"mixed_float16": 0.05, "mixed_bfloat16": 0.3}.get(shape, 2e-4)
    assert checks.distance(eager.values, compiled.values) <= loose


def test_no_field_has_the_name_of_a_keyword_of_explain() -> None:
    import dataclasses
    import inspect

    import kerascope as ks

    keywords = set(inspect.signature(ks.explain).parameters) - {"fields"}
    for name, kind in registry().items():
        fields = {f.name for f in dataclasses.fields(kind)}
        assert not fields & keywords, name


def test_heatmap_is_signed() -> None:
    result = checks.run(checks.small("gradient_x_input"), built("flat_functional"))
    assert (result.heatmap() < 0).any()
    assert (result.heatmap() > 0).any()
    assert np.array_equal(result.heatmap("sum"), result.values.sum(axis=-1))
