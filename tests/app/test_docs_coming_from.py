"""Every snippet of ours in docs/coming-from runs; all others name the library that they are of."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from keras import layers

import documented
import kerascope as ks
import small_vit
import troubles
from once import not_on_jax

PAGES = sorted(path.stem for path in (documented.DOCS / "coming-from").glob("*.md"))
LIBRARIES = [page for page in PAGES if page != "index"]
OURS = re.compile(r"\bks\.")
NAMED = {"keras-vis": "vis"}  # as it is imported, where it is not the page's name


def _tabular() -> Any:
    i = keras.Input((4,))
    return keras.Model(i, layers.Dense(1)(layers.Dense(4, activation="relu")(i)))


@functools.cache
def _names() -> dict[str, Any]:
    """Return what the snippets may use: small nets, and inputs for them."""
    keras.utils.set_random_seed(1)
    rng = np.random.default_rng(0)
    model = troubles.flat()
    model.compile("sgd", "sparse_categorical_crossentropy")
    quarters = np.kron(rng.uniform(0, 0.9, (2, 2, 2, 3)), np.ones((1, 8, 8, 1))).astype("float32")
    columns = ["age", "height", "weight", "pulse"]
    names = {
        "ks": ks,
        "x": quarters + 0.1 * troubles.X,
        "model": model,
        "background": rng.uniform(0, 1, (5, 16, 16, 3)).astype("float32"),
        "images": rng.uniform(0, 1, (8, 16, 16, 3)).astype("float32"),
        "labels": rng.integers(0, 3, 8),
        "frame": pd.DataFrame(rng.normal(size=(30, 4)).astype("float32"), columns=columns),
        "tabular": _tabular(),
    }
    return names | {"vit": small_vit.load(), "pictures": small_vit.scenes(2, seed=5)[0]}


def test_each_block_is_ours_or_theirs() -> None:
    for page in LIBRARIES:
        theirs = re.compile(rf"\b{NAMED.get(page, page.replace('-', '_'))}\b")
        for _, block in documented.blocks_of(f"coming-from/{page}.md"):
            assert OURS.search(block) or theirs.search(block), f"{page}: whose is this?\n{block}"


@not_on_jax
@pytest.mark.parametrize("page", LIBRARIES)
@pytest.mark.filterwarnings("ignore:Your input ran out of data")
def test_snippets(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    place = f"coming-from/{page}.md"
    ours = [block for _, block in documented.blocks_of(place) if OURS.search(block)]
    assert ours
    names = dict(_names())
    for block in ours:
        documented.execute(block, place, names)
    results = [value for value in names.values() if isinstance(value, ks.Attribution)]
    for result in results:
        for array in result.maps().values():
            assert np.isfinite(array).all()
            assert np.ptp(array) > 0


def test_the_list_names_every_page() -> None:
    text = (documented.DOCS / "coming-from" / "index.md").read_text(encoding="utf-8")
    assert all(f"({page}.md)" in text for page in LIBRARIES)


def test_the_rollout_of_vit_keras_is_ours_up_to_a_factor() -> None:
    """Matrices divided by the sum of all entries, the last layer on the left; row of the token."""
    names = _names()
    raw = ks.attention(names["vit"], names["pictures"])
    weights = raw.values.mean(axis=2)  # (sample, layer, query, key)
    mixed = weights + np.eye(weights.shape[-1])
    mixed /= mixed.sum(axis=(2, 3), keepdims=True)
    rolled = mixed[:, -1]
    for layer in range(2, mixed.shape[1] + 1):
        rolled = rolled @ mixed[:, -layer]
    theirs = rolled[:, 0, 1:]
    ours = ks.attention(names["vit"], names["pictures"], kind="rollout").relevance.reshape(
        theirs.shape
    )
    scale = ours.sum(axis=1, keepdims=True) / theirs.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(theirs * scale, ours, rtol=1e-4)


def test_the_mean_gradient_is_no_integrated_gradient() -> None:
    """What tf-explain's formula leaves out: values that sum to the difference of scores."""
    names = _names()
    model, x = names["model"], names["x"]
    found = ks.explain(model, x, "integrated_gradients", target=1, steps=32)
    mean = found.values / np.where(x == 0, 1, x)  # the baseline is zero: (x − x′) is x
    assert np.abs(found.relative_gap).max() < 0.05
    difference = found.gap + found.values.sum(axis=(1, 2, 3))
    assert (np.abs(mean.sum(axis=(1, 2, 3)) - difference) > 0.2 * np.abs(difference)).all()
