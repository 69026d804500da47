"""Every metric on nets of every shape: a number within its bounds, or refused by name."""

from __future__ import annotations

import functools
from typing import Any

import keras
import numpy as np
import pytest

import metrics.subjects as subjects
import zoo
from kerascope.errors import Refused
from kerascope.metrics import (
    Require,
    axiomatic,
    complexity,
    grid_pointing,
    localization,
    randomization,
    relative_stability,
    robustness,
)
from kerascope.metrics import metrics as registry

ROOMS = (axiomatic, complexity, grid_pointing, localization, randomization, relative_stability,
         robustness)  # fmt: skip
OURS = [kind for kind in registry().values() if kind.__module__ in {r.__name__ for r in ROOMS}]
QUICK = {"samples": 2, "stages": 2, "shifts": (1,)}
# JAX compiles every op of every shape anew
SHAPES = (
    ["flat_functional", "image_and_vector", "token_ids", "lstm"]
    if keras.backend.backend() == "jax"
    else list(zoo.SHAPES)
)


@functools.cache
def _subject(name: str) -> subjects.Subject:
    subject = subjects.of_zoo(name, "gradient_x_input")
    first = next(iter(subject.maps.values()))
    subject.masks = np.random.default_rng(0).random(first.shape) > 0.7
    subject.gaps = np.array([0.5, -0.25])
    return subject


def _value(kind: Any) -> Any:
    fields = set(kind.__dataclass_fields__)
    return kind(**{name: value for name, value in QUICK.items() if name in fields})


@pytest.mark.parametrize("name", SHAPES)
def test_every_metric(name: str) -> None:
    if reason := zoo.runs_here(name):
        pytest.skip(reason)
    subject, refused, undefined = _subject(name), set(), set()
    before = [np.array(v.numpy(), copy=True) for v in subject.view.model.variables]
    for kind in OURS:
        try:
            found = _value(kind).measure(subject)
        except Refused as error:
            assert len(str(error)) > 10
            assert "\n" not in str(error)
            refused.add(kind.name)
            continue
        assert found.shape == (2,)
        assert found.dtype == np.float64
        low, high = kind.bounds
        known = found[~np.isnan(found)]
        assert ((known >= low - 1e-9) & (known <= high + 1e-9)).all(), f"{kind.name}: {found}"
        if np.isnan(found).all():
            undefined.add(kind.name)
    for old, variable in zip(before, subject.view.model.variables, strict=True):
        np.testing.assert_array_equal(old, variable.numpy())
    tokens = {k.name for k in OURS if k.family == "robustness"} | {"random_logit"}
    tiny = {"pointing_game"}  # 15 positions from anywhere: everything
    assert undefined - tiny <= (tokens if name == "token_ids" else set()), undefined
    allowed = {"grid_pointing_game", "input_invariance", "random_logit"}
    assert refused <= allowed, refused
    if name == "regression_head":
        assert "random_logit" in refused


@pytest.mark.parametrize("kind", OURS, ids=lambda k: k.name)
def test_declared_requirements_are_those_that_are_used(kind: Any) -> None:
    """Without masks, gaps or a method to run again, only those that declare them fail."""
    full = _subject("flat_functional")
    needs = {Require.MASKS: "masks", Require.GAP: "gaps", Require.EXPLAIN: "explain"}
    for require, field in needs.items():
        old = getattr(full, field)
        setattr(full, field, None)
        try:
            failed = False
            _value(kind).measure(full)
        except (Refused, AssertionError):
            failed = True
        finally:
            setattr(full, field, old)
        declared = require in kind.requires or kind.name == "grid_pointing_game"
        assert failed == declared or kind.name == "grid_pointing_game", require


@pytest.mark.parametrize("kind", OURS, ids=lambda k: k.name)
def test_passes_are_those_that_are_made(kind: Any) -> None:
    """What a metric says that it costs is at least what it costs, and not twice as much."""
    metric, subject = _value(kind), _subject("flat_functional")
    calls, again = [], subject.explain
    subject.explain = lambda *args, **options: calls.append(1) or again(*args, **options)
    passes = subject.view.store.passes
    before = passes["forward"]
    refused = False
    try:
        metric.measure(subject)
    except Refused:  # two samples of one class make no mosaic
        refused = kind.name == "grid_pointing_game"
        assert refused
    finally:
        subject.explain = again
    inside = len(calls)
    assert inside <= metric.explanations()
    assert refused or inside >= metric.explanations() / 2
    if not inside:
        assert (passes["forward"] - before) / 2 <= metric.passes(subject.positions)
