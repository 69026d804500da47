"""Replay from Python: slices, lists of targets, several inputs, sizes found by timing."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import kerascope as ks
import text_nets
import zoo
from kerascope import run as run_room
from kerascope.errors import BadInput, BadTarget
from kerascope.hooks.identity import identity_of
from kerascope.provenance import Provenance, digest
from kerascope.replay.again import calls
from kerascope.replay.compare import relative
from kerascope.targets.saved import from_json, to_json
from once import only_on

pytestmark = only_on("torch")


@pytest.fixture(scope="module")
def case() -> Any:
    return zoo.SHAPES["flat_functional"]()


def test_a_slice_is_made_again_with_its_own_draws(case: Any, tmp_path: Path) -> None:
    x = np.random.default_rng(1).uniform(0, 1, (4, 12, 16, 3)).astype(np.float32)
    result = ks.explain(case.model, x, "smooth_grad", samples=3, seed=5, target=[0, 1, 2, 0])
    for name, part in {"all": result, "one": result[2], "two": result[1:3]}.items():
        part.save(tmp_path / f"{name}.safetensors")
        found = ks.replay(tmp_path / f"{name}.safetensors", case.model)
        assert found.same, found.to_json()
        assert len(found) == len(part)
        assert not found.changed


def test_arrays_given_are_found_by_hash(case: Any, tmp_path: Path) -> None:
    x = np.random.default_rng(1).uniform(0, 1, (3, 12, 16, 3)).astype(np.float32)
    result = ks.explain(case.model, x, "gradient")
    result.save(tmp_path / "x.safetensors")
    assert ks.replay(tmp_path / "x.safetensors", case.model, x[::-1]).same
    with pytest.raises(BadInput, match="none of the 2 inputs"):
        ks.replay(tmp_path / "x.safetensors", case.model, x[:2] + 1)


@pytest.mark.parametrize("shape", ["image_and_vector", "token_ids", "norm_and_dropout", "vit"])
def test_other_inputs(shape: str, tmp_path: Path) -> None:
    case = zoo.SHAPES[shape]()
    result = ks.explain(case.model, case.x, "gradient_x_input", target=case.target)
    result.save(tmp_path / "x.safetensors")
    assert ks.replay(tmp_path / "x.safetensors", case.model).same


def test_a_plain_function(tmp_path: Path) -> None:
    def scores(batch: np.ndarray) -> np.ndarray:
        return batch.mean(axis=(1, 2))

    x = np.random.default_rng(1).uniform(0, 1, (2, 12, 16, 3)).astype(np.float32)
    ks.explain(scores, x, "rise", masks=20, target=1).save(tmp_path / "x.safetensors")
    assert ks.replay(tmp_path / "x.safetensors", scores).same


def test_a_target_that_cannot_be_stored_is_given_again(case: Any, tmp_path: Path) -> None:
    def first(outputs: Any) -> Any:
        return outputs[:, 0] * 2

    ks.explain(case.model, case.x, "gradient", target=first).save(tmp_path / "x.safetensors")
    with pytest.raises(BadTarget, match=r"\(first\) is not stored with the result; give it again"):
        ks.replay(tmp_path / "x.safetensors", case.model)
    assert ks.replay(tmp_path / "x.safetensors", case.model, target=first).same


def test_sizes_found_by_timing_are_taken_again(
    case: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_room, "_WORTH", 0.0)  # look for the best size whatever it costs
    x = np.random.default_rng(1).uniform(0, 1, (1, 12, 16, 3)).astype(np.float32)
    result = ks.explain(zoo.SHAPES["flat_functional"]().model, x, "rise", masks=1500)
    turns = result.provenance.batch
    assert len(turns) > 2, turns
    result.save(tmp_path / "x.safetensors")
    found = ks.replay(tmp_path / "x.safetensors", case.model)
    assert found.results[0].provenance.batch == turns
    assert found.same


def test_a_file_of_an_earlier_version_still_loads(case: Any, tmp_path: Path) -> None:
    result = ks.explain(case.model, case.x, "gradient")
    first = [f.name for f in dataclasses.fields(Provenance)]
    old = first[: first.index("fit")]
    bare = Provenance(**{name: getattr(result.provenance, name) for name in old})
    dataclasses.replace(result, provenance=bare).save(tmp_path / "x.safetensors")
    assert ks.Attribution.load(tmp_path / "x.safetensors").provenance == bare
    assert ks.replay(tmp_path / "x.safetensors", case.model).same


def test_the_hash_of_a_model_is_of_its_weights_and_settings() -> None:
    model = zoo.SHAPES["norm_and_dropout"]().model
    before = identity_of(model).sha256
    model(zoo.SHAPES["norm_and_dropout"]().x, training=True)  # dropout draws
    model.compile("sgd", "mse")
    still = identity_of(model).sha256
    model.trainable_variables[0].assign(model.trainable_variables[0] + 0.25)
    other = identity_of(model).sha256
    moving = [v for v in model.variables if "moving" in v.path]
    assert other != before
    if not moving:
        assert still == before


def test_the_hash_outlives_saving_and_loading(tmp_path: Path) -> None:
    model = zoo.SHAPES["norm_and_dropout"]().model
    model.save(tmp_path / "m.keras")
    hashes = {identity_of(keras.saving.load_model(tmp_path / "m.keras")).sha256 for _ in range(2)}
    assert hashes == {identity_of(model).sha256}


@pytest.mark.parametrize(
    "target",
    [
        None, 3, "top-5", "tabby", [1, "cat", 2], (1, "dog"), np.int64(4), np.array([1, 2]),
        ks.Class(2, "kind"), ks.Class([1, 2]), ks.Rank(2), ks.Top(3), ks.Contrast("a", ks.Rank(2)),
        ks.Output("kind", ks.Class(1)), ks.Regression(1, direction=-1), ks.Neuron("a/b", 3, (1, 2)),
        ks.Detection(rank=2), ks.Box((0.0, 1.5, 3.0, 4.0), 2), ks.Mask(np.eye(3), "road"),
        ks.Direction("a", np.arange(3, dtype=np.float32)), ks.Weighted((ks.Class(1), 0.5)),
        ks.WholeLayer("a"),
    ],
    ids=repr,
)  # fmt: skip
def test_targets_survive_json(target: Any) -> None:
    again = from_json(json.loads(json.dumps(to_json(target))))
    if isinstance(target, ks.Target):
        assert type(again) is type(target)
        assert to_json(again) == to_json(target)
    else:
        np.testing.assert_equal(again, target.item() if isinstance(target, np.generic) else target)
        assert isinstance(again, type(target)) or isinstance(target, np.generic)


def test_what_cannot_be_stored_says_so() -> None:
    for target in (lambda outputs: outputs, ks.Mask(np.zeros((100, 100)), 1), ks.Custom(len)):
        with pytest.raises(BadTarget, match="not stored"):
            from_json(to_json(target))


def test_samples_fall_into_the_calls_they_come_from() -> None:
    assert list(calls(((0, 2), (1, 2), (0, 2), (1, 2)))) == [[0, 1], [2, 3]]
    assert list(calls(((0, 1), (0, 1)))) == [[0], [1]]
    assert list(calls(((2, 4), (3, 4), (0, 5)))) == [[0, 1], [2]]


def test_hashes_see_values_types_shapes_and_names() -> None:
    x = np.arange(6, dtype=np.float32).reshape(1, 6)
    marks = {
        digest(x, 0), digest(x + 1, 0), digest(x.astype(np.float64), 0),
        digest(x.reshape(1, 2, 3), 0), digest({"a": x}, 0), digest({"b": x}, 0),
    }  # fmt: skip
    assert len(marks) == 6
    assert digest(x.astype(">f4"), 0) == digest(x, 0)
    assert digest({"a": x, "b": x + 1}, 0) == digest({"b": x + 1, "a": x}, 0)


def test_relative_distance() -> None:
    one = np.array([[1.0, -4.0]])
    assert relative(one, one) == 0
    assert relative(one, np.array([[1.0, -3.0]])) == 0.25
    assert relative({"a": one, "b": one * 2}, {"a": one, "b": one * 2 + 1}) == 0.125
    assert relative(one * 0, one) == float("inf")
    assert relative(one * 0, one * 0) == 0
    assert relative(one, one[:, :1]) is None
    assert relative(one, {"a": one}) is None


class Pair(keras.Model):
    """Takes a tuple, which Keras is not told of."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = keras.layers.Dense(2)

    def call(self, given: Any) -> Any:
        first, second = given
        return self.dense(keras.ops.mean(first * 2 + second, axis=(1, 2)))


def test_a_model_that_takes_a_tuple_is_called_with_one(tmp_path: Path) -> None:
    model, x = Pair(), np.random.default_rng(0).random((2, 2, 8, 8, 1)).astype(np.float32)
    file = ks.explain(model, (x[0], x[1]), "gradient").save(tmp_path / "a.safetensors")
    assert ks.replay(file, model).same


@pytest.fixture(scope="module")
def texts() -> Any:
    """Texts of different lengths, with padding."""
    said = ["The film was boring.", "a great plot and a great scene"]
    return ks.load_texts(said, text_nets.classifier("conv"), vocabulary=text_nets.WORDS)


@pytest.mark.parametrize(
    ("method", "fields"),
    [
        (None, {}), ("lime", {"segments": "word", "samples": 60}),
        ("feature_ablation", {"baseline": "unk"}), ("occlusion", {"baseline": "drop"}),
    ],
)  # fmt: skip
def test_texts_are_read_as_they_were(
    texts: Any, tmp_path: Path, method: str | None, fields: dict[str, Any]
) -> None:
    net = text_nets.classifier("conv")
    result = ks.explain(net, texts, method, target=1, **fields)
    result[1].save(tmp_path / "x.safetensors")
    found = ks.replay(tmp_path / "x.safetensors", net)
    assert found.same, found.to_json()
    again = found.results[0]
    assert again.tokens(0) == result.tokens(1)
    page = ks.report(result, tmp_path / "report.html")
    result.save(tmp_path / "beside.safetensors")
    assert ks.replay(page, net).same
    assert ks.replay(page, net, texts).same
    with pytest.raises(BadInput, match=r"what was given are no texts|how texts become ids"):
        ks.replay(page, net, np.asarray(texts.inputs))


def test_the_next_token_is_made_again(tmp_path: Path) -> None:
    net = text_nets.language()
    prompt = ks.load_texts(["a c e g"], net, vocabulary=text_nets.LETTERS)
    for name, target in (("said", "d vs a"), ("likeliest", None)):
        result = ks.explain(net, prompt, target=target)
        result.save(tmp_path / f"{name}.safetensors")
        found = ks.replay(tmp_path / f"{name}.safetensors", net)
        assert found.same, found.to_json()
        assert found.results[0].explained == result.explained
