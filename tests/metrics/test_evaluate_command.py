"""`kerascope evaluate`: table, files and one-line errors."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import zoo
from kerascope.metrics import Evaluation
from once import only_on

pytestmark = only_on("torch")

Runner = Callable[..., tuple[int, str, str]]
QUICK = ("-m", "gradient", "-m", "grad_cam", "--metric", "deletion", "--metric", "sparseness")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model, three pictures of 24 × 32, boxes and masks."""
    folder = tmp_path_factory.mktemp("files")
    zoo.SHAPES["rescaling_and_nested_base"]().model.save(folder / "model.keras")
    (folder / "pictures").mkdir()
    (folder / "masks").mkdir()
    for k in range(3):
        pixels = np.random.default_rng(k).integers(0, 255, (24, 32, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "pictures" / f"p{k}.png")
        mask = np.zeros((24, 32), np.uint8)
        mask[4:12, 8:16] = 255
        Image.fromarray(mask).save(folder / "masks" / f"p{k}.png")
    halves = [[8, 4, 12, 12], [12, 4, 16, 12]]
    boxes = {"p0.png": [8, 4, 16, 12], "p1": [[8, 4, 16, 12]], "p2.png": halves}
    (folder / "boxes.json").write_text(json.dumps(boxes))
    return folder


def test_table_and_files(cli: Runner, files: Path, tmp_path: Path) -> None:
    code, out, err = cli(
        "evaluate", files / "model.keras", files / "pictures", *QUICK, "-o", tmp_path
    )
    assert code == 0, err
    assert "Deletion ↓" in out
    assert "random map" in out
    with (tmp_path / "evaluation.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["method"] for row in rows} >= {"gradient", "grad_cam", "centre map"}
    found = Evaluation.load(tmp_path / "evaluation.safetensors")
    assert found.samples == ("p0", "p1", "p2")
    mean = found.mean("gradient", "deletion").value
    assert float(rows[0]["mean"]) == pytest.approx(mean)
    page = (tmp_path / "report.html").read_text()
    assert "How far can these methods be trusted?" in page


def test_boxes_and_masks_say_the_same(cli: Runner, files: Path, tmp_path: Path) -> None:
    values = []
    for where in (("--boxes", files / "boxes.json"), ("--masks", files / "masks")):
        code, out, err = cli(
            "evaluate", files / "model.keras", files / "pictures", "-m", "gradient", "--metric",
            "relevance_mass", *where, "--no-controls", "--json", "-o", tmp_path,
        )  # fmt: skip
        assert code == 0, err
        told = json.loads(out)
        assert [row["method"] for row in told["results"]] == ["gradient"]
        values.append(Evaluation.load(tmp_path / "evaluation.safetensors").values)
    assert np.allclose(values[0], values[1])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--metric", "pointing_game"), "give masks= or boxes="),
        (("--metric", "nope"), "metric 'nope' not found"),
        (("-m", "nope"), "method 'nope' not found"),
        (("--boxes", "nope.json"), "cannot read the boxes in 'nope.json'"),
        (("--masks", "nowhere"), "holds no mask 'p0.png'"),
        (("--boxes", "a", "--masks", "b"), "both given"),
        (("--score", "loss"), "score='loss'"),
        (("-t", "9"), "out of range"),
    ],
)
def test_errors_are_one_line(
    cli: Runner, files: Path, tmp_path: Path, arguments: tuple[Any, ...], words: str
) -> None:
    code, _, err = cli(
        "evaluate", files / "model.keras", files / "pictures", *arguments, "-o", tmp_path
    )
    assert code == 2
    assert words in err
    assert err.strip().count("\n") == 0


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"p0.png": [0, 0, 4, 4]}, "name no picture 'p1.png'"),
        ({"p0.png": [0, 0, 40, 4]}, "does not lie in 'p0.png', which is 32 × 24"),
        ({"p0.png": "all"}, "are not [x0, y0, x1, y1]"),
        ([1], "must hold an object"),
    ],
)
def test_bad_boxes_are_named(
    cli: Runner, files: Path, tmp_path: Path, content: Any, words: str
) -> None:
    (tmp_path / "b.json").write_text(json.dumps(content))
    code, _, err = cli(
        "evaluate", files / "model.keras", files / "pictures", "--metric", "relevance_mass",
        "--boxes", tmp_path / "b.json", "-o", tmp_path,
    )  # fmt: skip
    assert code == 2
    assert words in err
