"""Targets on values, labels, ranks, embeddings and reconstructions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers, ops

import kerascope as ks
from kerascope.facts import remember
from kerascope.hooks import HookedModel
from kerascope.lrp.method import LRP
from kerascope.targets.saved import from_json, to_json

RNG = np.random.default_rng(0)
X = RNG.normal(0, 1, (3, 5)).astype("float32")


def net(units: int, activation: str | None = None, name: str = "out") -> Any:
    """Return one dense layer over five numbers with fixed weights, and those."""
    i = keras.Input((5,))
    layer = layers.Dense(units, activation=activation, name=name)
    model = keras.Model(i, layer(i))
    weights = np.random.default_rng(1).normal(0, 1, (5, units)).astype("float32")
    layer.set_weights([weights, np.linspace(-0.5, 0.5, units).astype("float32")])
    return model, weights


def explained(model: Any, target: Any, x: Any = X, method: Any = "gradient") -> ks.Attribution:
    return ks.explain(HookedModel(model, compiled=False), x, method, target=target)


def test_a_value_by_index_name_and_change() -> None:
    model, weights = net(3)
    remember(model, labels=("low", "middle", "price"))
    for target in (ks.Regression(2), ks.Regression("price"), "value-2", "value:price"):
        found = explained(model, target)
        assert np.allclose(found.values, weights[:, 2], atol=1e-6)
        assert found.explained[0].startswith("value of 'price' (")
    change = explained(model, "value-2 vs 1.5")
    assert np.allclose(change.scores, found.scores - 1.5, atol=1e-6)
    assert change.explained[0].startswith("change of value of 'price' against 1.5 (")
    each = explained(model, ks.Regression(2, reference=[0.0, 1.0, 2.0]))
    assert np.allclose(each.scores, found.scores - [0, 1, 2], atol=1e-6)
    alone = explained(net(1)[0], "value")
    assert alone.explained[0].startswith("value of output 'out' (")


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (ks.Regression(3), "3 values, 0 to 2"),
        (ks.Regression("size"), "names of the values are not known"),
        (ks.Regression(reference=[1.0, 2.0]), "each of the 3 samples"),
        (ks.Regression(reference="much"), "must be a number"),
        ("size:value", "not found"),
    ],
)
def test_a_wrong_value_is_one_clear_line(target: Any, words: str) -> None:
    with pytest.raises(ks.BadTarget, match=words) as caught:
        explained(net(3)[0], target)
    assert "\n" not in str(caught.value)


def test_several_labels_at_once() -> None:
    model, _ = net(4, "sigmoid")
    x = np.eye(5, dtype="float32")[[0, 1, 2]] * 3
    said = (said_by(model, x) > 0.5).sum(axis=1)
    assert len(set(said)) > 1  # samples say different numbers of classes
    found = explained(model, "predicted", x)
    assert found.scores.shape == (3, said.max())
    for row, count in zip(found.scores, said, strict=True):
        assert (row[:count] > 0).all()
        assert (row[count:] <= 0).all()
    assert any("say fewer than" in note for note in found.notes)
    few = explained(model, ks.Predicted(threshold=0.99), x)
    assert few.scores.shape[1] <= found.scores.shape[1]
    one = explained(net(4, "softmax")[0], "predicted", x)
    assert one.scores.shape == (3,)
    with pytest.raises(ks.BadTarget, match="threshold"):
        explained(model, ks.Predicted(threshold=1.5), x)


def test_the_expected_rank_of_ordinal_heads() -> None:
    sigmoid = lambda v: 1 / (1 + np.exp(-v))  # noqa: E731
    cumulative, _ = net(3, "sigmoid")
    said = said_by(cumulative, X)
    assert np.allclose(explained(cumulative, "expected-rank").scores, said.sum(1), atol=1e-5)
    logits, _ = net(3)
    said = sigmoid(said_by(logits, X))
    assert np.allclose(explained(logits, ks.ExpectedRank()).scores, said.sum(1), atol=1e-5)
    corn = explained(logits, ks.ExpectedRank(conditional=True))
    assert np.allclose(corn.scores, np.cumprod(said, axis=1).sum(1), atol=1e-5)
    softmax, _ = net(4, "softmax")
    said = said_by(softmax, X)
    found = explained(softmax, "expected-rank")
    assert np.allclose(found.scores, said @ np.arange(4), atol=1e-5)
    assert found.explained[0].startswith("expected rank of output 'out' (")
    with pytest.raises(ks.BadTarget, match="needs a softmax"):
        explained(logits, ks.ExpectedRank(cumulative=False))


def said_by(model: Any, x: Any) -> np.ndarray:
    return np.asarray(ops.convert_to_numpy(model(x)))


def two_outputs() -> Any:
    i = keras.Input((5,))
    kind = layers.Dense(3, activation="sigmoid", name="kind")(i)
    size = layers.Dense(2, name="size")(i)
    return keras.Model(i, {"kind": kind, "size": size})


def test_an_output_is_named_before_any_words() -> None:
    model = two_outputs()
    assert np.allclose(
        explained(model, "size:value-1 vs 2").scores,
        np.asarray(explained(model, "size:value-1").scores) - 2,
        atol=1e-6,
    )
    assert explained(model, "kind:top-2").scores.shape == (3, 2)
    assert "of output 'kind'" in explained(model, "kind:predicted").explained[0][0]
    assert "expected rank of output 'kind'" in explained(model, "kind:expected-rank").explained[0]
    assert explained(model, "value").explained[0].startswith("value 0 of output 'size'")
    with pytest.raises(ks.BadTarget, match=r"output 'colour' not found.*kind, size"):
        explained(model, "colour:value")


def test_similarity_to_another_input(tmp_path: Path) -> None:
    model, weights = net(4)
    other = X[1]
    mine, theirs = (said_by(model, a) for a in (X, other[None]))
    want = (mine @ theirs[0]) / np.linalg.norm(mine, axis=1) / np.linalg.norm(theirs)
    found = explained(model, ks.Similarity(other))
    assert np.allclose(found.scores, want, atol=1e-5)
    assert found.explained[1].startswith("cosine similarity to the reference (1)")
    np.save(tmp_path / "other.npy", other)
    again = explained(model, ks.Similarity(tmp_path / "other.npy", "dot"))
    assert np.allclose(again.scores, mine @ theirs[0], atol=1e-4)
    assert np.allclose(again.values, weights @ theirs[0], atol=1e-4)
    assert "'other.npy'" in again.explained[0]
    far = explained(model, ks.Similarity(theirs[0], "distance"))  # an embedding
    assert np.allclose(far.scores, -np.linalg.norm(mine - theirs, axis=1), atol=1e-4)
    inner = explained(model, ks.Similarity(other, layer="out"))
    assert np.allclose(inner.values, found.values, atol=1e-5)


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (ks.Similarity(np.ones(7)), r"shape \(7,\); it must be \(5,\).*or an embedding \(4,\)"),
        (ks.Similarity(X[0], "angle"), "cosine, dot, distance"),
        (ks.Similarity(X[:2]), "2 samples for 3"),
        (ks.Similarity("face.jpg"), "load_images"),
        (ks.Similarity(["a"]), "array of numbers"),
        (ks.Similarity({"left": X[0]}), "has inputs left"),
    ],
)
def test_a_wrong_reference_is_one_clear_line(target: Any, words: str) -> None:
    with pytest.raises(ks.BadTarget, match=words) as caught:
        explained(net(4)[0], target)
    assert "\n" not in str(caught.value)


def test_the_error_of_a_reconstruction_is_of_what_was_given() -> None:
    model, weights = net(5)
    bias = np.linspace(-0.5, 0.5, 5)
    off = X @ weights + bias - X
    found = explained(model, "reconstruction")
    assert np.allclose(found.scores, (off**2).mean(1), atol=1e-5)
    # both ways: through the model, and directly
    assert np.allclose(found.values, 2 * off @ (weights - np.eye(5)).T / 5, atol=1e-4)
    assert np.allclose(found.extras["beside:reconstruction error"], off**2, atol=1e-4)
    path = explained(model, "reconstruction", method="integrated_gradients")
    assert np.abs(path.relative_gap).max() < 0.05
    region = np.array([0, 0, 1, 1, 0])
    part = explained(model, ks.ReconstructionError("mae", region))
    assert np.allclose(part.scores, np.abs(off[:, 2:4]).mean(1), atol=1e-5)


def test_relevance_shares_the_error_out() -> None:
    """R = x (∂o/∂x − 1) · e / n by LRP-0, on a linear net without bias."""
    model, weights = net(5)
    model.get_layer("out").bias.assign(np.zeros(5, "float32"))
    off = X @ weights - X
    for target, error in (("reconstruction", off), ("reconstruction-mae", np.sign(off))):
        found = explained(model, target, method=LRP(composite="zero"))
        assert np.allclose(found.values, X * (error @ (weights - np.eye(5)).T) / 5, atol=1e-4)
        assert np.allclose(found.values.sum(axis=1), (error * off).mean(axis=1), atol=1e-4)
        assert not [note for note in found.notes if "relevance sums to" in note]
        taylor = explained(model, target, method="deep_taylor")
        assert np.allclose(taylor.extras["conserved"], 1, atol=1e-3)
    both = explained(model, ks.Contrast(*[ks.ReconstructionError()] * 2), method="lrp")
    assert np.abs(both.values).max() < 1e-6
    with pytest.raises(ks.Refused, match="no difference of the two: explain each alone"):
        explained(model, ks.Contrast("reconstruction", "value-1"), method="lrp")
    with pytest.raises(ks.Refused, match=r"walks back.*error of the reconstruction.*lrp shares"):
        explained(model, "reconstruction", method="excitation_backprop")


def test_covering_a_part_takes_its_own_error_with_it() -> None:
    i = keras.Input((4, 4, 1))
    flat = layers.Conv2D(1, 1, use_bias=False, name="half")
    model = keras.Model(i, flat(i))
    flat.set_weights([np.full((1, 1, 1, 1), 0.5, "float32")])
    x = np.zeros((1, 4, 4, 1), "float32")
    x[0, 1, 2] = 4.0  # the one thing that is not given back
    options = {"target": "reconstruction", "patch": 1, "stride": 1, "baseline": 0.0}
    for view in (HookedModel(model, compiled=False), lambda a: a * 0.5):
        found = ks.explain(view, x, "occlusion", **options)
        assert np.unravel_index(found.values[0].argmax(), (4, 4)) == (1, 2)
        assert np.isclose(found.values.max(), 4 / 16)


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (ks.ReconstructionError("huber"), "mse, mae"),
        (ks.ReconstructionError(), r"output of the shape \(5,\)"),
        (ks.ReconstructionError(input="right"), "input 'right' not found"),
    ],
)
def test_a_model_that_reconstructs_nothing(target: Any, words: str) -> None:
    with pytest.raises(ks.BadTarget, match=words):
        explained(net(4)[0], target)


@pytest.mark.parametrize(
    "target",
    [
        ks.Predicted(0.3),
        ks.ExpectedRank(conditional=True),
        ks.Regression("price", reference=2.0),
        ks.ReconstructionError("mae", output="out"),
        ks.Similarity(np.ones(3), "dot", name="'b'"),
    ],
)
def test_targets_are_stored(target: Any) -> None:
    again = from_json(to_json(target))
    assert type(again) is type(target)
    assert to_json(again) == to_json(target)
