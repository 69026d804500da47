"""`kerascope tcav`, `craft` and `probe`: what they write, and their errors in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import kerascope as ks
import zoo
from once import only_on

pytestmark = only_on("tensorflow")

Runner = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model, folders of pictures, and an empty one."""
    folder = tmp_path_factory.mktemp("files")
    zoo.SHAPES["rescaling_and_nested_base"]().model.save(folder / "model.keras")
    rng = np.random.default_rng(0)
    for name, count, light in (("dark", 6, 0), ("light", 6, 150), ("random", 24, 60)):
        (folder / "sets" / name).mkdir(parents=True)
        for k in range(count):
            pixels = rng.integers(0, 100, (24, 32, 3)) + light
            Image.fromarray(pixels.astype(np.uint8)).save(folder / "sets" / name / f"{k}.png")
    (folder / "empty").mkdir()
    return folder


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_tcav(cli: Runner, files: Path, tmp_path: Path) -> None:
    sets = files / "sets"
    code, out, err = cli(
        "tcav", files / "model.keras", sets / "dark", "-c", f"light={sets / 'light'}",
        "-c", f"other={sets / 'random'}", "-r", sets / "random", "-t", 1, "-l", "base/conv1",
        "-l", "relu", "--runs", 3, "-o", tmp_path,
    )  # fmt: skip
    assert code == 0, err
    assert names(tmp_path) == {"tcav.png", "tcav.safetensors", "report.html"}
    found = ks.TCAV.load(tmp_path / "tcav.safetensors")
    assert found.scores.shape == (2, 2, 3)
    assert f"light at base/conv1: TCAV {found.scores[0, 0].mean():.2f}" in out
    page = (tmp_path / "report.html").read_text()
    assert "Kim, Wattenberg" in page
    assert "significant" in page


def test_craft(cli: Runner, files: Path, tmp_path: Path) -> None:
    code, out, err = cli(
        "craft", files / "model.keras", files / "sets" / "dark", "-t", 0, "-l", "relu",
        "--concepts", 3, "--designs", 4, "-o", tmp_path, "--json",
    )  # fmt: skip
    assert code == 0, err
    told = json.loads(out)
    assert set(told["files"]) == names(tmp_path)
    assert {"concepts.png", "maps.png", "craft.safetensors"} < names(tmp_path)
    found = ks.Craft.load(tmp_path / "craft.safetensors")
    assert [row["importance"] for row in told["results"]] == [row[1] for row in found.table()]
    assert told["layer"] == "base/relu"
    assert "Fel, Picard" in (tmp_path / "report.html").read_text()


def test_probe(cli: Runner, files: Path, tmp_path: Path) -> None:
    code, out, err = cli("probe", files / "model.keras", files / "sets", "--most", 3,
                         "--shuffles", 1, "-o", tmp_path)  # fmt: skip
    assert code == 0, err
    assert names(tmp_path) == {"probe.png", "probe.safetensors", "report.html"}
    found = ks.Probes.load(tmp_path / "probe.safetensors")
    assert found.classes == ("dark", "light", "random")
    assert len(found.labels) == 36
    assert "accuracy" in out
    assert "0.667" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("tcav", "{m}", "{s}/dark", "-c", "light", "-r", "{s}/random", "-t", "0", "-l", "relu"),
         "not NAME=FOLDER"),
        (("tcav", "{m}", "{s}/dark", "-c", "a={f}/empty", "-r", "{s}/random", "-t", "0", "-l",
          "relu"), "concept 'a': folder 'empty' holds no pictures"),
        (("tcav", "{m}", "{s}/dark", "-c", "a={s}/light", "-r", "{s}/random", "-t", "9", "-l",
          "relu"), "9"),
        (("tcav", "{m}", "{s}/dark", "-c", "a={s}/none", "-r", "{s}/random", "-t", "0", "-l",
          "relu"), "none"),
        (("craft", "{m}", "{s}/dark", "-t", "0", "-l", "norm"), "has negative values"),
        (("craft", "{m}", "{s}/dark", "-t", "0", "-l", "conv9"), "conv9"),
        (("craft", "{m}", "{f}/empty", "-t", "0", "-l", "relu"), "holds no pictures"),
        (("probe", "{m}", "{s}/dark"), "'dark' holds 0 folders"),
        (("probe", "{m}", "{f}/none"), "is not a folder"),
        (("probe", "{m}", "{s}", "--pool", "max"), "pool='max'"),
    ],
)  # fmt: skip
def test_errors_are_one_line(
    cli: Runner, files: Path, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    places = {"m": files / "model.keras", "s": files / "sets", "f": files}
    code, _, err = cli(*(text.format(**places) for text in arguments), "-o", tmp_path)
    assert code == 2
    assert words in err
    assert err.startswith("kerascope: ")
    assert err.strip().count("\n") == 0
