"""Incremental equals naive on random nets, wherever the windows end."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
import numpy as np
import pytest

from kerascope import incremental
from kerascope.incremental import planning, program
from kerascope.incremental.cost import Estimate
from kerascope.incremental.spans import Span, Step
from unit.incremental.random_graphs import random_model
from unit.incremental.slow_occlusion import covered, positions, view

# 248 nets in one run of all backends. JAX compiles every operation of every new shape by itself:
# fewer nets, and compiled whole.
JAX = keras.backend.backend() == "jax"
GRAPHS = 8 if JAX else 120
GROUP = 8


def compare(seed: int, monkeypatch: pytest.MonkeyPatch) -> tuple[float, float]:
    """Return the error and the largest effect of a patch on one random net, both relative."""
    model, shape, layout = random_model(seed)
    rng = np.random.default_rng([seed, 1])
    x = rng.normal(size=(2, *shape)).astype(np.float32)
    hooked, given, targets = view(model, x, compiled=JAX)
    name = next(iter(given))
    sizes = shape[1:] if layout == "channels_first" else shape[:-1]
    patch = tuple(int(rng.integers(1, max(2, n // 2))) for n in sizes)
    corners = positions(sizes, int(rng.integers(2, 6)))
    corners = corners[rng.permutation(len(corners))[:9]]
    cover = rng.normal(size=shape).astype(np.float32)
    fraction = rng.uniform(0.2, 1.2)

    def somewhere(graph: Any, order: list[int], spans: Any) -> Estimate:
        return Estimate(1.0, 0.1, max(1, min(int(fraction * len(order)), len(order))))

    monkeypatch.setattr(planning, "choose", somewhere)
    known = corners if rng.integers(2) else None
    plan = incremental.plan(hooked, given, name, patch, targets, corners=known, always=True)
    if isinstance(plan, str):
        assert seed % 5 == 0, f"seed {seed}: {plan}"
        return 0.0, 0.0
    found = plan.scores(given, 1, cover, corners, targets).values
    rows = covered(x[1], cover, corners, patch, layout)
    exact = hooked.scores({name: rows}, targets.take(np.ones(len(rows), int))).values
    plain = hooked.scores({name: x[1:]}, targets.take([1])).values
    scale = max(float(np.abs(exact).max()), 1e-3)
    return float(np.abs(found - exact).max()) / scale, float(np.abs(plain - exact).max()) / scale


@pytest.mark.parametrize("start", range(0, GRAPHS, GROUP))
def test_random_nets_score_as_naive(start: int, monkeypatch: pytest.MonkeyPatch) -> None:
    results = {seed: compare(seed, monkeypatch) for seed in range(start, start + GROUP)}
    assert {seed: r[0] for seed, r in results.items() if not r[0] <= 1e-5} == {}
    # Patches that change nothing would prove nothing.
    assert sum(r[1] > 1e-3 for r in results.values()) >= GROUP - 4


def test_the_comparison_bites(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows one cell too small on one side must show."""

    real = program.through

    def narrow(span: Span, step: Step, length: int) -> Span:
        wide = real(span, step, length)
        high = np.maximum(wide.high - (step.reach > 1), wide.low)
        return dataclasses.replace(wide, high=high)

    monkeypatch.setattr(program, "through", narrow)
    errors = [compare(seed, monkeypatch)[0] for seed in (1, 2, 3, 4, 6, 7)]
    assert sum(error > 1e-4 for error in errors) >= 3
