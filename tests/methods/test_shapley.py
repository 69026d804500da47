"""Shapley and Owen values of segments: enumeration, closed forms, identities, bad input."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

import kerascope as ks
import method_checks as checks
import numpy_net
import oracles_shapley as oracles
import zoo
from kerascope.hooks import HookedModel
from kerascope.run import Run

SHAPLEY = ["kernel_shap", "shapley_sampling"]
FAMILY = [*SHAPLEY, "owen"]
FEW = {
    "kernel_shap": {"samples": 40},
    "shapley_sampling": {"samples": 40},
    "owen": {"coalitions": 20},
}
SEGMENTS = oracles.NINE  # of the net "deep", 8 × 10 pixels
Array = np.ndarray


@pytest.mark.parametrize("name", [*FAMILY, "feature_ablation"])
def test_paper(name: str) -> None:
    checks.check_paper(name)


def test_oracles_agree() -> None:
    net = numpy_net.net("deep")
    labels = np.minimum(SEGMENTS, 5)
    worth = oracles.game(net, net.pictures[0], 0, labels, 0.5)
    assert np.allclose(oracles.shapley_values(worth, 6), oracles.shapley_by_orders(worth, 6))


# --- on nets -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FAMILY)
def test_values_sum_to_the_change(name: str) -> None:
    """Whether or not all coalitions were looked at."""
    net = numpy_net.net("deep")
    wanted = net.scores(net.pictures, 0) - net.scores(0 * net.pictures + 0.5, 0)
    for fields in (FEW[name], {}):
        found = checks.explain("deep", name, segments=SEGMENTS, baseline=0.5, **fields)
        values = found.extras["segment_values"]
        checks.check_equal(values.sum(axis=1), wanted)
        assert np.abs(found.gap).max() < 1e-5


@pytest.mark.parametrize("name", FAMILY)
def test_linear_model(name: str) -> None:
    """w·(x − x′) summed over the segment, from far fewer coalitions than there are."""
    net, w = numpy_net.net("linear"), checks.linear_weights()
    labels = np.arange(35).reshape(5, 7) // 3
    share = (w * (net.pictures - 0.3)).sum(axis=-1)
    expected = np.stack([np.bincount(labels.ravel(), one.ravel())[labels] for one in share])
    few = {"coalitions": 400} if name == "owen" else {"samples": 70}
    found = checks.explain("linear", name, segments=labels, baseline=0.3, **few)
    checks.check_equal(found.values, expected, 1e-4)


def test_ablation_of_a_linear_model() -> None:
    net, w = numpy_net.net("linear"), checks.linear_weights()
    labels = np.arange(35).reshape(5, 7) // 3
    share = (w * (net.pictures - 0.3)).sum(axis=-1)
    expected = np.stack([np.bincount(labels.ravel(), one.ravel())[labels] for one in share])
    found = checks.explain("linear", "feature_ablation", segments=labels, baseline=0.3)
    checks.check_equal(found.values, expected, 1e-4)


@pytest.mark.parametrize("name", FAMILY)
def test_additive_model(name: str) -> None:
    """A sum of functions of one segment each: every segment gets its own function's change."""
    labels = np.arange(32).reshape(4, 8) // 4

    def additive(x: Array) -> Array:
        parts = [np.tanh(x[..., 0][:, labels == i].sum(axis=1) * (i + 1)) for i in range(8)]
        return np.sum(parts, axis=0)[:, None]

    x = np.random.default_rng(0).normal(size=(2, 4, 8, 1)).astype(np.float32)
    found = ks.explain(additive, x, name, segments=labels, baseline=0.0, target=0)
    wanted = [[np.tanh(one[labels == i].sum() * (i + 1)) for i in range(8)] for one in x[..., 0]]
    checks.check_equal(found.extras["segment_values"], wanted)


@pytest.mark.parametrize("name", FAMILY)
def test_symmetry_and_dummy(name: str) -> None:
    """Columns 0 and 1 play the same part; column 2 none, which exact values show as zero."""

    def function(x: Array) -> Array:
        return np.maximum(x[:, 0] * x[:, 1], x[:, 3])[:, None] + x[:, 3:4] * x[:, 4:]

    x = np.array([[2.0, 2.0, 5.0, 1.5, 0.7]], np.float32)
    tree = {"hierarchy": np.array([[0, 1], [2, 3], [4, 6], [5, 7]])} if name == "owen" else {}
    found = ks.explain(function, x, name, baseline=0.0, target=0, **tree).values[0]
    assert found[0] == pytest.approx(found[1], abs=1e-6)
    assert found[2] == pytest.approx(0, abs=1e-6)
    assert (np.abs(found[[0, 1, 3, 4]]) > 0.1).all()


@pytest.mark.parametrize("name", FAMILY)
def test_a_background_is_averaged_over(name: str) -> None:
    """The values are the mean of those of each background alone."""
    background = np.random.default_rng(2).normal(size=(3, 8, 10, 3)).astype(np.float32)
    together = checks.explain("deep", name, segments=SEGMENTS, baseline=background).values
    alone = [checks.explain("deep", name, segments=SEGMENTS, baseline=b).values for b in background]
    checks.check_equal(together, np.mean(alone, axis=0))


def test_sampled_values_lie_within_their_standard_errors() -> None:
    net = numpy_net.net("deep")
    wanted = oracles.shapley(net, net.pictures, 0, segments=SEGMENTS, baseline=0.5)
    for name, samples in (("kernel_shap", 128), ("shapley_sampling", 400)):
        found = checks.explain("deep", name, segments=SEGMENTS, baseline=0.5, samples=samples)
        error = found.extras["standard_error"][:, SEGMENTS]
        assert error.max() > 0
        assert (np.abs(found.values - wanted) < 5 * error + 1e-5).all()
        assert (np.abs(found.values - wanted) > 0.01 * error).any(), "exact: nothing was sampled"


@pytest.mark.parametrize("name", FAMILY)
def test_a_plain_function_scores(name: str) -> None:
    """The same net as a function of a batch gives the same."""
    net = numpy_net.net("deep")
    function = lambda batch: net.upto(batch.astype(np.float64), len(net.layers))  # noqa: E731
    found = ks.explain(
        function, net.pictures, name, segments=SEGMENTS, baseline=0.5, target=0, **FEW[name]
    )
    twin = checks.explain("deep", name, segments=SEGMENTS, baseline=0.5, **FEW[name])
    checks.check_equal(found.values, twin.values, 1e-4)


def test_inputs_play_together() -> None:
    """Picture and vector: one game over both, whose values sum to the whole change."""
    case = zoo.SHAPES["image_and_vector"]()
    view = HookedModel(case.model, compiled=keras.backend.backend() == "jax")
    for name in FAMILY:
        found = ks.explain(view, case.x, name, segments="grid-4", target=1, baseline=0.0)
        nothing = {key: 0 * array for key, array in case.x.items()}
        change = ks.explain(view, nothing, "feature_ablation", target=1).scores
        sums = found.extras["segment_values"].sum(axis=1)
        checks.check_equal(sums, found.scores - change, 1e-4)


# --- bad input, stopping -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "fields", "words"),
    [
        ("kernel_shap", {"samples": 1}, "samples=1 must be at least 2"),
        ("shapley_sampling", {"samples": 0}, "samples=0 must be at least 2"),
        ("owen", {"coalitions": 1}, "coalitions=1 must be at least 2"),
        ("owen", {"hierarchy": "ward"}, "hierarchy='ward' is not known; .*similar, halves"),
        ("kernel_shap", {"segments": np.zeros((8, 10), int)}, "one label only"),
        ("kernel_shap", {"segments": np.zeros((8, 9), int)}, r"shape \(8, 9\)"),
        ("kernel_shap", {"segments": "kmeans"}, "segments='kmeans' is not known"),
        ("kernel_shap", {"baseline": "grey"}, "baseline 'grey' is not known"),
        ("owen", {"hierarchy": np.array([[0, 1], [2, 12]])}, r"joins nodes \[2, 12\]"),
        ("owen", {"hierarchy": np.array([[0, 1]])}, "has 1 rows; a tree of 9 segments has 8"),
        ("owen", {"hierarchy": np.zeros((8, 2), int)}, "every segment once"),
    ],
)
def test_bad_fields(name: str, fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ks.BadMethod, match=words):
        checks.explain("deep", name, **{"segments": SEGMENTS} | fields)


@pytest.mark.parametrize("name", FAMILY)
def test_a_function_that_returns_the_wrong_shape_midway(name: str) -> None:
    calls = []

    def function(batch: Array) -> Array:
        calls.append(len(batch))
        return batch[: len(batch) - (len(calls) > 3), :2]

    x = np.ones((1, 12), np.float32)
    with pytest.raises(ks.BadModel, match=r"for \d samples"):
        ks.explain(function, x, name, batch_size=4, target=0, **FEW[name])


@pytest.mark.parametrize("name", FAMILY)
def test_a_function_that_raises_midway(name: str) -> None:
    calls = []

    def function(batch: Array) -> Array:
        calls.append(1)
        if len(calls) > 4:
            raise ConnectionError("the service is away")
        return batch[:, :2]

    with pytest.raises(ConnectionError, match="away"):
        ks.explain(
            function, np.ones((1, 12), np.float32), name, batch_size=4, target=0, **FEW[name]
        )


@pytest.mark.parametrize("name", FAMILY)
def test_a_stop_gives_what_is_done(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a third of the coalitions: the sum is right, the values near, and a note says so."""
    weights = np.random.default_rng(0).normal(size=20)
    runs: list[Run] = []
    created = Run.__init__

    def keep(self: Run, *args: Any, **options: Any) -> None:
        created(self, *args, **options)
        runs.append(self)

    monkeypatch.setattr(Run, "__init__", keep)
    rows = []

    def function(batch: Array) -> Array:
        rows.append(len(batch))
        if sum(rows) > 120:
            runs[-1].stop.set()
        return np.tanh(batch @ weights / 4)[:, None] * 5

    x = np.ones((2, 20), np.float32)
    found = ks.explain(function, x, name, batch_size=10, baseline=0.0, target=0)
    assert sum(rows) < 160
    assert any("stopped" in note for note in found.notes)
    change = 5 * np.tanh(weights.sum() / 4)
    assert np.allclose(found.values.sum(axis=1), change, atol=1e-4)
    if name != "owen":
        assert np.corrcoef(found.values[0], weights)[0, 1] > 0.8


def test_one_player() -> None:
    for name in FAMILY:
        found = ks.explain(
            lambda b: 3 * b, np.ones((2, 1), np.float32), name, baseline=0.0, target=0
        )
        assert np.allclose(found.values, 3)


def test_values_do_not_depend_on_others_in_the_batch() -> None:
    """Two pictures with different numbers of segments, together and alone."""
    labels = np.stack([SEGMENTS, np.minimum(SEGMENTS, 6)])
    for name in FAMILY:
        fields = {"baseline": 0.5} | FEW[name]
        both = checks.explain("deep", name, segments=labels, **fields).values
        first = checks.explain(
            "deep", name, x=numpy_net.net("deep").pictures[:1], segments=labels[:1], **fields
        )
        checks.check_equal(both[:1], first.values)
