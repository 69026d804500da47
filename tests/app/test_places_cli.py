"""Segmentations and detectors on the command line: places in words, masks, box formats."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import places_nets
from once import only_on

pytestmark = only_on("torch")

Call = Callable[..., tuple[int, str, str]]


def saved(folder: Path, kind: str) -> tuple[str, str, str]:
    """Save a net, a picture and its labels; return their paths."""
    case = getattr(places_nets, kind)()
    net = case.net if kind == "segmentation" else case.grid
    net.save(folder / "net.keras")
    pixels = np.clip(case.x[0] * 255, 0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(folder / "a.png")
    names = places_nets.example(kind).LABELS
    (folder / "labels.txt").write_text("\n".join(names), encoding="utf-8")
    return str(folder / "net.keras"), str(folder / "a.png"), str(folder / "labels.txt")


def explained(cli: Call, tmp_path: Path, kind: str, *more: Any) -> tuple[int, str, str]:
    model, picture, labels = saved(tmp_path, kind)
    return cli(
        "explain", model, picture, "--labels", labels, "--preprocess", "unit", "--no-grade",
        "--json", "-o", tmp_path / "out", *more,
    )  # fmt: skip


def words(found: tuple[int, str, str]) -> str:
    code, out, err = found
    assert code == 0, err
    (row,) = json.loads(out)["results"]
    return f"{row['method']}: {row['explained']}"


def test_segmentation(cli: Call, tmp_path: Path) -> None:
    found = explained(cli, tmp_path, "segmentation")
    said = words(found)
    (row,) = json.loads(found[1])["results"]
    assert [(area["label"], area["share"]) for area in row["areas"]] == [
        ("tank", 0.125), ("background", 0.875),
    ]  # fmt: skip
    assert said.startswith("seg_grad_cam: mean logit of 'tank' over its predicted area (")
    assert (tmp_path / "out" / "report.html").exists()
    assert (tmp_path / "out" / "a-seg_grad_cam.png").exists()


@pytest.mark.parametrize(
    ("target", "start"),
    [
        ("background@area", "mean logit of 'background' over its predicted area"),
        ("truck@40,20", "logit of 'truck' at point (40, 20)"),
    ],
)
def test_places_in_words(cli: Call, tmp_path: Path, target: str, start: str) -> None:
    assert (
        words(explained(cli, tmp_path, "segmentation", "-t", target))
        .split(": ")[1]
        .startswith(start)
    )


def test_masks(cli: Call, tmp_path: Path) -> None:
    large = np.zeros((64, 96), np.uint8)  # twice the picture
    large[:16] = 255
    Image.fromarray(large).save(tmp_path / "sky.png")
    options = ("-t", "background@mask", "--mask", tmp_path / "sky.png")
    said = words(explained(cli, tmp_path, "segmentation", *options))
    assert "mean logit of 'background' over the region (" in said
    Image.fromarray(large[:, :50]).save(tmp_path / "wrong.png")
    Image.fromarray(large * 0).save(tmp_path / "black.png")
    for file, reason in (
        ("wrong.png", "mask 'wrong.png' is 50 × 64 (width × height); it must have the proportions"),
        ("black.png", "mask 'black.png' is black everywhere"),
        ("none.png", "does not exist"),
    ):
        code, _, err = explained(cli, tmp_path, "segmentation", "--mask", tmp_path / file)
        assert code == 2
        assert reason in " ".join(err.split())
        assert "Traceback" not in err


def test_detector(cli: Call, tmp_path: Path) -> None:
    text = places_nets.example("detection").FORMAT
    case = places_nets.detection()
    options = ("--boxes", text, "-m", "d_rise:masks=100")
    found = explained(cli, tmp_path, "detection", *options)
    said = words(found)
    x0, y0, x1, y1 = case.boxes[0, 0].astype(int)
    kind = case.labels[case.kinds[0, 0]]
    assert f"similarity to box {y0 // 8 * 8 + x0 // 8} of '{kind}' at (" in said
    assert f"{x0}, {y0}, {x1}, {y1}" in said
    (row,) = json.loads(found[1])["results"]
    assert [box["label"] for box in row["boxes"]] == [case.labels[k] for k in case.kinds[0]]
    code, _, err = explained(cli, tmp_path, "detection", "-t", "detection")
    assert code == 2
    assert "or a box format for one output; the model has" in " ".join(err.split())
    code, _, err = explained(cli, tmp_path, "detection", "--boxes", "corners")
    assert code == 2
    assert "box format 'corners' is not known" in " ".join(err.split())
