"""The checks that every method must pass; each takes a method value and a model.

They are tested themselves in test_checks_bite.py: a broken method must fail.
"""

from __future__ import annotations

import dataclasses
import json
import pickle
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

import kerascope as ks
import zoo
from kerascope.hooks import HookedModel, store_of
from kerascope.method import AttributionMethod, Axiom, make_method

# Small settings: the contract is about every line of a method, not about its accuracy.
SMALL: dict[str, dict[str, Any]] = {
    "blur_ig": {"steps": 4},
    "d_rise": {"masks": 30},
    "expected_gradients": {"samples": 5},
    "extremal_perturbation": {"steps": 12},
    "guided_ig": {"steps": 4},
    "integrated_gradients": {"steps": 4, "tolerance": None},
    "kernel_shap": {"samples": 200},
    "lime": {"samples": 256},
    "owen": {"coalitions": 40},
    "rise": {"masks": 30},
    "shapley_sampling": {"samples": 128},
    "smooth_grad": {"samples": 4},
    "smooth_grad_squared": {"samples": 4},
    "sobol": {"designs": 4},
    "var_grad": {"samples": 8, "noise": 1.0},
    "xrai": {"steps": 4, "segments": "grid-24"},
}
TOLERANCE = 1e-5  # of the map's maximum


def refusals() -> dict[str, dict[str, str]]:
    """Return why methods refuse, by method and shape; "all but a, b" stands for the rest."""
    path = Path(__file__).parent / "contract" / "refusals.toml"
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    for name, shapes in table.items():
        table[name] = {}
        for key, reason in shapes.items():
            rest = key.removeprefix("all but ").split(", ")
            wanted = [key] if key in zoo.SHAPES else [s for s in zoo.SHAPES if s not in rest]
            table[name] |= dict.fromkeys(wanted, reason)
    return table


def home(name: str) -> str:
    """Return the shape of the zoo that a method's promises are checked on."""
    refused = refusals().get(name, {})
    return next(shape for shape in ("flat_functional", "vit") if shape not in refused)


def small(name: str, **fields: Any) -> AttributionMethod:
    """Return a method with small settings, without a final ReLU, which may leave nothing."""
    method = make_method(name, SMALL.get(name, {}) | fields)
    return dataclasses.replace(method, relu=False) if hasattr(method, "relu") else method


def parts(tree: Any) -> dict[str, np.ndarray]:
    """Return a result's arrays by input name."""
    return dict(tree) if isinstance(tree, Mapping) else {"": tree}


def distance(a: Any, b: Any) -> float:
    """Return the largest difference between two trees, as a share of the largest value."""
    left, right = parts(a), parts(b)
    assert left.keys() == right.keys(), f"inputs differ: {left.keys()} and {right.keys()}"
    worst = 0.0
    for name, array in left.items():
        assert array.shape == right[name].shape, (
            f"shapes differ: {array.shape} and {right[name].shape}"
        )
        scale = max(float(np.abs(array).max()), float(np.abs(right[name]).max()), 1e-12)
        worst = max(worst, float(np.abs(array - right[name]).max()) / scale)
    return worst


def run(method: AttributionMethod, case: zoo.Case, **options: Any) -> ks.Attribution:
    """Explain a case without compiling: cells are many, nets are tiny."""
    x = options.pop("x", case.x)
    # Recurrent loops are compiled anew by JAX at every eager call.
    slow = keras.backend.backend() == "jax" and case.name in (
        "lstm",
        "conv_lstm",
        "vit",
        "attention_tuple",
    )
    compiled = options.pop("compiled", slow)
    return ks.explain(HookedModel(case.model, compiled=compiled), x, method, **options)


def check_alive(method: AttributionMethod, case: zoo.Case) -> ks.Attribution:
    """Finite, and not constant, for every input; a note may except an input by name."""
    result = run(method, case)
    for name, array in parts(result.values).items():
        assert np.isfinite(array).all(), f"{name}: not finite"
        said = [note for note in result.notes if name in note]
        excused = any("cannot be blurred" in n or "nothing flows back" in n for n in said)
        assert excused or np.ptp(array) > 0, f"{name}: constant {array.flat[0]}"
    return result


def check_mirrors(method: AttributionMethod, case: zoo.Case, result: ks.Attribution) -> None:
    """Values mirror the inputs; axes are named; heat maps have the input's size; words exist."""
    inputs = parts(result.inputs)
    samples = len(next(iter(inputs.values())))
    assert len(result) == samples == len(result.explained) == len(result.names)
    assert result.scores.shape == (samples,)
    if isinstance(result.inputs, Mapping):
        assert isinstance(result.values, Mapping)
    axes = result.axes if isinstance(result.axes, dict) else {"": result.axes}
    maps = parts(result.heatmap())
    for name, array in parts(result.values).items():
        assert array.dtype == np.float32
        assert len(axes[name]) == array.ndim, f"{axes[name]} for shape {array.shape}"
        assert axes[name][0] == "sample"
        known = result.input_axes[name or next(iter(result.input_axes))]
        full = inputs[name] if name in inputs else next(iter(inputs.values()))
        spatial = [a for a in axes[name] if a not in ("sample", "channel")]
        assert maps[name].shape == (samples, *(full.shape[known.index(a)] for a in spatial))
    assert all(isinstance(words, str) and "(" in words for words in result.explained)


def snapshot(model: Any) -> dict[str, Any]:
    """Return everything of a model that must be the same before and after."""
    layers = [model, *HookedModel(model).layers().values()]
    return {
        "weights": [v.numpy().tobytes() for v in model.variables],
        "trainable": [(layer.name, layer.trainable) for layer in layers],
        "attributes": [sorted(layer.__dict__) for layer in layers],
        "calls": [getattr(layer.call, "__func__", layer.call) for layer in layers],
        "activations": [getattr(layer, "activation", None) for layer in layers],
        "config": _config(model),
    }


def _config(model: Any) -> str:
    try:
        return json.dumps(model.get_config(), default=repr, sort_keys=True)
    except NotImplementedError:
        return ""


def check_untouched(method: AttributionMethod, case: zoo.Case) -> None:
    """The model is the same after a call, and after one that raises in the middle of a pass."""
    run(method, case)
    before = snapshot(case.model)
    run(method, case, compiled=True)
    run(method, case, compiled=True)

    def broken(outputs: Any) -> Any:
        raise ZeroDivisionError("on purpose")

    try:
        run(method, case, target=broken)
    except ZeroDivisionError:
        pass
    else:
        raise AssertionError("the error of the target was swallowed")
    after = snapshot(case.model)
    for key, value in before.items():
        assert after[key] == value, f"{key} changed"


def first(x: Any, count: int = 1) -> Any:
    """Return the first samples of a tree of inputs."""
    if isinstance(x, Mapping):
        return {name: array[:count] for name, array in x.items()}
    return [array[:count] for array in x] if isinstance(x, list) else x[:count]


def check_one_by_one(method: AttributionMethod, case: zoo.Case) -> None:
    """The first sample alone gives the same as in its batch."""
    together, alone = run(method, case), run(method, case, x=first(case.x))
    assert distance(first(together.values), alone.values) <= TOLERANCE


def check_chunks(method: AttributionMethod, case: zoo.Case) -> None:
    """The result does not depend on the batch size."""
    whole = run(method, case, batch_size=64)
    for size in (1, 3):
        assert distance(whole.values, run(method, case, batch_size=size).values) <= TOLERANCE


def check_seed(method: AttributionMethod, case: zoo.Case) -> None:
    """The same seed gives the same bits; another seed does not, where the method draws."""
    one, two = run(method, case, seed=3), run(method, case, seed=3)
    for name, array in parts(one.values).items():
        assert array.tobytes() == parts(two.values)[name].tobytes()
    if any(f.name in ("samples", "noise") for f in dataclasses.fields(method)):
        assert distance(one.values, run(method, case, seed=4).values) > 0


def check_targets(method: AttributionMethod, case: zoo.Case) -> None:
    """Several targets in one call give what each gives alone; a list is per sample."""
    both = run(method, case, target=(0, 1))
    alone = [run(method, case, target=k) for k in (0, 1)]
    mixed = run(method, case, target=[0, 1])
    for name, array in parts(both.values).items():
        for k in (0, 1):
            assert distance(array[:, k], parts(alone[k].values)[name]) <= TOLERANCE
            assert (
                distance(parts(mixed.values)[name][k], parts(alone[k].values)[name][k]) <= TOLERANCE
            )
    assert np.allclose(both.scores[:, 1], alone[1].scores, rtol=1e-5, atol=1e-6)


def check_class_sensitivity(method: AttributionMethod, case: zoo.Case) -> None:
    """Two classes give two maps."""
    both = run(method, case, target=(0, 1))
    assert all(distance(a[:, 0], a[:, 1]) > 0.01 for a in parts(both.values).values())


def check_round_trips(method: AttributionMethod, case: zoo.Case) -> None:
    """A method goes through pickle and JSON, and its result through a file, unchanged."""
    assert pickle.loads(pickle.dumps(method)) == method
    assert AttributionMethod.from_json(json.loads(json.dumps(method.to_json()))) == method
    assert hash(method) == hash(pickle.loads(pickle.dumps(method)))


def check_passes(method: AttributionMethod, case: zoo.Case) -> None:
    """The passes made are those declared."""
    result = run(method, case, target=(0, 1))
    shapes = {"": parts(result.inputs)[""].shape[1:]}
    channels = 1
    if result.layer is not None:
        hooked = HookedModel(case.model)
        hooked.read(case.x)
        channels = hooked.survey.shape(hooked.site(result.layer))[-1]
    declared = method.passes(shapes, 2, channels)
    counted = store_of(case.model).passes
    counted.clear()
    run(method, case, target=(0, 1))
    samples = len(result)
    forward = (counted["forward"] + counted["incremental"]) / samples
    gradients = (counted["gradient"] + counted["layer gradient"]) / samples
    backward = counted["extra backward"] / samples
    if declared.upper:
        assert gradients <= declared.gradient, (
            f"{gradients} gradient passes, at most {declared.gradient} declared"
        )
        assert forward <= declared.forward, (
            f"{forward} forward passes, at most {declared.forward} declared"
        )
    else:
        assert (forward, gradients, backward) == (
            declared.forward,
            declared.gradient,
            declared.backward,
        )


def check_completeness(method: AttributionMethod, case: zoo.Case) -> None:
    """The gap is reported, and small on a smooth net."""
    result = run(method, case)
    assert result.gap is not None
    assert result.gap.shape == result.scores.shape
    assert np.abs(result.gap).max() <= 0.02 * np.abs(result.scores).max(), (
        f"gap {result.gap} of {result.scores}"
    )


def smooth_case() -> zoo.Case:
    """A smooth net with global average pooling and a linear head; no maps at all score zero."""
    keras.utils.set_random_seed(5)
    i = keras.Input((10, 14, 3))
    x = keras.layers.Conv2D(4, 3, activation="softplus", name="conv1")(i)
    x = keras.layers.Conv2D(4, 3, activation="tanh", name="conv2")(x)
    model = keras.Model(i, keras.layers.Dense(3)(keras.layers.GlobalAveragePooling2D()(x)))
    return zoo.Case("smooth", model, zoo.pictures(2, 10, 14))


def relu_case() -> zoo.Case:
    """A ReLU net with biases and batch normalisation: full gradients are complete on it."""
    return zoo.SHAPES["rescaling_and_nested_base"]()


def linear_case() -> tuple[zoo.Case, np.ndarray]:
    """A linear model of a picture, and its weights (y, x, channel, class)."""
    keras.utils.set_random_seed(5)
    i = keras.Input((6, 10, 2))
    model = keras.Model(i, keras.layers.Dense(3)(keras.layers.Flatten()(i)))
    weights = model.layers[-1].kernel.numpy().reshape(6, 10, 2, 3)
    return zoo.Case("linear", model, zoo.pictures(2, 6, 10, 2)), weights


def check_linearity(method: AttributionMethod, case: zoo.Case, weights: np.ndarray) -> None:
    """On a linear model the values are w·(x − baseline); for patches, their sum over the patch."""
    result = run(method, case, target=1)
    expected = weights[None, ..., 1] * case.x
    if "channel" not in result.axes:  # occlusion, one pixel at a time
        expected = expected.sum(axis=-1)
    assert distance(result.values, expected.astype(np.float32)) <= 1e-4


def linear_error(method: AttributionMethod, case: zoo.Case) -> float:
    """Return how far the map of a contrast is from the difference of maps, of the largest value."""
    maps = [_before_relu(run(method, case, target=t)) for t in (0, 1, ks.Contrast(0, 1))]
    worst = 0.0
    for name in maps[0]:
        first, second, both = (found[name] for found in maps)
        scale = max(float(np.abs(one).max()) for one in (first, second, both))
        worst = max(worst, float(np.abs(first - second - both).max()) / max(scale, 1e-12))
    return worst


def _before_relu(result: ks.Attribution) -> dict[str, np.ndarray]:
    """Return the values by input, from before their ReLU where that was kept."""
    values = result.values if isinstance(result.values, Mapping) else {"": result.values}
    kept = {name: result.extras.get(f"signed:{name}" if name else "signed") for name in values}
    return {name: values[name] if kept[name] is None else kept[name] for name in values}


def quadrant_case() -> zoo.Case:
    """A net that reads the upper left quarter of the picture only."""
    keras.utils.set_random_seed(5)
    i = keras.Input((12, 16, 3))
    x = keras.layers.Cropping2D(((0, 6), (0, 8)))(i)
    x = keras.layers.Conv2D(4, 3, activation="relu", name="conv")(x)
    model = keras.Model(i, keras.layers.Dense(3)(keras.layers.Flatten()(x)))
    zoo._shake(model)
    return zoo.Case("quadrant", model, zoo.pictures())


def check_location(method: AttributionMethod, case: zoo.Case) -> None:
    """All evidence lies in the quarter that is read: zero elsewhere, not zero there."""
    values = np.abs(run(method, case, target=0).values)
    inside = values[:, : values.shape[1] // 2, : values.shape[2] // 2].sum()
    outside = values.sum() - inside
    assert inside > 0
    assert outside <= 1e-6 * inside, f"{outside / inside:.2%} outside"


def check_error(method: AttributionMethod, case: zoo.Case) -> None:
    """A wrong class and a wrong layer are errors that name the choices."""
    for target in (99, -1):
        try:
            run(method, case, target=target)
        except ks.BadTarget as error:
            assert "0 to 2" in str(error)
        else:
            raise AssertionError(f"class {target} was accepted")
    if hasattr(method, "layer"):
        try:
            run(dataclasses.replace(method, layer="conv9"), case)
        except ks.BadLayer as error:
            assert "conv9" in str(error)
            assert "conv2" in str(error)
        else:
            raise AssertionError("an unknown layer was accepted")


def claims(axiom: Axiom) -> list[str]:
    """Return the methods that claim an axiom."""
    from kerascope.method import registry

    return [name for name, kind in registry().items() if axiom in kind.axioms]
