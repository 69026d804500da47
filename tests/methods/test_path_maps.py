"""Maps along the path of integrated gradients: what they are, what they cost, where they stop."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

import kerascope as ks
import zoo
from kerascope.hooks.store import store_of
from kerascope.report.blobs import read_array
from kerascope.report.document import document_of


class Squares(layers.Layer):
    """Two scores: Σ w·x² and −Σ w·x², so that the gradient grows evenly along the path."""

    def call(self, x: Any) -> Any:
        row = np.linspace(0.5, 2, 12, dtype="float32").reshape(1, 3, 4, 1)
        weights = keras.ops.convert_to_tensor(row)
        total = keras.ops.sum(keras.ops.square(x) * weights, axis=(1, 2, 3))
        return keras.ops.stack([total, -total], axis=-1)


def squares() -> Any:
    i = keras.Input((3, 4, 1))
    return keras.Model(i, Squares()(i))


def pictures() -> np.ndarray:
    return np.random.default_rng(1).normal(0, 1, (2, 3, 4, 1)).astype("float32")


@pytest.mark.parametrize("spacing", ["adaptive", "uniform", "gauss"])
@pytest.mark.parametrize("keep", [1, 4, 5])
def test_a_map_on_the_way_is_the_integral_up_to_there(spacing: str, keep: int) -> None:
    x = pictures()
    result = ks.explain(
        squares(), x, "integrated_gradients", target=0, keep=keep, spacing=spacing, steps=40
    )
    alphas = result.extras["path_alphas"]
    assert alphas.shape == (2, keep)
    assert np.allclose(alphas[0], np.arange(1, keep + 1) / keep)
    path = result.extras["path"]
    assert path.shape == (2, keep, 3, 4, 1)
    # ∫₀^α 2·w·(t·x)·x dt = α²·w·x²; cells of gradients that lie on a border are split evenly
    wanted = alphas[:, :, None, None, None] ** 2 * np.asarray(result.values)[:, None]
    assert np.abs(path - wanted).max() < 0.02 * np.abs(wanted).max()
    assert np.array_equal(path[:, -1], result.values)
    scores = np.asarray(result.scores)[:, None]
    assert np.allclose(result.extras["path_scores"], alphas**2 * scores, rtol=1e-4)
    assert np.allclose(result.extras["path_start"], 0, atol=1e-6)


def test_the_map_is_the_same_with_and_without() -> None:
    case = zoo.SHAPES["flat_functional"]()
    plain = ks.explain(case.model, case.x, "integrated_gradients", target=(0, 1))
    kept = ks.explain(case.model, case.x, "integrated_gradients", target=(0, 1), keep=6)
    assert np.allclose(plain.values, kept.values, atol=1e-6 * np.abs(plain.values).max())
    assert "path" not in plain.extras
    assert kept.extras["path"].shape == (2, 2, 6, *np.shape(case.x)[1:])
    assert kept.extras["path_scores"].shape == (2, 2, 6)
    assert np.allclose(kept.extras["path_scores"][..., -1], kept.scores, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("keep", "more"), [(8, 0), (4, 0), (3, 2)])
def test_probes_are_used_where_they_are(keep: int, more: int) -> None:
    model, x = squares(), pictures()
    counted = store_of(model).passes
    made = []
    for fields in ({}, {"keep": keep}):
        counted.clear()
        ks.explain(model, x, "integrated_gradients", target=0, tolerance=None, **fields)
        made.append((counted["forward"] // 2, counted["gradient"] // 2))
    assert made[1] == (made[0][0] + more, made[0][1])


def test_tokens_and_several_inputs_have_paths() -> None:
    case = zoo.SHAPES["token_ids"]()
    result = ks.explain(case.model, case.x, "integrated_gradients", target=0, keep=2)
    assert result.extras["path"].shape == (len(result), 2, *np.shape(result.values)[1:])
    case = zoo.SHAPES["image_and_vector"]()
    result = ks.explain(case.model, case.x, "integrated_gradients", target=0, keep=2)
    for name, values in result.values.items():
        assert np.array_equal(result.extras[f"path:{name}"][:, -1], values)


@pytest.mark.parametrize("keep", [-1, 65])
def test_bounds(keep: int) -> None:
    with pytest.raises(ks.BadMethod, match=r"keep=.* must be from 0 to 64"):
        ks.explain(squares(), pictures(), "integrated_gradients", keep=keep)


@pytest.mark.parametrize("target", [0, (0, 1)])
def test_a_document_holds_the_way_from_the_baseline_to_the_map(target: Any) -> None:
    case = zoo.SHAPES["flat_functional"]()
    result = ks.explain(case.model, case.x, "integrated_gradients", target=target, keep=4)
    document = document_of([result])
    assert len(document["maps"]) == len(case.x) * (1 if target == 0 else 2)
    for entry in document["maps"]:
        path = entry["path"]
        assert path["alphas"] == [0, 0.25, 0.5, 0.75, 1]
        assert path["scores"][-1] == pytest.approx(entry["target"]["score"], rel=1e-3, abs=1e-4)
        maps = [read_array(value, document["blobs"]) for value in path["values"]]
        assert not maps[0].any()
        assert np.array_equal(maps[-1], read_array(entry["values"], document["blobs"]))
        # what each part of the way adds is what the score gains there
        gained = np.diff([one.sum() for one in maps])
        rise = np.diff(path["scores"])
        assert np.abs(gained - rise).max() < 0.15 * np.abs(rise).max() + 0.02


def test_a_document_without_kept_maps_has_no_path() -> None:
    case = zoo.SHAPES["flat_functional"]()
    result = ks.explain(case.model, case.x, "integrated_gradients", target=0)
    assert all(entry["path"] is None for entry in document_of([result])["maps"])
