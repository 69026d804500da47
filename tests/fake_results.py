"""Results made by hand, for tests of pictures and pages: no model, no Keras."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from kerascope import method as method_room
from kerascope.attribution import Attribution
from kerascope.method import AttributionMethod, Passes
from kerascope.provenance import Provenance

EVIL = "</script><script>alert(1)</script>"


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Fake(AttributionMethod):
    name = "fake"
    title = "Fake"
    reference = "nobody2000"

    def attribute(self, model: Any, x: Any, targets: Any, run: Any) -> Any:
        raise AssertionError("a fake is never run")

    def passes(self, shape: Any, targets: int = 1, channels: int = 1) -> Passes:
        return Passes(gradient=1, backward=targets - 1)


@dataclasses.dataclass(frozen=True, kw_only=True)
class FakeCam(_Fake):
    name = "fake_cam"
    title = "Fake-CAM"
    layer: str | None = None
    relu: bool = True


@dataclasses.dataclass(frozen=True, kw_only=True)
class FakeSigned(_Fake):
    name = "fake_signed"
    title = "Fake signed"
    steps: int = 32
    noise: float = 0.15


@dataclasses.dataclass(frozen=True, kw_only=True)
class FakeSaliency(_Fake):
    name = "fake_saliency"
    title = "Fake saliency"
    reduce = "max_abs"


# The registry lists what users can run: fakes must not be among it when other tests read it.
for _name in ("fake", "fake_cam", "fake_signed", "fake_saliency"):
    method_room._REGISTRY.pop(_name)


def provenance(method: AttributionMethod, **changes: Any) -> Provenance:
    made = Provenance(
        kerascope="0.1.0",
        keras="3.15.1",
        backend="jax",
        backend_version="0.10.2",
        model="tiny.keras",
        model_sha256="ab" * 32,
        method=method.to_json(),
        target="predicted",
        score="logit",
        seed=0,
        seconds=0.25,
    )
    return dataclasses.replace(made, **changes)


def pictures(count: int, height: int = 24, width: int = 32) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(5)
    return tuple(rng.integers(0, 256, (height, width, 3), dtype=np.uint8) for _ in range(count))


def spot(height: int, width: int, y: int, x: int, *, radius: int = 2) -> np.ndarray:
    """A map that is one inside a square and zero outside."""
    values = np.zeros((height, width), np.float32)
    values[max(0, y - radius) : y + radius + 1, max(0, x - radius) : x + radius + 1] = 1
    return values


def result(
    values: Any,
    *,
    method: AttributionMethod | None = None,
    axes: Any = ("sample", "y", "x"),
    inputs: Any = None,
    input_axes: dict[str, tuple[str, ...]] | None = None,
    labels: tuple[str, ...] = ("tabby", "dog", "fox", "owl", "eel", "bee"),
    **changes: Any,
) -> Attribution:
    """A result for hand-made values; with a target axis, the targets are the first labels."""
    method = method or FakeCam()
    first = values if not isinstance(values, dict) else next(iter(values.values()))
    count = len(first)
    first_axes = axes if isinstance(axes, tuple) else next(iter(axes.values()))
    targets = first.shape[1] if "target" in first_axes else 0
    words = tuple(f"logit of '{label}' ({9 - k}.5)" for k, label in enumerate(labels))
    if inputs is None:
        height, width = first.shape[-2:] if "y" in first_axes else (24, 32)
        inputs = (
            np.random.default_rng(1).uniform(0, 1, (count, height, width, 3)).astype(np.float32)
        )
    share = np.array([0.7, 0.12, 0.08, 0.06, 0.03, 0.01][: len(labels)])
    made = {
        "scores": np.full((count, targets) if targets else (count,), 9.5, np.float32),
        "explained": tuple(words[:targets] if targets else words[0] for _ in range(count)),
        "predictions": np.tile(share / share.sum(), (count, 1)).astype(np.float32),
        "target": "predicted",
        "layer": "conv5" if isinstance(method, FakeCam) else None,
        "gap": None,
        "notes": (),
        "names": tuple(f"photo{i}.jpg" for i in range(count)),
        "provenance": provenance(method),
    } | changes
    return Attribution(
        values=values,
        axes=axes,
        inputs=inputs,
        input_axes=input_axes or {"input": ("sample", "y", "x", "channel")},
        method=method,
        labels=labels,
        **made,
    )


def cam(count: int = 2, *, targets: int = 0, **changes: Any) -> Attribution:
    """A map with a spot in the upper left, at 8×8 under a picture of 24×32."""
    values = np.tile(spot(8, 8, 1, 1, radius=1), (count, 1, 1))
    axes: tuple[str, ...] = ("sample", "y", "x")
    if targets:
        values = np.stack([values / (k + 1) for k in range(targets)], axis=1)
        axes = ("sample", "target", "y", "x")
    inputs = np.random.default_rng(1).uniform(0, 1, (count, 24, 32, 3)).astype(np.float32)
    return result(values, axes=axes, inputs=inputs, display=pictures(count), **changes)


def signed(count: int = 2, **changes: Any) -> Attribution:
    """A map with a spot for at the left and a weaker one against at the right, with a gap."""
    one = spot(24, 32, 12, 4) - 0.5 * spot(24, 32, 12, 28)
    values = np.repeat(one[None, ..., None], 3, axis=-1)[None].repeat(count, axis=0)[:, 0]
    settings = {"gap": np.full(count, 0.75, np.float32), "display": pictures(count)} | changes
    return result(
        values.astype(np.float32),
        axes=("sample", "y", "x", "channel"),
        method=FakeSigned(),
        **settings,
    )
