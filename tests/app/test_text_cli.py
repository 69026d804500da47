"""Texts on the command line: files, words with values, and one line where they cannot be."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import text_nets

Runner = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a classifier that hangs on "boring", its words, labels and two texts."""
    folder = tmp_path_factory.mktemp("texts")
    text_nets.classifier("conv").save(folder / "model.keras")
    (folder / "words.txt").write_text("\n".join(text_nets.WORDS) + "\n")
    (folder / "labels.txt").write_text("lively\ndull\n")
    (folder / "texts.txt").write_text("The film was boring.\n\nA great <b>film</b>!\n")
    return folder


def test_a_file_and_a_text(cli: Runner, files: Path, tmp_path: Path) -> None:
    code, out, err = cli(
        "explain", files / "model.keras", files / "texts.txt", "--text", "very boring",
        "--vocabulary", files / "words.txt", "--labels", files / "labels.txt", "-o", tmp_path,
        "--no-grade",
    )  # fmt: skip
    assert code == 0, err
    assert "integrated_gradients: logit of 'dull'" in out
    assert "baseline: the embedding of the padding (id 0)" in out
    ends = sorted(path.suffix for path in tmp_path.iterdir())
    assert ends == [".html", *[".png"] * 3, *[".safetensors"] * 3]
    page = (tmp_path / "report.html").read_text()
    assert "in 1 of 4 words: 'boring'" in page or "in 1 of 4 words: &#39;boring&#39;" in page


def test_json_lists_tokens_with_values(cli: Runner, files: Path, tmp_path: Path) -> None:
    code, out, err = cli(
        "explain", files / "model.keras", "--text", "The film was boring.", "-m", "kernel_shap",
        "--vocabulary", files / "words.txt", "-t", "1", "-o", tmp_path, "--no-grade", "--json",
    )  # fmt: skip
    assert code == 0, err
    row = json.loads(out)["results"][0]
    assert row["text"] == "The film was boring."
    assert row["words"] == ["The", "film", "was", "boring"]
    assert [token["token"] for token in row["tokens"]] == ["the", "film", "was", "boring"]
    assert row["tokens"][3]["span"] == [13, 19]
    strongest = max(row["tokens"], key=lambda token: token["values"][0])
    assert strongest["token"] == "boring"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "nothing to read: give pictures, a .txt or .csv file, or --text"),
        (("--text", "film"), "how texts become ids is not known"),
        (("--text", " ", "--vocabulary", "words.txt"), "text 0 is empty"),
        (("--text", "film", "--vocabulary", "none.txt"), "cannot read"),
        (("--vocabulary", "words.txt"), "--vocabulary and --length are for texts"),
        (("texts.txt", "a.png", "--vocabulary", "words.txt"), "'a.png' is no text"),
        (("--text", "film", "--vocabulary", "words.txt", "--length", "3"), "length=3 does not fit"),
    ],
)
def test_one_line_where_it_cannot_be(
    cli: Runner, files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[Any, ...], words: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(files)
    code, _, err = cli("explain", files / "model.keras", *arguments, "-o", tmp_path)
    assert code == 2
    last = err.strip().splitlines()[-1]
    assert words in " ".join(err.split()), err
    assert "Traceback" not in err
    assert last


def test_a_note_is_told_once(cli: Runner, files: Path, tmp_path: Path) -> None:
    text = "the film was good " * 40
    words = ("--text", text, "--vocabulary", files / "words.txt", "-m", "gradient", "--no-grade")
    code, out, _ = cli("explain", files / "model.keras", *words, "-o", tmp_path / "out")
    assert code == 0
    assert out.count("are cut off") == 1
