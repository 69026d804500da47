"""Tables, series, ids and several inputs arrive as arrays that fit, or as one clear line."""

from __future__ import annotations

import numpy as np
import pytest

from kerascope.errors import BadFile, BadInput
from kerascope.loading import load_inputs


def test_arrays_keep_integers_and_become_float32(pretend):
    ids = load_inputs(np.array([[1, 2, 3]]), pretend((None, 3)))
    assert ids.dtype.kind == "i"
    series = load_inputs(np.ones((2, 5, 1)), pretend((None, None, 1)))
    assert (series.dtype, series.shape) == (np.float32, (2, 5, 1))
    assert load_inputs([[True, False]]).dtype == np.float32


def test_shapes_are_checked_against_the_model(pretend):
    with pytest.raises(
        BadInput, match=r"samples of shape \(4,\) do not fit the model, which takes 3"
    ):
        load_inputs(np.zeros((2, 4)), pretend((None, 3)))
    with pytest.raises(BadInput, match="which takes any×1"):
        load_inputs(np.zeros((2, 4)), pretend((None, None, 1)))
    with pytest.raises(BadInput, match="holds no samples"):
        load_inputs(np.zeros((0, 3)), pretend((None, 3)))
    with pytest.raises(BadInput, match="NaN or infinite"):
        load_inputs(np.array([[np.nan]]))


def test_files(tmp_path, pretend):
    np.save(tmp_path / "a.npy", np.ones((2, 3)))
    assert load_inputs(tmp_path / "a.npy", pretend((None, 3))).shape == (2, 3)
    two = pretend({"left": (None, 3), "right": (None, 2)})
    np.savez(tmp_path / "b.npz", left=np.ones((4, 3)), right=np.ones((4, 2)))
    assert load_inputs(tmp_path / "b.npz", two)["right"].shape == (4, 2)
    with pytest.raises(BadFile, match=r"'a.csv' is not an array file \(.npy, .npz\)"):
        load_inputs(tmp_path / "a.csv")


def test_several_inputs_by_name(pretend):
    two = pretend({"left": (None, 3), "right": (None, 2)})
    good = {"left": np.ones((4, 3)), "right": np.ones((4, 2))}
    assert load_inputs(good, two)["left"].dtype == np.float32
    assert load_inputs(good, two, limit=2)["left"].shape == (2, 3)
    with pytest.raises(BadInput, match=r"no input 'rigth'; did you mean 'right'\?"):
        load_inputs({"left": good["left"], "rigth": good["right"]}, two)
    with pytest.raises(BadInput, match="input 'right' of the model is missing"):
        load_inputs({"left": good["left"]}, two)
    with pytest.raises(BadInput, match="different numbers of samples"):
        load_inputs({"left": good["left"][:2], "right": good["right"]}, two)
    with pytest.raises(BadInput, match="input 'right': samples of shape"):
        load_inputs({"left": good["left"], "right": good["left"]}, two)
    with pytest.raises(BadInput, match="several inputs; give a dict of arrays named left, right"):
        load_inputs(good["left"], two)


def test_data_frames(pretend):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"age": [1, 2], "fare": [0.5, 1.5], "name": ["a", "b"]})
    values = load_inputs(frame[["age", "fare"]], pretend((None, 2)))
    assert values.tolist() == [[1, 0.5], [2, 1.5]]
    with pytest.raises(BadInput, match="column 'name' of the data frame holds no numbers"):
        load_inputs(frame)
    by_name = load_inputs(frame[["age", "fare"]], pretend({"fare": (None, 1), "age": (None, 1)}))
    assert by_name["age"].tolist() == [[1], [2]]
    assert by_name["fare"].tolist() == [[0.5], [1.5]]


def test_generators_of_batches(pretend):
    batches = ((np.ones((2, 3)), 0) for _ in range(2))
    assert load_inputs(batches, pretend((None, 3))).shape == (4, 3)
