"""`ks.explain` on tables: names, groups, backgrounds; parity with exact values and with shap."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest

import kerascope as ks
import oracles_tables as oracles
from kerascope.plot import alt_text
from tabular.nets import NAMES, filled, linear, mixed, net, people, rows, scores, table
from tabular.test_tables import worded

ALONE = [[0], [1], [2], [3]]


def test_a_table_gets_kernel_shap_with_names_and_exact_values() -> None:
    model, x = net(), rows()
    result = ks.explain(model, ks.load_table(pd.DataFrame(x, columns=NAMES), model)[:3])
    assert result.method.name == "kernel_shap"
    assert [column.name for column in result.columns] == list(NAMES)
    assert any("60 of 60 rows" in note for note in result.notes)
    for i in range(3):
        exact = oracles.shapley(scores(model), x[i], x, ALONE)
        np.testing.assert_allclose(result.by_column()[i], exact, atol=2e-5)


METHODS = (
    "kernel_shap", "shapley_sampling", "lime", "feature_ablation", "owen", "integrated_gradients",
    "expected_gradients", "deep_lift",
)  # fmt: skip


@pytest.mark.parametrize("name", METHODS)
def test_on_a_linear_model_a_value_is_the_weight_times_the_way(name: str) -> None:
    weights = [2.0, -1.0, 0.0, 0.5]
    x = rows()
    result = ks.explain(linear(weights), ks.load_table(x, columns=NAMES)[:5], name)
    one = name in ("integrated_gradients", "deep_lift")
    base = np.median(x, axis=0) if one else x.mean(axis=0)
    near = 3e-3 if name == "lime" else 3e-5  # its ridge leaves a little
    np.testing.assert_allclose(result.by_column(), (x[:5] - base) * weights, atol=near)


@pytest.mark.parametrize("name", METHODS)
def test_the_planted_column_comes_first(name: str) -> None:
    model = linear([0.05, 3.0, -0.05, 0.02])
    found = ks.explain(model, pd.DataFrame(rows(), columns=NAMES).iloc[:20], name).by_column()
    share = np.abs(found[:, 1]).sum() / np.abs(found).sum()
    assert share > 0.9, share


@pytest.mark.parametrize("name", METHODS)
def test_a_model_with_an_input_for_each_column(name: str) -> None:
    model, data = mixed(), people()
    result = ks.explain(model, data, name)
    found = result.by_column()
    assert found.shape == (40, 4)
    assert np.isfinite(found).all()
    assert found.any(axis=0)[:2].all()
    if name == "kernel_shap":
        np.testing.assert_allclose(result.gap, 0, atol=1e-5)


def matrix_of(model: Any, data: dict[str, np.ndarray]) -> Any:
    """The model as a function of a matrix of its columns."""
    kinds = {name: np.float32 if v.dtype.kind == "f" else np.int32 for name, v in data.items()}

    def f(x: np.ndarray) -> np.ndarray:
        given = {n: x[:, i : i + 1].astype(kind) for i, (n, kind) in enumerate(kinds.items())}
        return np.asarray(keras.ops.convert_to_numpy(model(given)), np.float64)[:, 0]

    return f


def test_categories_are_covered_by_those_of_the_background() -> None:
    model, data = mixed(), people()
    matrix = np.stack([v.astype(np.float64) for v in data.values()], axis=1)
    result = ks.explain(model, data)
    exact = oracles.shapley(matrix_of(model, data), matrix[7], matrix, ALONE)
    np.testing.assert_allclose(result.by_column()[7], exact, atol=2e-5)


def test_a_one_hot_group_is_one_column() -> None:
    generator = np.random.default_rng(0)
    hot = np.eye(3)[generator.integers(0, 3, 30)]
    x = np.concatenate([generator.normal(size=(30, 1)), hot], axis=1).astype(np.float32)
    model = net()
    frame = pd.DataFrame(x, columns=["age", "c=red", "c=green", "c=blue"])
    for name in ("kernel_shap", "shapley_sampling", "owen", "feature_ablation", "lime"):
        result = ks.explain(model, frame, name)
        assert result.by_column().shape == (30, 2)
        exact = oracles.shapley(scores(model), x[4], x, [[0], [1, 2, 3]])
        if name in ("kernel_shap", "shapley_sampling", "owen"):
            np.testing.assert_allclose(result.by_column()[4], exact, atol=2e-5)
    grads = ks.explain(model, frame, "integrated_gradients")
    np.testing.assert_allclose(grads.by_column()[:, 1], grads.values[:, 1:].sum(axis=1), rtol=1e-5)


def test_only_rows_of_the_background_are_ever_shown() -> None:
    seen: list[np.ndarray] = []

    def f(x: np.ndarray) -> np.ndarray:
        seen.append(x[:, 1:])
        return x.sum(axis=1, keepdims=True)

    hot = np.eye(3)[np.random.default_rng(0).integers(0, 3, 20)]
    x = np.concatenate([np.arange(20.0)[:, None], hot], axis=1)
    ks.explain(f, pd.DataFrame(x, columns=["age", "c=a", "c=b", "c=c"]), "kernel_shap")
    shown = np.concatenate(seen)
    assert len(shown) > 100
    assert ((shown == 0) | (shown == 1)).all()
    assert (shown.sum(axis=1) == 1).all()


def test_a_function_of_a_dict_gets_words() -> None:
    def f(columns: dict[str, np.ndarray]) -> np.ndarray:
        return (columns["age"] + 2.0 * (columns["colour"] == "red"))[:, None]

    data = {"age": np.arange(6.0), "colour": np.array(["red", "blue"] * 3)}
    found = ks.explain(f, data).by_column()
    np.testing.assert_allclose(found[:, 0], data["age"] - 2.5, atol=1e-6)
    np.testing.assert_allclose(found[:, 1], [1, -1] * 3, atol=1e-6)


def test_words_go_through_a_model_that_looks_them_up() -> None:
    data = {"age": np.array([1.0, 2.0, 0.5]), "colour": np.array(["blue", "red", "green"])}
    if keras.backend.backend() != "tensorflow":
        a = keras.Input((1,), name="age")
        b = keras.Input((1,), name="colour", dtype="string")
        model = keras.Model([a, b], keras.layers.Dense(1)(a))
        with pytest.raises(ks.KerascopeError, match=r"words as input, which Keras on .* cannot"):
            ks.explain(model, ks.load_table(data, model))
        return
    model = worded()
    result = ks.explain(model, data, grade=True)
    np.testing.assert_allclose(result.gap, 0, atol=1e-5)
    assert result.grades(0)
    column = result.columns[1]
    assert [column.words(v) for v in column.read(dict(result.inputs))] == list(data["colour"])
    mixed_ = ks.explain(model, data, "integrated_gradients")
    assert any("no gradient passes through input 'colour'" in note for note in mixed_.notes)


def test_a_lookup_of_whole_numbers() -> None:
    age, level = keras.Input((1,), name="age"), keras.Input((1,), name="level", dtype="int32")
    look = keras.layers.IntegerLookup(vocabulary=[10, 20, 30], output_mode="one_hot")
    joined = keras.layers.Concatenate()([age, look(level)])
    model = filled(keras.Model([age, level], keras.layers.Dense(1)(joined)))
    data = {"age": np.linspace(-1, 1, 12), "level": np.array([10, 20, 30] * 4)}
    if keras.backend.backend() == "jax":
        with pytest.raises(ks.Refused, match=r"reads input 'level', and JAX cannot trace it"):
            ks.explain(model, data)
    given = model if keras.backend.backend() != "jax" else lambda x: model(x)
    named = {name: name for name in data}
    found = ks.explain(given, ks.load_table(data, given, columns=named)).by_column()
    kernel = keras.ops.convert_to_numpy(model.layers[-1].weights[0])[:, 0]
    levels = kernel[2:]  # after the age and what is unknown
    np.testing.assert_allclose(found[:, 0], kernel[0] * data["age"], atol=1e-5)
    np.testing.assert_allclose(found[:, 1], np.tile(levels - levels.mean(), 4), atol=1e-5)


def test_words_name_the_columns() -> None:
    result = ks.explain(linear([0.0, 3.0, 0.0, 0.1]), table())
    assert "income" in alt_text(result, int(np.argmax(result.by_column()[:, 1])))


def test_saved_and_loaded_with_columns(tmp_path: Path) -> None:
    for model, data in ((net(), pd.DataFrame(rows(), columns=NAMES)), (mixed(), people())):
        result = ks.explain(model, data)
        loaded = ks.Attribution.load(result.save(tmp_path / "x.safetensors"))
        assert loaded.columns == result.columns
        np.testing.assert_array_equal(loaded.by_column(), result.by_column())
        assert loaded[2:4].columns == result.columns


def test_fields_that_were_set_stay() -> None:
    model = linear([1.0, 1.0, 1.0, 1.0])
    found = ks.explain(model, table(), "kernel_shap", baseline=1.0)
    np.testing.assert_allclose(found.by_column(), rows() - 1.0, atol=1e-5)
    assert not any(note.startswith("baseline") for note in found.notes)
    value = ks.explain(model, table(), "lime", samples=100).method
    assert dataclasses.asdict(value)["samples"] == 100


def test_one_row_needs_a_background() -> None:
    model = net()
    with pytest.raises(ks.BadInput, match=r"one row is no background .* background="):
        ks.explain(model, table(1))
    result = ks.explain(model, ks.load_table(table(1), model, background=table(30)))
    assert any("30 of 30 rows of the background" in note for note in result.notes)
    assert ks.explain(model, table(1), "gradient").by_column().shape == (1, 4)


def test_a_constant_column_is_worth_nothing() -> None:
    data = {**table(), "height": np.full(60, 2.0)}
    np.testing.assert_allclose(ks.explain(net(), data).by_column()[:, 2], 0, atol=1e-6)


def test_a_result_that_is_no_table_says_so() -> None:
    with pytest.raises(ks.BadInput, match="not of a table"):
        ks.explain(net(), rows(3), "gradient").by_column()
