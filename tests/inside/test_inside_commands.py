"""The commands that look inside: what they write, and their errors in one line."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import zoo
from kerascope.inside.activations import Activations
from kerascope.inside.architecture import Architecture
from kerascope.inside.filters import Filters
from once import only_on

pytestmark = only_on("torch")

Runner = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a nested model and three pictures."""
    folder = tmp_path_factory.mktemp("files")
    zoo.SHAPES["rescaling_and_nested_base"]().model.save(folder / "model.keras")
    generator = np.random.default_rng(0)
    for name in ("a", "b", "c"):
        pixels = generator.integers(0, 255, (24, 32, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{name}.png")
    return folder


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_architecture_writes_diagram_data_and_a_page(
    cli: Runner, files: Path, tmp_path: Path
) -> None:
    code, out, err = cli("architecture", files / "model.keras", "-o", tmp_path)
    assert code == 0, err
    assert names(tmp_path) == {"architecture.svg", "architecture.json", "report.html"}
    assert "GlobalAveragePooling2D" in out
    result = Architecture.load(tmp_path / "architecture.json")
    assert "base/conv1" in [row.path for row in result.values]
    page = (tmp_path / "report.html").read_text()
    assert page.count("<details>") == 1  # the nested base folds
    assert "conv1" in page
    assert not re.search(r"<[^>]+\sstyle=", page)  # the page's own policy would refuse it
    assert str(files) not in page


def test_the_page_may_be_named_in_place_of_a_folder(
    cli: Runner, files: Path, tmp_path: Path
) -> None:
    for name in ("in/why.html", "WHY.HTM"):
        page = tmp_path / name
        code, out, err = cli("architecture", files / "model.keras", "-o", page)
        assert (code, err) == (0, "")
        assert str(page) in out
        assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
        assert names(page.with_suffix("")) == {"architecture.svg", "architecture.json"}
    code, out, _ = cli("architecture", files / "model.keras", "-o", tmp_path / "folder", "--json")
    assert (tmp_path / "folder" / "report.html").is_file()


def test_architecture_folds_and_speaks_json(cli: Runner, files: Path, tmp_path: Path) -> None:
    code, out, _ = cli(
        "architecture", files / "model.keras", "--depth", 0, "-o", tmp_path, "--json"
    )
    data = json.loads(out)
    assert code == 0
    assert data["parameters"] == sum(row["parameters"] for row in data["values"])
    assert set(data["files"]) == names(tmp_path)
    assert "conv1" not in (tmp_path / "architecture.svg").read_text()


def test_filters_writes_pictures_data_and_a_page(cli: Runner, files: Path, tmp_path: Path) -> None:
    pictures = [files / f"{name}.png" for name in "abc"]
    code, out, err = cli("filters", files / "model.keras", *pictures, "-o", tmp_path)
    assert code == 0, err
    assert names(tmp_path) == {
        "filters.png", "histograms.png", "filters.safetensors", "report.html"
    }  # fmt: skip
    assert "over 3 samples" in out
    found = Filters.load(tmp_path / "filters.safetensors")
    assert found.layer == "base/conv1"
    assert found.activity[0].samples == 3
    assert "always saturated" in (tmp_path / "report.html").read_text()


def test_filters_speaks_json(cli: Runner, files: Path, tmp_path: Path) -> None:
    code, out, _ = cli(
        "filters", files / "model.keras", "--layer", "conv2", "--view", "channels", "-o", tmp_path,
        "--json",
    )  # fmt: skip
    data = json.loads(out)
    assert code == 0
    assert data["layer"] == "base/conv2"
    assert data["activity"] == []
    assert set(data["files"]) == names(tmp_path)


def test_activations_writes_grids_data_and_a_page(cli: Runner, files: Path, tmp_path: Path) -> None:
    code, out, err = cli(
        "activations", files / "model.keras", files / "a.png", files / "b.png", "-l", "base/conv1",
        "-l", "base/relu", "--target", "1", "-o", tmp_path,
    )  # fmt: skip
    assert code == 0, err
    written = names(tmp_path)
    assert {"activations.safetensors", "report.html", "a-base_conv1.png"} <= written
    assert len([name for name in written if name.endswith(".png")]) == 4
    found = Activations.load(tmp_path / "activations.safetensors")
    assert found.sort == "contribution"
    assert found.of("base/conv1").shape == (2, 10, 14, 4)
    assert "come first" in out


def test_activations_takes_the_layer_of_grad_cam(cli: Runner, files: Path, tmp_path: Path) -> None:
    code, out, err = cli("activations", files / "model.keras", files / "a.png", "-o", tmp_path,
                         "--json")  # fmt: skip
    assert code == 0, err
    data = json.loads(out)
    assert data["results"][0]["layer"] == "base/relu"
    assert set(data["files"]) == names(tmp_path)


def test_the_strongest_pictures_of_a_channel(cli: Runner, files: Path, tmp_path: Path) -> None:
    pictures = [files / f"{name}.png" for name in "abc"]
    code, out, err = cli("activations", files / "model.keras", *pictures, "-l", "base/conv1",
                         "--channel", 2, "-o", tmp_path, "--json")  # fmt: skip
    assert code == 0, err
    data = json.loads(out)
    values = [row["value"] for row in data["results"]]
    assert values == sorted(values, reverse=True)
    assert {row["picture"] for row in data["results"]} == {"a", "b", "c"}
    assert set(data["files"]) == names(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("architecture", "{f}/none.keras"), "none.keras"),
        (("filters", "{f}/model.keras", "--layer", "conv9"), "conv9"),
        (("filters", "{f}/model.keras", "--view", "rgb"), "view='rgb'"),
        (("activations", "{f}/model.keras", "{f}/a.png", "-l", "conv9"), "conv9"),
        (("activations", "{f}/model.keras", "{f}/a.png", "--sort", "size"), "sort='size'"),
        (("activations", "{f}/model.keras", "{f}/a.png", "-l", "conv1", "--channel", "4"), "4"),
        (("activations", "{f}/model.keras", "{f}/none.png"), "none.png"),
    ],
)
def test_errors_are_one_line(
    cli: Runner, files: Path, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    code, _, err = cli(*(a.format(f=files) for a in arguments), "-o", tmp_path)
    assert code == 2
    assert words in err
    assert err.startswith("kerascope: ")
    assert len(err.strip().splitlines()) == 1
