"""`kerascope maximize`: what it writes, and its errors in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import zoo
from kerascope.inside.maximize import Visualization
from once import only_on

pytestmark = only_on("torch")

Runner = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a nested model and a picture."""
    folder = tmp_path_factory.mktemp("files")
    zoo.SHAPES["rescaling_and_nested_base"]().model.save(folder / "model.keras")
    pixels = np.random.default_rng(0).integers(0, 255, (24, 32, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(folder / "a.png")
    return folder


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_sheet_of_all_classes(cli: Runner, files: Path, tmp_path: Path) -> None:
    code, out, err = cli(
        "maximize", files / "model.keras", "--classes", "all", "--steps", 5, "-o", tmp_path
    )
    assert code == 0, err
    assert {"sheet.png", "maximize.safetensors", "report.html"} <= names(tmp_path)
    assert sum(name.startswith("logit_of_class") for name in names(tmp_path)) == 3
    found = Visualization.load(tmp_path / "maximize.safetensors")
    assert len(found) == 3
    with Image.open(next(tmp_path.glob("logit_of_class_0*.png"))) as picture:
        assert np.array_equal(np.asarray(picture), found.image[0])
    page = (tmp_path / "report.html").read_text()
    assert "a picture that maximises the logit of class 1" in page
    assert "logit of class 2" in out


def test_json_film_and_channels(cli: Runner, files: Path, tmp_path: Path) -> None:
    code, out, err = cli(
        "maximize", files / "model.keras", "--layer", "conv1", "-c", 0, "-c", 2, "--steps", 4,
        "--count", 2, "--kind", "maco", "--animate", "gif", "--json", "-o", tmp_path,
    )  # fmt: skip
    assert code == 0, err
    told = json.loads(out)
    assert len(told["results"]) == 4
    assert told["steps"] == 4
    assert "unit 2 of layer 'base/conv1'" in told["results"][2]["explained"]
    assert set(told["files"]) == names(tmp_path)
    assert sum(name.endswith(".gif") for name in told["files"]) == 4


def test_deep_dream_starts_from_a_picture(cli: Runner, files: Path, tmp_path: Path) -> None:
    code, out, err = cli(
        "maximize", files / "model.keras", "--layer", "conv1", "--start", files / "a.png",
        "--steps", 3, "-o", tmp_path,
    )  # fmt: skip
    assert code == 0, err
    assert "mean square of layer 'base/conv1'" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "nothing to maximise"),
        (("-c", 1), "--channel is of a layer"),
        (("-t", "9"), "class 9 is out of range"),
        (("-t", "0", "-k", "wavelet"), "kind 'wavelet' is not known"),
        (("-t", "0", "--animate", "mp4"), "--animate mp4"),
        (("--classes", "a-b"), "not understood"),
        (("--classes", "all", "-t", "1"), "stands alone"),
        (("-l", "nope"), "nope"),
    ],
)
def test_errors_are_one_line(
    cli: Runner, files: Path, tmp_path: Path, arguments: tuple[Any, ...], words: str
) -> None:
    code, _, err = cli("maximize", files / "model.keras", *arguments, "-o", tmp_path)
    assert code == 2
    assert words in err
    assert err.strip().count("\n") == 0
