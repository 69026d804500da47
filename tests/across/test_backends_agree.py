"""TensorFlow, JAX and torch give the same maps: run after the three suites, on what they kept."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import field_table
import zoo
from kerascope.method import registry
from saved import paths_for

BACKENDS = ("tensorflow", "jax", "torch")
TOLERANCE = 1e-4  # of the map's maximum, float32 nets
WIDER = {
    # z⁺ through dense layers that read values of both signs: sums near zero stand in denominators.
    "excitation_backprop-vit|": 5e-3,
    "deep_taylor-vit|": 5e-3,
    # A variance over eight draws squares the gradients' rounding: torch differs by 1.9e-4 here.
    "var_grad-rescaling_and_nested_base|": 5e-4,
}
# An optimised mask that inputs moved by 1e-7 of themselves change by half, on one and the same
# backend: no bound says anything here.
CHAOTIC = ("extremal_perturbation-shared_encoder|right",)


def _load(backend: str) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    for path in paths_for(backend):
        with np.load(path) as file:
            found |= dict(file)
    if not found:
        pytest.skip(f"no results of {backend}: make test runs the three suites first")
    return found


def disagreements(one: dict[str, np.ndarray], two: dict[str, np.ndarray]) -> dict[str, float]:
    """Return the cells that differ by more than the tolerance, worst first."""
    worst = {}
    for key in one.keys() & two.keys():
        # Half precision is coarser; an unbuilt model draws its weights from its backend's own
        # generator.
        if "mixed_" in key or "sequential_unbuilt" in key or key in CHAOTIC:
            continue
        scale = max(np.abs(one[key]).max(), np.abs(two[key]).max(), 1e-12)
        worst[key] = float(np.abs(one[key] - two[key]).max() / scale)
    return dict(
        sorted(
            ((k, v) for k, v in worst.items() if v > WIDER.get(k, TOLERANCE)),
            key=lambda item: -item[1],
        )
    )


@pytest.mark.parametrize(("one", "two"), list(itertools.combinations(BACKENDS, 2)))
def test_maps_agree(one: str, two: str) -> None:
    left, right = _load(one), _load(two)
    shared = {key.split("|")[0] for key in left.keys() & right.keys()}
    assert not _on_both(one, two) - shared, "cells without a map of both backends"
    assert not disagreements(left, right)


def _on_both(one: str, two: str) -> set[str]:
    """Return the names of the maps that runs on both backends must have kept."""
    works = (
        {cell for cell in field_table.tried(name) if field_table.cells(name)[cell] == "works"}
        for name in (one, two)
    )
    return {f"{method}-{shape}" for method, shape in set.intersection(*works)}


@pytest.mark.parametrize(("one", "two"), list(itertools.combinations(BACKENDS, 2)))
def test_there_is_enough_to_compare(one: str, two: str) -> None:
    names = [name.split("-") for name in _on_both(one, two)]
    assert len({method for method, _ in names}) == len(registry())
    shapes = {shape for _, shape in names}
    assert shapes == {s for s in zoo.SHAPES if not (zoo.runs_here(s, one) or zoo.runs_here(s, two))}


def test_a_disagreement_is_seen() -> None:
    cell = {"gradient-flat|": np.array([1.0, 2.0])}
    assert not disagreements(cell, {"gradient-flat|": np.array([1.0, 2.0001])})
    assert disagreements(cell, {"gradient-flat|": np.array([1.0, 2.001])})
