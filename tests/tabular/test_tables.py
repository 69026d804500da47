"""Tables from frames, dicts, arrays and CSV files; what does not fit is said in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import polars as pl
import pytest
from keras import layers

import kerascope as ks
from kerascope.columns import as_table, middle
from kerascope.columns.placing import make_table
from tabular.nets import NAMES, mixed, net, people, table


def test_frames_dicts_arrays_and_files_are_the_same_table(tmp_path: Path) -> None:
    columns = table(6)
    pandas, polars = pd.DataFrame(columns), pl.DataFrame(columns)
    pandas.to_csv(tmp_path / "rows.csv", index=False)
    pandas.to_csv(tmp_path / "rows.tsv", index=False, sep="\t")
    array = np.stack(list(columns.values()), axis=1)
    sources: list[tuple[Any, dict[str, Any]]] = [
        (columns, {}), (pandas, {}), (polars, {}), (array, {"columns": NAMES}),
        (tmp_path / "rows.csv", {}), (tmp_path / "rows.tsv", {}),
    ]  # fmt: skip
    for source, options in sources:
        found = ks.load_table(source, net(), **options)
        np.testing.assert_allclose(found.inputs, array, rtol=1e-6)
        assert [column.name for column in found.columns] == list(NAMES)
        assert found.names[2] == "row 2"
    assert len(ks.load_table(pandas, net(), limit=2)) == 2
    assert ks.load_table(pandas.set_index(np.array(list("abcdef"))), net()).names[1] == "b"


def test_columns_are_chosen_and_dropped() -> None:
    columns = {**table(4), "truth": np.arange(4)}
    assert len(ks.load_table(columns, net(), drop="truth").columns) == 4
    found = ks.load_table(columns, net(columns=2), columns=["weight", "age"])
    np.testing.assert_allclose(found.inputs[:, 1], columns["age"], rtol=1e-6)


def test_a_dict_model_gets_an_input_for_each_column() -> None:
    found = ks.load_table(people(), mixed())
    assert {name: array.dtype.kind for name, array in found.inputs.items()} == {
        "age": "f", "income": "f", "sex": "i", "region": "i",
    }  # fmt: skip
    assert found.inputs["age"].shape == (40, 1)
    assert found.columns[3].categories == ("0", "1", "2")


def test_left_columns_fill_the_one_wide_input() -> None:
    a, b = keras.Input((2,), name="numbers"), keras.Input((1,), name="sex", dtype="int32")
    flat = layers.Flatten()(layers.Embedding(2, 2)(b))
    model = keras.Model([a, b], layers.Dense(1)(layers.Concatenate()([a, flat])))
    columns = {key: people()[key] for key in ("age", "income", "sex")}
    found = ks.load_table(columns, model)
    assert found.inputs["numbers"].shape == (40, 2)
    named = ks.load_table(columns, model, columns={"numbers": ["income", "age"], "sex": "sex"})
    np.testing.assert_allclose(named.inputs["numbers"][:, 1], columns["age"], rtol=1e-6)


def test_categories_as_words_codes_and_one_hot() -> None:
    columns = {"age": np.arange(3.0), "sex": np.array(["f", "m", "f"])}
    found = ks.load_table(columns, net(columns=2), categories={"sex": ["f", "m"]})
    np.testing.assert_array_equal(found.inputs[:, 1], [0, 1, 0])
    assert found.columns[1].words(1) == "m"
    coded = ks.load_table(
        {"age": np.arange(2.0), "level": np.array([10, 30])}, net(columns=2),
        categories={"level": {10: "low", 20: "middle", 30: "high"}},
    )  # fmt: skip
    np.testing.assert_array_equal(coded.inputs[:, 1], [10, 30])
    column = coded.columns[1]
    assert [column.words(v) for v in column.read({"": coded.inputs})] == ["low", "high"]
    hot = {"c=red": np.array([1, 0]), "age": np.array([3.0, 4.0]), "c=blue": np.array([0, 1])}
    merged = ks.load_table(hot, net(columns=3)).columns
    assert [(c.name, c.places, c.categories) for c in merged] == [
        ("c", (0, 2), ("red", "blue")), ("age", (1,), ()),
    ]  # fmt: skip
    x = {"": ks.load_table(hot, net(columns=3)).inputs}
    written = merged[0].write(x, np.array([1, 0]))[""]
    np.testing.assert_array_equal(written, [[0, 3, 1], [1, 4, 0]])


def test_the_middle_row_is_of_medians_and_most_frequent_categories() -> None:
    hot = {"c=a": [0, 1, 1], "c=b": [1, 0, 0], "age": [1.0, 9.0, 2.0]}
    found = ks.load_table({k: np.array(v) for k, v in hot.items()}, net(columns=3))
    np.testing.assert_array_equal(middle(found.columns, {"": found.inputs})[""], [[1, 0, 2]])


def test_the_background_is_drawn_by_seed_and_kept_by_slices() -> None:
    found = ks.load_table(table(100), net())
    rows, words = found.covers(seed=1)
    assert rows.shape == (64, 4)
    assert words == "64 of 100 rows of the table itself, which stands for training data"
    np.testing.assert_array_equal(rows, found.covers(seed=1)[0])
    assert (rows != found.covers(seed=2)[0]).any()
    assert found[:1].covers()[0].shape == (64, 4)
    given = ks.load_table(table(3), net(), background=table(9))
    assert given.covers()[1] == "9 of 9 rows of the background"


def test_what_is_no_table_is_left_alone() -> None:
    assert as_table(np.zeros((2, 4)), net()) is None
    assert as_table({"a": np.zeros((2, 4))}, net()) is None
    assert as_table({"text": np.array(["a film", "b"])}, net()) is None


BAD: list[tuple[Any, dict[str, Any], str]] = [
    ({"age": [1.0, np.nan, 2]}, {}, "column 'age' has no value in 1 of 3 rows, first in row 1"),
    ({"age": np.array(["a", None, ""], object)}, {}, "no value in 2 of 3 rows, first in row 1"),
    ({"age": [1.0], "b": [1.0, 2.0]}, {}, "differ in their number of rows"),
    ({"age": [1.0], "b": [2.0]}, {}, "has 2 columns for input '.*', which takes 4: age, b$"),
    ({**table(2), "x": [1, 2], "y": [1, 2]}, {}, "takes 4: .*; leave out what is no input: drop="),
    ({n: ["x"] for n in NAMES}, {}, "column 'age' holds words .*categories="),
    (table(), {"columns": ["age", "incom"]}, "column 'incom' not found; did you mean 'income'"),
    (table(), {"drop": "truth"}, "column 'truth' not found"),
    (np.zeros((3, 4)), {"columns": ["a"]}, "a name for every column"),
    ({**table(2), "age": ["f", "x"]}, {"categories": {"age": ["f", "m"]}},
     "column 'age': category 'x' is not known; known: f, m"),
    ({**table(2), "age": [0, 7]}, {"categories": {"age": ["f", "m"]}}, "category '7' is not known"),
    (table(), {"categories": {"sex": ["f"]}}, "categories: column 'sex' not found"),
    (table(), {"groups": {"g": ["age", "tall"]}}, "group 'g': column 'tall' not found"),
    (table(), {"groups": {"g": ["age", "weight"]}}, "group 'g' is not one-hot in row 0"),
    ({}, {}, "the table has no columns"),
    ({"age": []}, {}, "the table has no rows"),
    ({"age": np.array(["2020-01-01"], "datetime64[D]")}, {}, "must hold numbers or words"),
    (table(), {"background": {"age": [1.0]}}, "the background has no column 'income'"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "options", "words"), BAD)
def test_bad_tables_are_refused_in_one_line(source: Any, options: Any, words: str) -> None:
    source = {k: np.asarray(v) for k, v in source.items()} if isinstance(source, dict) else source
    with pytest.raises(ks.BadInput, match=words) as caught:
        ks.load_table(source, net(), **options)
    assert "\n" not in str(caught.value)


def test_bad_tables_of_dict_models() -> None:
    short = {k: v for k, v in people().items() if k != "sex"}
    with pytest.raises(ks.BadInput, match="no column 'sex', which the model takes"):
        ks.load_table(short, mixed())
    with pytest.raises(ks.BadInput, match="no input for column 'other'"):
        ks.load_table({**people(), "other": np.zeros(40)}, mixed())
    with pytest.raises(ks.BadInput, match="no input 'ages'; did you mean 'age'"):
        ks.load_table(people(), mixed(), columns={"ages": ["age"]})
    with pytest.raises(ks.BadInput, match="column 'years' not found"):
        ks.load_table(people(), columns={"age": "years"})
    with pytest.raises(ks.BadInput, match="'sex' must hold whole numbers"):
        ks.load_table({**people(), "sex": np.full(40, 0.5)}, mixed())


def test_bad_files(tmp_path: Path) -> None:
    for text, words in (
        ("a,b\n", "no rows below a heading"), ("a,a\n1,2\n", "'a' twice"),
        ("a,\n1,2\n", "without a name"), ("a,b\n1\n", "row 0 of 'x.csv' has 1 cells"),
    ):  # fmt: skip
        (tmp_path / "x.csv").write_text(text)
        with pytest.raises(ks.BadFile, match=words):
            ks.load_table(tmp_path / "x.csv")
    with pytest.raises(ks.BadFile, match=r"cannot read 'none\.csv'"):
        ks.load_table(tmp_path / "none.csv")
    (tmp_path / "x.csv").write_text("a,b\n1,NA\n2,3\n")
    with pytest.raises(ks.BadInput, match="column 'b' has no value in 1 of 2 rows"):
        ks.load_table(tmp_path / "x.csv")


def test_a_lookup_brings_its_vocabulary() -> None:
    if keras.backend.backend() == "jax":
        with pytest.raises(ks.Refused, match="'colour', and JAX cannot trace it"):
            ks.load_table({"age": [1.0], "colour": ["red"]}, worded())
        return
    model = worded()
    found = ks.load_table({"age": [1.0, 2.0], "colour": ["blue", "red"]}, model)
    assert found.words == (("colour", ("red", "green", "blue")),)
    np.testing.assert_array_equal(found.inputs["colour"], [[2], [0]])
    strange = ks.load_table({"age": [1.0], "colour": ["pink"]}, model)
    assert strange.notes == (
        "column 'colour': pink not in the model's vocabulary: read as unknown",
    )
    with pytest.raises(ks.BadInput, match="category 'pink' is not known; known: red, green, blue"):
        make_table({"age": [1.0], "colour": ["pink"]}, worded(spare=0))


def worded(spare: int = 1) -> Any:
    """A model that looks words up."""
    age = keras.Input((1,), name="age")
    colour = keras.Input((1,), name="colour", dtype="string")
    look = layers.StringLookup(vocabulary=["red", "green", "blue"], num_oov_indices=spare)
    flat = layers.Flatten()(layers.Embedding(4, 2)(look(colour)))
    return keras.Model([age, colour], layers.Dense(1)(layers.Concatenate()([age, flat])))


def test_single_values_by_input_are_columns_of_a_table() -> None:
    """As Keras takes them: arrays (row, 1) by name of the input."""
    keras.utils.set_random_seed(0)
    inputs = {
        "age": keras.Input((1,), name="age"),
        "city": keras.Input((1,), name="city", dtype="int32"),
        "income": keras.Input((1,), name="income"),
    }
    placed = keras.layers.Flatten()(keras.layers.Embedding(4, 3)(inputs["city"]))
    joined = keras.layers.Concatenate()([inputs["age"], inputs["income"], placed])
    model = keras.Model(inputs, keras.layers.Dense(1)(joined))
    rng = np.random.default_rng(1)
    columns = {
        "age": rng.random((6, 1)).astype("float32"),
        "income": rng.random((6, 1)).astype("float32"),
        "city": rng.integers(0, 4, (6, 1)).astype("int32"),
    }
    found = as_table(columns, model)
    assert found is not None
    assert {column.name for column in found.columns} == set(columns)
    assert len(found) == 6
    result = ks.explain(model, columns)
    assert result.method.name == "kernel_shap"
    flat = ks.explain(model, {name: column[:, 0] for name, column in columns.items()})
    assert np.allclose(result.by_column(), flat.by_column())
    one = {name: column[:1] for name, column in columns.items()}
    assert as_table(one, model) is None  # nothing to compare it with
    assert ks.explain(model, one).method.name == "integrated_gradients"
    assert as_table(columns | {"age": columns["age"][:3]}, model) is None
    assert as_table({"age": columns["age"]}, model) is None
