"""Partial dependence, ICE, ALE and interactions against slow oracles, scikit-learn and formulas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from sklearn import base, inspection

import kerascope as ks
import oracles_tables as oracles
from kerascope.columns import Column
from kerascope.tabular.effects import edges_of
from kerascope.tabular.ordering import _line
from once import only_on
from tabular.nets import NAMES, linear, mixed, net, people, rows, scores, table

pytestmark = only_on("torch")


def additive(x: np.ndarray) -> np.ndarray:
    return (np.sin(x[:, 0]) + x[:, 1] ** 2 - 0.5 * x[:, 2])[:, None]


def product(x: np.ndarray) -> np.ndarray:
    return (x[:, 0] * x[:, 1])[:, None]


def test_partial_dependence_and_ice_are_those_of_the_paper() -> None:
    model, x = net(), rows(20)
    found = ks.partial_dependence(model, table(20), grid=6)
    f = scores(model)
    for i, name in enumerate(NAMES):
        grid = found.grid(name)
        slow = [oracles.partial_dependence(f, x, [i], [value]) for value in grid]
        np.testing.assert_allclose(found.partial(name), slow, atol=2e-6)
        changed = x.copy()
        changed[:, i] = grid[3]
        np.testing.assert_allclose(found.ice(name)[:, 3], f(changed), atol=2e-6)
        assert not found.ice(name, centred=True)[:, 0].any()
    assert found.passes == 4 * 6 * 20


def test_partial_dependence_is_scikit_learns() -> None:
    model, x = net(), rows(40)

    class Wrapped(base.RegressorMixin, base.BaseEstimator):
        def fit(self, x: Any, y: Any) -> Any:
            self.fitted_ = True
            return self

        def predict(self, x: Any) -> Any:
            return scores(model)(x)

    estimator = Wrapped().fit(x, None)
    theirs = inspection.partial_dependence(estimator, x, [1], kind="both", grid_resolution=9)
    grid = theirs["grid_values"][0]
    ours = ks.partial_dependence(model, table(40), ["income"], grid={"income": grid})
    np.testing.assert_allclose(ours.partial("income"), theirs["average"][0], atol=2e-6)
    np.testing.assert_allclose(ours.ice("income"), theirs["individual"][0], atol=2e-6)


def test_ale_is_that_of_the_paper() -> None:
    model, x = net(), rows(50)
    found = ks.ale(model, table(50), bins=7)
    for i in range(4):
        slow = oracles.ale(scores(model), x.astype(np.float64), i, found.edges[i])
        np.testing.assert_allclose(found.values[i], slow, atol=5e-6)
    assert found.passes == 4 * 2 * 50  # for any number of bins


def test_ale_of_an_additive_model_is_its_centred_components() -> None:
    x = rows(200).astype(np.float64)
    found = ks.ale(additive, pd.DataFrame(x, columns=NAMES), bins=20)
    for i, component in ((0, np.sin), (1, np.square), (2, lambda v: -0.5 * v)):
        edges = found.edges[i]
        rise = component(edges) - component(edges[:1])
        np.testing.assert_allclose(found.values[i] - found.values[i][0], rise, atol=1e-6)
        np.testing.assert_allclose(np.interp(x[:, i], edges, found.values[i]).mean(), 0, atol=1e-7)
    line = found.values[2]  # linear: exact also between the edges
    np.testing.assert_allclose(line, -0.5 * (found.edges[2] - x[:, 2].mean()), atol=1e-6)
    assert not found.values[3].any()


def test_second_order_ale_is_zero_where_columns_add_up() -> None:
    x = pd.DataFrame(rows(300), columns=NAMES)
    found = ks.ale(additive, x, pairs=[("age", "income")], bins=16)
    np.testing.assert_allclose(found.surfaces[0], 0, atol=1e-5)
    assert found.passes == (4 * 2 + 4) * 300


def test_second_order_ale_of_a_product_is_the_product_of_the_deviations() -> None:
    # On a full grid the main effects of x·y are exact: what is left is (x − x̄)(y − ȳ).
    side = np.linspace(-1.0, 2.0, 31)
    x, y = (part.ravel() for part in np.meshgrid(side, side, indexing="ij"))
    data = {"a": x, "b": y}
    found = ks.ale(product, data, pairs=[("a", "b")], bins=12)
    edges_a, edges_b = found.pair_edges
    ours = found.surfaces[0]
    mean = (edges_a[1:] + edges_a[:-1]) / 2 @ np.bincount(edges_of(x, 6)[1]) / len(x)
    exact = np.outer(edges_a - mean, edges_b - mean)
    np.testing.assert_allclose(ours, exact, atol=1e-6)


def test_every_bin_holds_rows_also_with_ties() -> None:
    data = np.repeat([0.0, 1.0, 5.0, 5.5], [30, 2, 10, 1])
    edges, place = edges_of(data, 8)
    assert edges[0] == 0.0
    assert edges[-1] == 5.5
    assert (np.bincount(place, minlength=len(edges) - 1) > 0).all()
    assert ((data > edges[place]) | (place == 0)).all()
    assert (data <= edges[place + 1]).all()


def test_ale_of_a_category_moves_rows_to_their_neighbours_only() -> None:
    colour = np.array([0, 0, 2, 2, 1, 1, 1])
    age = np.array([0.0, 1.0, 1.8, 2.5, 0.5, 1.5, 2.0])
    worth = np.array([5.0, -1.0, 2.0])

    def f(x: np.ndarray) -> np.ndarray:
        return (worth[x[:, 1].astype(int)] + x[:, 0])[:, None]

    data = ks.load_table({"age": age, "colour": colour}, categories={"colour": ["r", "g", "b"]})
    found = ks.ale(f, data, ["colour"])
    order = found.edges[0].astype(int)
    assert order.tolist() in ([0, 1, 2], [2, 1, 0])  # by age, g lies between r and b
    np.testing.assert_allclose(found.values[0], worth[order] - worth[colour].mean(), atol=1e-6)
    assert found.counts[0].tolist() == [int((colour == c).sum()) for c in order]


def test_classical_scaling_finds_places_on_a_line() -> None:
    places = np.array([0.0, 3.0, 1.0, 7.0])
    found = _line(np.abs(places[:, None] - places))
    np.testing.assert_array_equal(np.argsort(found), np.argsort(places))


@pytest.mark.parametrize("columns", [("age", "income"), ("income", "weight")])
def test_h_is_that_of_the_paper(columns: tuple[str, str]) -> None:
    model, x = net(), rows(14)
    found = ks.interactions(model, table(14))
    i, j = (NAMES.index(name) for name in columns)
    slow = np.sqrt(oracles.h_squared(scores(model), x, i, j))
    assert found.of(*columns)[0] == pytest.approx(slow, abs=1e-4)
    total = np.sqrt(oracles.h_squared_total(scores(model), x, i))
    assert found.total[i] == pytest.approx(total, abs=1e-4)
    assert found.passes == 14 + 14**2 * (4 * 2 + 6)


def test_h_is_zero_where_columns_add_up_and_known_for_a_product() -> None:
    x = rows(30).astype(np.float64)
    frame = pd.DataFrame(x, columns=NAMES)
    flat = ks.interactions(additive, frame)
    assert flat.total.max() < 1e-3
    assert np.nanmax(flat.strength) < 1e-5
    found = ks.interactions(product, frame)
    # PD_ab = ab, PD_a = a·b̄, PD_b = ā·b: what is left are the centred deviations' product.
    a, b = x[:, 0], x[:, 1]
    rest = (a - a.mean()) * (b - b.mean())
    both = a * b - (a * b).mean()
    known = np.sqrt(((rest - rest.mean()) ** 2).sum() / (both**2).sum())
    assert found.of("age", "income")[0] == pytest.approx(known, abs=1e-5)
    assert found.of("age", "income")[1] == pytest.approx(rest.std(), abs=1e-5)
    assert found.strongest(1)[0][:2] == ("age", "income")
    assert found.of("age", "height")[1] == pytest.approx(0, abs=1e-6)


def test_pairs_are_looked_at_among_the_columns_that_interact_most() -> None:
    found = ks.interactions(product, pd.DataFrame(rows(20), columns=NAMES), most=2)
    assert np.isfinite(found.pairwise[0, 1])
    assert np.isnan(found.pairwise[2:]).all()
    assert "pairs among the 2 columns that interact most, of 4" in found.notes


def test_any_target_and_score() -> None:
    model = net(3, activation="softmax")
    whole = model(rows(10))
    for score in ("logit", "probability"):
        found = ks.partial_dependence(model, table(10), ["age"], target=1, score=score)
        assert found.explained == f"{score} of class 1"
    most = np.bincount(keras.ops.convert_to_numpy(whole).argmax(axis=1)).argmax()
    usual = ks.partial_dependence(model, table(10), ["age"])
    assert usual.explained == f"logit of class {most}"
    assert "target: the class predicted most often" in usual.notes
    contrast = ks.ale(model, table(10), ["age"], target=ks.Contrast(0, 2))
    assert "minus" in contrast.explained
    single = ks.ale(net(1, activation="sigmoid"), table(10), ["age"])
    assert single.explained == "logit of class 1"


def test_models_with_categories() -> None:
    curves = ks.partial_dependence(mixed(), people())
    assert [len(grid) for grid in curves.grids] == [20, 20, 2, 3]
    assert len(ks.ale(mixed(), people()).values[3]) == 3
    assert np.isfinite(ks.interactions(mixed(), people(20)).total).all()


def test_results_do_not_depend_on_the_batch_and_are_repeated() -> None:
    model = net()
    for ask in (ks.partial_dependence, ks.ale, ks.interactions):
        first, second = (ask(model, table(30), batch_size=b, seed=4) for b in (7, 512))
        one = first.total if hasattr(first, "total") else np.concatenate(
            [np.ravel(v) for v in getattr(first, "curves", None) or first.values])  # fmt: skip
        two = second.total if hasattr(second, "total") else np.concatenate(
            [np.ravel(v) for v in getattr(second, "curves", None) or second.values])  # fmt: skip
        np.testing.assert_allclose(one, two, atol=1e-5)
    drawn = [ks.partial_dependence(model, table(30), rows=10, seed=s).curves[0] for s in (1, 1, 2)]
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert (drawn[0] != drawn[2]).any()


def test_saved_and_loaded(tmp_path: Path) -> None:
    for found in (
        ks.partial_dependence(mixed(), people()),
        ks.ale(mixed(), people(), pairs=[("age", "income")]),
        ks.interactions(mixed(), people(12)),
    ):
        loaded = type(found).load(found.save(tmp_path / "x.safetensors"))
        assert loaded.columns == found.columns
        assert loaded.provenance == found.provenance
        assert loaded.notes == found.notes
        for name, value in vars(found).items():
            if isinstance(value, np.ndarray):
                np.testing.assert_array_equal(getattr(loaded, name), value)
            elif isinstance(value, tuple) and value and isinstance(value[0], np.ndarray):
                for one, other in zip(getattr(loaded, name), value, strict=True):
                    np.testing.assert_array_equal(one, other)
    with pytest.raises(ks.BadFile, match="does not hold interactions"):
        ks.Interactions.load(ks.ale(net(), table()).save(tmp_path / "x.safetensors"))


def test_progress_is_told() -> None:
    said: list[str] = []
    with ks.reporting(lambda what, done, total: said.append(what)):
        ks.ale(net(), table(), ["age"])
    assert said == ["local effects of age"]


BAD: list[tuple[Any, str]] = [
    (lambda: ks.ale(net(), table(), ["agee"]), "column 'agee' not found; did you mean 'age'"),
    (lambda: ks.partial_dependence(net(), table(), []), "no column was named"),
    (lambda: ks.partial_dependence(net(), table(), grid={"x": [1]}), "grid: column 'x' not found"),
    (lambda: ks.partial_dependence(net(), table(), grid=1), "grid=1 must be a whole number"),
    (lambda: ks.partial_dependence(net(), rows()), "a table is a data frame"),
    (lambda: ks.ale(net(), table(), pairs=[("age", "age")]), "is not two different columns"),
    (lambda: ks.ale(mixed(), people(), pairs=[("age", "sex")]), "'sex' holds categories"),
    (lambda: ks.ale(net(), table(1)), "every column has one value only"),
    (lambda: ks.interactions(net(), table(1)), "two or more columns that vary"),
    (lambda: ks.interactions(linear([0.0] * 4), table()), "all rows have the same score"),
    (lambda: ks.ale(net(3), table(), target=(0, 1)), "one target is needed"),
    (lambda: ks.ale(net(3), table(), target=5), "5"),
    (lambda: ks.ale(net(), table(), score="odds"), "score='odds' is not known"),
    (lambda: ks.ale(3, table()), "a model is a keras.Model or a function"),
    (lambda: ks.ale(net(columns=3), table()), "has 4 columns for input '.*', which takes 3"),
    (lambda: ks.interactions(net(), table(20)).of("age", "x"), "column 'x' not found"),
    (lambda: ks.ale(lambda x: np.full((len(x), 1), np.nan), table()), "NaN"),
]  # fmt: skip


@pytest.mark.parametrize(("ask", "words"), BAD)
def test_bad_input_is_refused_in_one_line(ask: Any, words: str) -> None:
    with pytest.raises(ks.BadInput, match=words) as caught:
        ask()
    assert "\n" not in str(caught.value)


def test_a_constant_column_is_left_out_and_said() -> None:
    data = {**table(), "height": np.full(60, 2.0)}
    for ask in (ks.partial_dependence, ks.ale, ks.interactions):
        found = ask(net(), data)
        assert "height" not in found.names
        assert "column 'height' has one value only: it was left out" in found.notes


def test_columns_are_values() -> None:
    column = Column(name="a", input="x", places=(1, 2), categories=("u", "v"))
    assert Column.from_json(column.to_json()) == column
