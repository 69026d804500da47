"""Class names come from files of several shapes and must match the model's output."""

from __future__ import annotations

import json

import numpy as np
import pytest

from kerascope.errors import BadFile, BadInput
from kerascope.loading.labels import check_count, imagenet_labels, one_of, read_labels


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.txt", "cat\nhot dog\n owl \n\n"),
        ("a.txt", "\ufeffcat\r\nhot dog\r\nowl\r\n"),
        ("a.json", '["cat", "hot dog", "owl"]'),
        ("a.json", '{"0": "cat", "2": "owl", "1": "hot dog"}'),
        ("a.json", '{"0": ["n01", "cat"], "1": ["n02", "hot dog"], "2": ["n03", "owl"]}'),
        ("a.json", '{"owl": 2, "cat": 0, "hot dog": 1}'),
        ("a.labels", '["cat", "hot dog", "owl"]'),
    ],
)
def test_files_of_every_shape(tmp_path, name, text):
    (tmp_path / name).write_text(text, encoding="utf-8", newline="")
    assert read_labels(tmp_path / name) == ("cat", "hot dog", "owl")
    assert read_labels(str(tmp_path / name)) == ("cat", "hot dog", "owl")


def test_sequences():
    assert read_labels(["a", "b"]) == ("a", "b")
    assert read_labels(np.array(["a", "b"])) == ("a", "b")
    assert read_labels(range(2)) == ("0", "1")
    assert read_labels({0: "a", 1: "b"}) == ("a", "b")


def test_names_of_several_outputs(tmp_path):
    (tmp_path / "a.json").write_text(
        '{"kind": ["cat", "dog"], "colour": {"1": "red", "0": "blue"}}'
    )
    found = read_labels(tmp_path / "a.json")
    assert found == {"kind": ("cat", "dog"), "colour": ("blue", "red")}
    (tmp_path / "colours.txt").write_text("blue\nred\n")
    assert read_labels({"kind": ["cat", "dog"], "colour": tmp_path / "colours.txt"}) == found
    with pytest.raises(BadInput, match="labels of output 'kind': expected a list of names"):
        read_labels({"kind": 3, "colour": ["blue"]})
    with pytest.raises(BadInput, match="one list is wanted here"):
        one_of(found)


@pytest.mark.parametrize("wrong", [7, [], [1.5], {"0": "a", "2": "b"}, {"x": "y"}, [None]])
def test_what_is_no_list_of_names(wrong):
    with pytest.raises(BadInput, match="expected a list of names"):
        read_labels(wrong)


def test_files_that_hold_no_names(tmp_path):
    (tmp_path / "empty.txt").write_text("\n\n")
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe\x00\x80")
    (tmp_path / "cut.json").write_text('["a", ')
    for name, words in (
        ("empty.txt", "is empty"),
        ("binary.txt", "not text"),
        ("cut.json", "not JSON"),
    ):
        with pytest.raises(BadFile, match=words):
            read_labels(tmp_path / name)
    with pytest.raises(BadFile, match=r"gone.txt' cannot be read"):
        read_labels(tmp_path / "gone.txt")


def test_the_count_is_checked(pretend):
    check_count(("a",) * 10, pretend())
    check_count(("no", "yes"), pretend(output=(None, 1)))
    check_count(("yes",), pretend(output=(None, 1)))
    check_count(("a", "b"), pretend(output=[(None, 3), (None, 2)]))
    check_count(("a", "b"), object())
    with pytest.raises(
        BadInput, match="3 class names were given, but the model's output has 10 values"
    ):
        check_count(("a", "b", "c"), pretend())


def test_imagenet_names_only_where_keras_has_them(tmp_path, monkeypatch, pretend):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert imagenet_labels(pretend(output=(None, 1000))) is None
    (tmp_path / "models").mkdir()
    names = {str(i): [f"n{i}", f"class {i}"] for i in range(1000)}
    (tmp_path / "models" / "imagenet_class_index.json").write_text(json.dumps(names))
    assert imagenet_labels(pretend(output=(None, 1000)))[999] == "class 999"
    assert imagenet_labels(pretend()) is None
    (tmp_path / "models" / "imagenet_class_index.json").write_text("{")
    assert imagenet_labels(pretend(output=(None, 1000))) is None
