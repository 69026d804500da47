"""Shares in words, pictures and documents; several inputs from files and from the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

import kerascope as ks
from kerascope.hooks import HookedModel
from kerascope.plot.maps import cells_of, maps_of
from kerascope.plot.parts import beside_of, beside_picture
from kerascope.plot.words import sentence
from kerascope.report.document import document_of
from mixed_nets import COLUMNS, WORDS, mixed, mixed_inputs

Runner = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a mixed model, pictures, columns, words, texts and a vocabulary."""
    folder = tmp_path_factory.mktemp("mixed")
    model, given = mixed(), mixed_inputs()
    model.save(folder / "model.keras")
    (folder / "scans").mkdir()
    for i, picture in enumerate(given["image"]):
        Image.fromarray((picture * 255).round().astype("uint8")).save(folder / f"scans/{i}.png")
    rows = [",".join(COLUMNS), *(",".join(f"{v:.3f}" for v in row) for row in given["facts"])]
    (folder / "facts.csv").write_text("\n".join(rows))
    (folder / "notes.txt").write_text("\n".join(given["text"]))
    (folder / "words.txt").write_text("\n".join(WORDS) + "\n")
    return folder


def loaded(files: Path, **changes: Any) -> Any:
    sources = {"image": files / "scans", "facts": files / "facts.csv", "text": files / "notes.txt"}
    model = mixed()
    inputs = ks.load_several(
        {**sources, **changes}, model, vocabulary=files / "words.txt", preprocess="unit"
    )
    return model, inputs


def test_files_become_one_input_each(files: Path) -> None:
    model, inputs = loaded(files)
    given = mixed_inputs()
    assert inputs.names == ("0", "1")
    assert np.allclose(inputs.inputs["image"], given["image"], atol=1 / 255)
    assert np.allclose(inputs.inputs["facts"], given["facts"], atol=1e-3)
    assert [column.name for column in inputs.features["facts"]] == list(COLUMNS)
    assert inputs.features["text"][0].tokens[2] == "broken"
    one = ks.explain(HookedModel(model, compiled=False), inputs[1:2], shares=True)
    item = next(m for m in maps_of(one) if m.input == "facts")
    assert cells_of(one, 0)[2] == "1"
    assert "of all evidence lies in input 'facts' (Shapley value" in sentence(one, item)
    entries = {m["input"]: m for m in document_of([one])["maps"]}
    assert np.isclose(sum(m["portion"] for m in entries.values()), 1, atol=1e-5)
    assert np.isclose(entries["image"]["worth"], 2, atol=0.01)
    assert entries["facts"]["kind"] == "table"
    assert entries["facts"]["base"] is None  # the other inputs add to the score, too
    drawn = one.plot()
    said = [t.get_text() for axes in drawn.axes for t in axes.texts]
    assert any("dose = 1" in words for words in said)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"picture": "scans"}, "no input 'picture'"),
        ({"facts": np.zeros((3, 3))}, "differ in their number of samples"),
        ({"text": "notes.pdf"}, "differ in their number|no .csv"),
        ({"image": Path("nowhere.png")}, "does not exist"),
    ],
)
def test_a_wrong_file_is_one_clear_line(files: Path, changes: Any, words: str) -> None:
    with pytest.raises(ks.KerascopeError, match=words) as caught:
        loaded(files, **changes)
    assert "\n" not in str(caught.value)


def rows(cli: Runner, *words: Any) -> list[dict[str, Any]]:
    """Return the results that the command prints."""
    code, out, err = cli("explain", *words, "--no-grade", "--json")
    assert code == 0, err
    return json.loads(out)["results"]


def refused(cli: Runner, *words: Any) -> str:
    code, _, err = cli("explain", *words)
    assert code == 2
    return err


def test_the_command_takes_inputs_by_name(cli: Runner, files: Path, tmp_path: Path) -> None:
    model = files / "model.keras"
    named = [f"image={files / 'scans'}", f"facts={files / 'facts.csv'}",
             f"text={files / 'notes.txt'}"]  # fmt: skip
    options = ["--vocabulary", files / "words.txt", "--preprocess", "unit",
               "-o", tmp_path, "-t", "value"]  # fmt: skip
    found = rows(cli, model, *named, *options)
    assert np.isclose(found[0]["input_values"]["image"], 2, atol=0.01)
    assert set(found[0]["shares"]) == {"image", "facts", "text"}
    assert {"report.html", "0-integrated_gradients.png"} <= {p.name for p in tmp_path.iterdir()}
    assert "'text' of the model is missing" in refused(cli, model, *named[:2], *options)
    assert "say which is which, as image=FILE" in refused(cli, model, files / "scans", *options)
    assert "given twice" in refused(cli, model, *named, named[0], *options)


def copier() -> keras.Model:
    """Return an autoencoder that gives every picture back but for the upper left pixel."""
    i = keras.Input((4, 6, 1), name="digit")
    kept = layers.Dense(24, use_bias=False, name="copy")(layers.Flatten()(i))
    model = keras.Model(i, layers.Reshape((4, 6, 1))(kept))
    weights = np.eye(24, dtype="float32")
    weights[0, 0] = 0
    model.get_layer("copy").set_weights([weights])
    return model


def test_a_reconstruction_and_its_error_stand_beside_the_map() -> None:
    x = np.full((1, 4, 6, 1), 0.5, "float32")
    model = copier()
    found = ks.explain(model, x, target="reconstruction")
    assert found.method.name == "integrated_gradients"
    assert found.single_map()[0].argmax() == 0
    item = maps_of(found)[0]
    made, off = beside_of(found, item)
    assert (made.words, off.words) == ("reconstruction", "reconstruction error")
    assert beside_picture(found, item, made).shape == (4, 6, 3)
    assert off.values.argmax() == 0
    entry = document_of([found])["maps"][0]
    assert [part["words"] for part in entry["beside"]] == [made.words, off.words]
    titles = [axes.get_title() for axes in found.plot().axes]
    assert {made.words, off.words} <= set(titles)


def test_the_command_says_values_and_files_in_words(cli: Runner, tmp_path: Path) -> None:
    model = copier()
    model.save(tmp_path / "auto.keras")
    one, other = tmp_path / "one.png", tmp_path / "other.png"
    Image.fromarray(np.full((4, 6), 128, "uint8")).save(one)
    Image.fromarray(np.arange(24, dtype="uint8").reshape(4, 6) * 10).save(other)
    options = ["--preprocess", "unit", "-o", tmp_path / "out"]
    said = {}
    for target in ("reconstruction-mae", f"like {other} by distance", "value-3 vs 0.1"):
        words = ["-m", "gradient", "-t", target] if target[0] != "r" else ["-t", target]
        row = rows(cli, tmp_path / "auto.keras", one, *words, *options)
        said[target[:4]] = row[0]["explained"]
    assert said["reco"].startswith("mean absolute error of the reconstruction (0.0209")
    assert said["like"].startswith("minus the distance from 'other'")
    assert said["valu"].startswith("change of value 3 of output")


def test_a_reference_for_each_sample(cli: Runner, tmp_path: Path) -> None:
    i = keras.Input((4, 4, 3))
    model = keras.Model(i, layers.Dense(5)(layers.Flatten()(layers.Conv2D(2, 3)(i))))
    model.save(tmp_path / "emb.keras")
    rng = np.random.default_rng(0)
    x, others = (rng.uniform(size=(3, 4, 4, 3)).astype("float32") for _ in range(2))
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "others.npy", others)
    words = ("-t", f"like {tmp_path / 'others.npy'}", "-m", "gradient", "-o", tmp_path / "out")
    code, out, _ = cli("explain", tmp_path / "emb.keras", tmp_path / "x.npy", *words, "--json")
    assert code == 0
    found = json.loads(out)["results"]
    whole = ks.explain(model, x, "gradient", target=ks.Similarity(others), grade=True)
    assert [row["scores"] for row in found] == pytest.approx(whole.scores.tolist(), rel=1e-4)
    assert not any(note.startswith("not graded") for note in whole.notes)
    assert whole.grade is not None
    assert [row["grade"]["letter"] for row in found] == [one.letter for one in whole.grade]
    np.save(tmp_path / "others.npy", others[:2])
    code, _, err = cli("explain", tmp_path / "emb.keras", tmp_path / "x.npy", *words)
    assert code == 2
    assert "the reference holds 2 samples" in err


def test_labels_of_several_pictures_join(cli: Runner, tmp_path: Path) -> None:
    i = keras.Input((2, 2, 1))
    model = keras.Model(i, layers.Dense(4, activation="sigmoid")(layers.Flatten()(i)))
    model.layers[-1].set_weights([np.eye(4, dtype="float32") * 4, np.full(4, -1, "float32")])
    model.save(tmp_path / "labels.keras")
    for name, bright in (("a", 1), ("b", 3)):
        values = np.zeros(4, "uint8")
        values[:bright] = 255
        Image.fromarray(values.reshape(2, 2)).save(tmp_path / f"{name}.png")
    found = rows(cli, tmp_path / "labels.keras", tmp_path / "a.png", tmp_path / "b.png",
                 "-t", "predicted", "-m", "gradient", "--preprocess", "unit",
                 "-o", tmp_path / "out")  # fmt: skip
    assert [len(row["explained"]) for row in found] == [3, 3]
