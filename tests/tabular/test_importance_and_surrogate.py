"""Permutation importance and surrogate trees: planted causes, fidelity, rules, refusals."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kerascope as ks
from once import only_on
from tabular.nets import linear, mixed, net, people, rows, table

pytestmark = only_on("torch")


def steps(x: np.ndarray) -> np.ndarray:
    """A rule that a tree of depth 2 can say in full."""
    return np.where(x[:, 0] > 0, np.where(x[:, 2] > 0.5, 3.0, 1.0), -2.0)[:, None]


def test_importance_of_a_linear_model_is_twice_the_variance_it_gives() -> None:
    weights = np.array([2.0, 0.0, -1.0, 0.5])
    x = rows(400)
    truth = x @ weights.astype(np.float32) + 0.5
    found = ks.permutation_importance(linear(list(weights)), table(400), truth, repeats=30)
    assert found.loss == "squared"
    assert found.base == pytest.approx(0, abs=1e-9)
    # Shuffled, w²(x_i − x_j)² has mean 2·w²·var(x).
    np.testing.assert_allclose(found.values, 2 * weights**2 * x.var(axis=0), rtol=0.05, atol=1e-9)
    assert (found.intervals[:, 0] <= found.values).all()
    assert (found.values <= found.intervals[:, 1]).all()
    assert found.order()[0] == 0
    assert found.passes == 400 + 400 * 30 * 4


def test_importance_of_classes_and_without_a_truth() -> None:
    model = net(2, activation="softmax")
    said = classes(model)
    right = ks.permutation_importance(model, table(), said)
    assert right.base == 0
    assert right.loss == "error"
    assert right.values.max() > 0.05
    cross = ks.permutation_importance(model, table(), said, loss="cross-entropy")
    assert cross.base > 0
    moved = ks.permutation_importance(model, table(), target=0)
    assert moved.loss == "change"
    assert (moved.values > 0).all()
    single = ks.permutation_importance(net(1, activation="sigmoid"), table(), np.zeros(60, int))
    assert 0 < single.base < 1


def classes(model: Any) -> np.ndarray:
    import keras

    return keras.ops.convert_to_numpy(model(rows())).argmax(axis=1)


def test_a_constant_column_is_worth_nothing() -> None:
    data = {**table(), "height": np.full(60, 2.0)}
    found = ks.permutation_importance(net(), data)
    assert found.values[2] == 0


def test_importance_is_repeated_by_seed(tmp_path: Path) -> None:
    found = [ks.permutation_importance(net(), table(), seed=s, repeats=2) for s in (1, 1, 2)]
    np.testing.assert_array_equal(found[0].values, found[1].values)
    assert (found[0].values != found[2].values).any()
    loaded = ks.Importance.load(found[0].save(tmp_path / "x.safetensors"))
    np.testing.assert_array_equal(loaded.intervals, found[0].intervals)


def test_the_tree_of_a_rule_says_the_rule() -> None:
    found = ks.surrogate(steps, table(400), target=0)
    assert found.measure == "R²"
    assert found.depth == 2
    assert found.score > 0.97
    rules = found.rules()
    assert len(rules) == 3
    assert rules[0].startswith("if age ≤ ")
    assert any("height > 0.5" in rule or "height > 0.4" in rule for rule in rules)
    assert "held-out rows" in str(found)
    assert found.fidelity[0] < found.fidelity[1]
    assert (found.children[:, 0] >= 0).sum() == 2


def test_agreement_with_the_predicted_class() -> None:
    model = net(3, activation="softmax")
    found = ks.surrogate(model, table(300))
    assert found.measure == "agreement"
    assert found.classes == ("class 0", "class 1", "class 2")
    assert found.score > found.chance
    assert 0 <= found.chance < 1
    assert found.held_out == 90
    forced = ks.surrogate(model, table(300), depth=1)
    assert forced.depth == 1
    binary = ks.surrogate(net(1, activation="sigmoid"), table(300))
    assert binary.classes == ("class 0", "class 1")


def test_categories_are_asked_for_by_name(tmp_path: Path) -> None:
    def f(x: np.ndarray) -> np.ndarray:
        return (4.0 * (x[:, 1] == 2) + 0.01 * x[:, 0])[:, None]

    generator = np.random.default_rng(0)
    data = {"age": generator.normal(size=80), "colour": generator.integers(0, 3, 80)}
    rows_ = ks.load_table(data, categories={"colour": ["red", "green", "blue"]})
    found = ks.surrogate(f, rows_, depth=1, target=0)
    assert found.questions[0] == "colour is blue"
    yes, no = found.children[0]
    assert found.answers[yes] == pytest.approx(4, abs=0.1)
    assert found.answers[no] == pytest.approx(0, abs=0.1)
    assert found.rules()[1].startswith("if colour is not blue: ")
    loaded = ks.Surrogate.load(found.save(tmp_path / "x.safetensors"))
    assert loaded.rules() == found.rules()
    assert ks.surrogate(mixed(), people()).rules()


def test_fidelity_is_measured_on_rows_the_tree_has_not_seen() -> None:
    noise = np.random.default_rng(0).normal(size=300)

    def f(x: np.ndarray) -> np.ndarray:
        return noise[x[:, 0].astype(int)][:, None]

    found = ks.surrogate(f, {"row": np.arange(300.0)}, target=0, leaf=1, most=8)
    assert found.fidelity[-1] < 0.2  # of rows seen, such a tree explains far more
    worse = dataclasses.replace(found, fidelity=np.array([-0.1]), depth=1)
    assert worse.sentence() == (
        "a tree of depth 1 explains nothing of the score on 90 held-out rows (R² ≤ 0)"
    )


BAD: list[tuple[Any, str]] = [
    (lambda: ks.permutation_importance(net(), table(), np.zeros(3)), "3 truths for 60 rows"),
    (lambda: ks.permutation_importance(net(2), table(), np.full(60, 7)), "from 0 to 1"),
    (lambda: ks.permutation_importance(net(2), table(), np.array(["a"] * 60)), "have none"),
    (lambda: ks.permutation_importance(net(), table(), loss="f1"), "loss='f1' is not known"),
    (lambda: ks.permutation_importance(net(), table(), loss="error"), "does not fit here"),
    (lambda: ks.permutation_importance(net(), table(1)), "one row cannot be shuffled"),
    (lambda: ks.permutation_importance(net(), table(), repeats=0), "repeats=0"),
    (lambda: ks.surrogate(net(), table(19)), "needs 20 rows or more; the table has 19"),
    (lambda: ks.surrogate(net(), table(), held_out=1.0), "held_out=1.0 must be between"),
    (lambda: ks.surrogate(net(), table(), ["shoe"]), "column 'shoe' not found"),
]  # fmt: skip


@pytest.mark.parametrize(("ask", "words"), BAD)
def test_bad_input_is_refused_in_one_line(ask: Any, words: str) -> None:
    with pytest.raises(ks.BadInput, match=words) as caught:
        ask()
    assert "\n" not in str(caught.value)
