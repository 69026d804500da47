"""Every shared check is fed a broken method and must fail: one that cannot fail proves nothing."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

import contract_checks as checks
import kerascope as ks
import zoo
from kerascope.method import Passes, RawMap
from kerascope.methods import GradCAM, Gradient, GradientXInput, IntegratedGradients

# A subclass without a name of its own is not registered.


@dataclasses.dataclass(frozen=True, kw_only=True)
class Broken(Gradient):
    """Base: a gradient that `spoil` makes wrong."""

    def attribute(self, model: Any, x: Any, targets: Any, run: Any) -> RawMap:
        raw = super().attribute(model, x, targets, run)
        raw.values = {name: self.spoil(array, targets) for name, array in raw.values.items()}
        return raw

    def spoil(self, array: np.ndarray, targets: Any) -> np.ndarray:
        raise NotImplementedError


def broken(spoil: Callable[[np.ndarray, Any], np.ndarray]) -> Gradient:
    return dataclasses.dataclass(frozen=True, kw_only=True)(
        type("Spoiled", (Broken,), {"spoil": lambda self, a, t: spoil(a, t)})
    )()


def test_alive_bites_on_a_constant_map() -> None:
    with pytest.raises(AssertionError, match="constant"):
        checks.check_alive(broken(lambda a, t: np.zeros_like(a)), zoo.SHAPES["flat_functional"]())


def test_alive_bites_on_nan() -> None:
    with pytest.raises(ks.BadModel, match="NaN"):
        checks.check_alive(broken(lambda a, t: a * np.nan), zoo.SHAPES["flat_functional"]())


def test_mirrors_bites_on_a_wrong_axis() -> None:
    case = zoo.SHAPES["flat_functional"]()
    result = checks.run(checks.small("gradient"), case)
    wrong = dataclasses.replace(result, axes=("sample", "y", "x"))
    with pytest.raises(AssertionError):
        checks.check_mirrors(checks.small("gradient"), case, wrong)
    short = dataclasses.replace(result, explained=result.explained[:1])
    with pytest.raises(AssertionError):
        checks.check_mirrors(checks.small("gradient"), case, short)


class _Touching(Gradient):
    def attribute(self, model: Any, x: Any, targets: Any, run: Any) -> RawMap:
        layer = next(iter(model.table.values()))
        layer.bias.assign_add(np.ones(layer.bias.shape, "float32"))
        return super().attribute(model, x, targets, run)


class _Leaving(Gradient):
    def attribute(self, model: Any, x: Any, targets: Any, run: Any) -> RawMap:
        layer = next(iter(model.table.values()))
        raw = super().attribute(model, x, targets, run)
        layer.__dict__["call"] = lambda *a, **k: type(layer).call(layer, *a, **k)
        return raw


class _Training(Gradient):
    def attribute(self, model: Any, x: Any, targets: Any, run: Any) -> RawMap:
        layer = next(iter(model.table.values()))
        layer.trainable = layer.trainable and not model.compiled
        return super().attribute(model, x, targets, run)


class _Swallowing(Gradient):
    def attribute(self, model: Any, x: Any, targets: Any, run: Any) -> RawMap:
        with contextlib.suppress(ZeroDivisionError):
            return super().attribute(model, x, targets, run)
        from kerascope.targets import Targets, resolve_targets

        plain: Targets = resolve_targets(0, model.spec(), len(next(iter(x.values()))))
        return super().attribute(model, x, plain, run)


@pytest.mark.parametrize("kind", [_Touching, _Leaving, _Training])
def test_untouched_bites(kind: type[Gradient]) -> None:
    with pytest.raises(AssertionError, match="changed"):
        checks.check_untouched(kind(), zoo.SHAPES["flat_functional"]())


def test_untouched_bites_on_a_swallowed_error() -> None:
    # The target itself raises again when it is put in words; so the check sees it either way.
    with pytest.raises((AssertionError, ZeroDivisionError)):
        checks.check_untouched(_Swallowing(), zoo.SHAPES["flat_functional"]())


def test_one_by_one_bites_on_a_batch_norm() -> None:
    per_batch = broken(lambda a, t: a / np.abs(a).max() * len(a))
    with pytest.raises(AssertionError):
        checks.check_one_by_one(per_batch, zoo.SHAPES["flat_functional"]())


def test_chunks_bites_on_a_chunk_mean() -> None:
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Chunky(Gradient):
        def attribute(self, model: Any, x: Any, targets: Any, run: Any) -> RawMap:
            raw = super().attribute(model, x, targets, run)
            raw.values = {name: array * run.batch.size for name, array in raw.values.items()}
            return raw

    with pytest.raises(AssertionError):
        checks.check_chunks(Chunky(), zoo.SHAPES["flat_functional"]())


def test_seed_bites_on_a_global_generator() -> None:
    generator = np.random.default_rng(0)
    noisy = broken(lambda a, t: a + generator.normal(size=a.shape).astype("float32"))
    with pytest.raises(AssertionError):
        checks.check_seed(noisy, zoo.SHAPES["flat_functional"]())


def test_seed_bites_on_a_deaf_method() -> None:
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Deaf(Gradient):
        samples: int = 3

    with pytest.raises(AssertionError):
        checks.check_seed(Deaf(), zoo.SHAPES["flat_functional"]())


def test_targets_bites_on_mixed_up_targets() -> None:
    with pytest.raises(AssertionError):
        checks.check_targets(
            broken(lambda a, t: a[:, ::-1] if len(t) > 1 else a), zoo.SHAPES["flat_functional"]()
        )


def test_class_sensitivity_bites_on_a_blind_method() -> None:
    with pytest.raises(AssertionError):
        checks.check_class_sensitivity(checks.small("eigen_cam"), zoo.SHAPES["flat_functional"]())


def test_round_trips_bites_on_a_lambda() -> None:
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Local(Gradient):
        noise: Any = dataclasses.field(default=None)

    with pytest.raises((AssertionError, AttributeError, TypeError)):
        checks.check_round_trips(Local(noise=lambda: 1), zoo.SHAPES["flat_functional"]())


def test_passes_bites_on_a_wrong_count() -> None:
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Modest(Gradient):
        def passes(
            self, shape: Mapping[str, tuple[int, ...]], targets: int = 1, channels: int = 1
        ) -> Passes:
            return Passes(gradient=2, backward=targets - 1)

    with pytest.raises(AssertionError):
        checks.check_passes(Modest(), zoo.SHAPES["flat_functional"]())


def test_completeness_bites_on_ig_without_the_way() -> None:
    class Unmultiplied(IntegratedGradients):
        def _values(self, features: Any, base: Any, means: Any, used: Any) -> Any:
            way = super()._values(features, base, means, used)
            return {n: v / (features[n] - base[n])[:, None] for n, v in way.items()}

    with pytest.raises(AssertionError, match="gap"):
        checks.check_completeness(Unmultiplied(), checks.smooth_case())


def test_linearity_bites_on_the_plain_gradient() -> None:
    case, weights = checks.linear_case()
    with pytest.raises(AssertionError):
        checks.check_linearity(Gradient(), case, weights)


def test_location_bites_on_a_transposed_map() -> None:
    with pytest.raises(AssertionError, match="outside"):
        checks.check_location(broken(lambda a, t: np.roll(a, 3, axis=2)), checks.quadrant_case())


def test_error_bites_on_a_clamped_index() -> None:
    class Clamping(GradientXInput):
        pass

    case = zoo.SHAPES["flat_functional"]()
    original = checks.run
    try:
        checks.run = lambda m, c, target=0, **k: original(m, c, target=max(0, min(target, 2)), **k)
        with pytest.raises(AssertionError, match="accepted"):
            checks.check_error(Clamping(), case)
    finally:
        checks.run = original


def test_error_bites_on_an_ignored_layer() -> None:
    class Ignoring(GradCAM):
        def attribute(self, model: Any, x: Any, targets: Any, run: Any) -> RawMap:
            return GradCAM(relu=self.relu).attribute(model, x, targets, run)

    with pytest.raises(AssertionError, match="unknown layer"):
        checks.check_error(Ignoring(), zoo.SHAPES["flat_functional"]())


def test_distance_sees_a_difference() -> None:
    a = np.array([0.0, 1.0], np.float32)
    assert checks.distance(a, a) == 0
    assert checks.distance(a, a * 1.1) == pytest.approx(0.0909, abs=1e-3)
    with pytest.raises(AssertionError):
        checks.distance(a, a[:1])
