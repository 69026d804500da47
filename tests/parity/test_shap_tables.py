"""Agreement with shap on a table: the same net in Keras and in NumPy."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import kerascope as ks
from parity import make_references, table_references
from tabular import plain
from tabular.nets import NAMES, net


@pytest.fixture(scope="module")
def shap() -> dict[str, np.ndarray]:
    return make_references.load("tables")


def test_twin_gives_the_same_scores() -> None:
    found = keras.ops.convert_to_numpy(net(2)(plain.rows()))
    np.testing.assert_allclose(found, plain.scores(plain.rows()), atol=5e-6)


@pytest.mark.parametrize("name", ["kernel_shap", "shapley_sampling"])
@pytest.mark.parametrize("which", ["exact", "kernel"])
def test_values_of_columns(shap: dict[str, np.ndarray], name: str, which: str) -> None:
    model = net(2)
    table = ks.load_table(plain.rows(), model, columns=NAMES)[: table_references.SHOWN]
    found = ks.explain(model, table, name, target=(0, 1))
    np.testing.assert_allclose(found.by_column(), shap[f"shap/{which}"], atol=2e-5, rtol=1e-4)
    base = found.scores - found.by_column().sum(axis=-1)
    np.testing.assert_allclose(base, np.tile(shap["shap/base"], (len(base), 1)), atol=2e-5)
