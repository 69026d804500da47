"""CSV files on the command line of `explain`: rows of columns, texts, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import kerascope as ks
import pages
import text_nets
from kerascope.loading.given import samples_of
from once import only_on
from tabular.nets import NAMES, mixed, net, people, table

pytestmark = only_on("tensorflow")

Runner = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nets of columns and of texts, and their files."""
    folder = tmp_path_factory.mktemp("rows")
    net(2, activation="softmax").save(folder / "model.keras")
    frame = pd.DataFrame({**table(120), "truth": np.arange(120) % 2})
    frame.to_csv(folder / "rows.csv", index=False)
    (folder / "labels.txt").write_text("ill\nwell\n")
    mixed().save(folder / "mixed.keras")
    held = people()
    sexes = np.array(["f", "m"], dtype=object)[held["sex"]]
    pd.DataFrame({**held, "sex": sexes}).to_csv(folder / "people.tsv", index=False, sep="\t")
    text_nets.classifier("conv").save(folder / "text.keras")
    (folder / "words.txt").write_text("\n".join(text_nets.WORDS) + "\n")
    said = ["the film was boring", "a great plot", "a great, boring scene"]
    pd.DataFrame({"id": ["x", "y", "z"], "review": said, "class": [1, 0, 1]}).to_csv(
        folder / "reviews.csv", index=False
    )
    return folder


def test_rows_of_a_table_with_names_and_truths(cli: Runner, files: Path, tmp_path: Path) -> None:
    code, out, err = cli(
        "explain", files / "model.keras", files / "rows.csv", "--truth", "truth", "--rows", "0-3,7",
        "--labels", files / "labels.txt", "-o", tmp_path, "--no-grade",
    )  # fmt: skip
    assert code == 0, err
    assert "row 7  kernel_shap: logit of '" in out
    assert "64 of 120 rows of the table itself, which stands for training data" in out
    written = sorted(path.name for path in tmp_path.iterdir())
    assert written == ["report.html", "rows-kernel_shap.png", "rows-kernel_shap.safetensors"]
    document = pages.document((tmp_path / "report.html").read_text())
    assert [s["name"] for s in document["samples"]] == [f"row {i}" for i in (0, 1, 2, 3, 7)]
    assert [s["truth"] for s in document["samples"]] == ["ill", "well", "ill", "well", "well"]
    assert {m["kind"] for m in document["maps"]} == {"table"}
    assert document["samples"][0]["inputs"][0]["table"]["columns"] == list(NAMES)
    stored = ks.Attribution.load(tmp_path / "rows-kernel_shap.safetensors")
    assert [column.name for column in stored.columns] == list(NAMES)


@pytest.mark.parametrize("background", [(), ("--background", "rows.csv")])
def test_rows_are_replayed_with_what_they_were_compared_with(
    cli: Runner, files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    background: tuple[str, ...],
) -> None:  # fmt: skip
    monkeypatch.chdir(files)
    code, _, err = cli(
        "explain", "model.keras", "rows.csv", "--truth", "truth", "--rows", "3,7", *background,
        "-m", "kernel_shap", "-m", "integrated_gradients", "-o", tmp_path, "--no-grade",
    )  # fmt: skip
    assert code == 0, err
    for method in ("kernel_shap", "integrated_gradients"):
        file = tmp_path / f"rows-{method}.safetensors"
        code, out, err = cli("replay", file, "rows.csv", "--model", "model.keras", *background)
        assert code == 0, (out, err)
        assert out.count("bit for bit the same") == 2
    code, _, err = cli("replay", file, "--model", "model.keras")
    assert code == 2
    assert "give it again" in err


@pytest.mark.parametrize("method", ["kernel_shap", "integrated_gradients"])
def test_rows_of_an_array_are_rows_of_a_table(
    cli: Runner, files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    monkeypatch.chdir(files)
    columns = table(120)
    np.save("rows.npy", np.stack([columns[name] for name in NAMES], axis=1))
    asked = ("-m", method, "--rows", "3,7", "--no-grade", "--json")
    told = []
    for file in ("rows.npy", "rows.csv"):
        drop = () if file == "rows.npy" else ("--drop", "truth")
        code, out, err = cli("explain", "model.keras", file, *drop, *asked, "-o", tmp_path / file)
        assert code == 0, err
        told.append([row["scores"] for row in json.loads(out)["results"]])
    assert np.allclose(told[0], told[1], rtol=1e-5)
    file = tmp_path / "rows.npy" / f"rows-{method}.safetensors"
    assert ks.Attribution.load(file).columns[0].name == "feature 0"
    code, out, err = cli("replay", file, "rows.npy", "--model", "model.keras")
    assert code == 0, (out, err)
    assert out.count("bit for bit the same") == 2


@pytest.mark.parametrize("words", [True, False])
def test_ids_of_an_array_are_texts(
    cli: Runner, files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: bool
) -> None:
    monkeypatch.chdir(files)
    said = [[text_nets.word(w) for w in ["the", "film", "was", "boring"]] + [0] * 6]
    np.save("ids.npy", said)
    named = ("--vocabulary", "words.txt") if words else ()
    code, _, err = cli(
        "explain", "text.keras", "ids.npy", *named, "-m", "integrated_gradients", "-o", tmp_path,
        "--no-grade",
    )  # fmt: skip
    assert code == 0, err
    document = pages.document((tmp_path / "report.html").read_text())
    assert document["maps"][0]["place"] == ("'boring'" if words else f"'#{said[0][3]}'")
    (file,) = tmp_path.glob("*.safetensors")
    code, out, err = cli("replay", file, "ids.npy", "--model", "text.keras")
    assert code == 0, (out, err)
    assert "bit for bit the same" in out


def test_of_many_rows_of_ids_it_is_said_which_are_taken(tmp_path: Path) -> None:
    np.save(tmp_path / "ids.npy", np.full((5, 10), text_nets.word("film")))
    net = text_nets.classifier("conv")
    found = samples_of(net, [str(tmp_path / "ids.npy")], most=3)
    assert (len(found), found.notes) == (3, ("the first 3 of 5 texts are taken",))
    assert samples_of(net, [str(tmp_path / "ids.npy")], most=5).notes == ()


def test_several_inputs_words_and_grades(cli: Runner, files: Path, tmp_path: Path) -> None:
    code, out, err = cli(
        "explain", files / "mixed.keras", files / "people.tsv", "--categories", "sex=f,m",
        "--rows", "0,2", "-m", "kernel_shap", "-m", "feature_ablation", "-o", tmp_path, "--json",
    )  # fmt: skip
    assert code == 0, err
    told = json.loads(out)["results"]
    assert [(row["picture"], row["method"]) for row in told] == [
        ("row 0", "kernel_shap"), ("row 2", "kernel_shap"),
        ("row 0", "feature_ablation"), ("row 2", "feature_ablation"),
    ]  # fmt: skip
    assert all(row["grade"] for row in told)
    assert told[0]["grade"] != told[1]["grade"] or told[2]["grade"] != told[3]["grade"]
    assert "of 4 columns: " in told[0]["sentences"][0]
    document = pages.document((tmp_path / "report.html").read_text())
    row = document["samples"][0]["inputs"][0]["table"]
    assert row["cells"][row["columns"].index("sex")] in ("f", "m")
    assert all(one["grade"] for one in document["maps"])


def test_more_rows_than_are_explained(cli: Runner, files: Path, tmp_path: Path) -> None:
    code, out, err = cli(
        "explain", files / "model.keras", files / "rows.csv", "--drop", "truth", "-m",
        "feature_ablation", "-o", tmp_path, "--no-grade",
    )  # fmt: skip
    assert code == 0, err
    assert "the first 100 of 120 rows are taken: --rows says which" in out
    assert len(pages.document((tmp_path / "report.html").read_text())["samples"]) == 100


def test_texts_of_a_column(cli: Runner, files: Path, tmp_path: Path) -> None:
    code, _, err = cli(
        "explain", files / "text.keras", files / "reviews.csv", "--vocabulary", files / "words.txt",
        "--truth", "class", "--rows", "0,2", "-o", tmp_path, "--no-grade",
    )  # fmt: skip
    assert code == 0, err
    document = pages.document((tmp_path / "report.html").read_text())
    texts = [s["inputs"][0]["text"]["text"] for s in document["samples"]]
    assert texts == ["the film was boring", "a great, boring scene"]
    assert [s["truth"] for s in document["samples"]] == ["class 1", "class 1"]
    assert document["maps"][0]["place"] == "'boring'"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("model.keras", "rows.csv"), "the table has 5 columns for input"),
        (("model.keras", "rows.csv", "--drop", "truth", "--rows", "500"), "row 500 is not there"),
        (("model.keras", "rows.csv", "--rows", "x"), "'x' names no rows"),
        (("model.keras", "rows.csv", "--truth", "trut"), "column 'trut' not found"),
        (("model.keras", "rows.csv", "a.png"), "a table is read alone"),
        (("model.keras", "a.png", "--rows", "3"), "--rows is for a table"),
        (("mixed.keras", "people.tsv", "--categories", "sex"), "must read COLUMN=word,word,…"),
        (("text.keras", "reviews.csv", "--vocabulary", "words.txt", "--column", "no"),
         "'no' not found"),
        (("text.keras", "people.tsv", "--vocabulary", "words.txt", "--truth", "sex"),
         "which column holds the texts is not clear"),
    ],
)  # fmt: skip
def test_one_line_where_it_cannot_be(
    cli: Runner, files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[Any, ...], words: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(files)
    code, _, err = cli("explain", *arguments, "-o", tmp_path)
    assert code == 2
    assert words in " ".join(err.split()), err
    assert "Traceback" not in err
