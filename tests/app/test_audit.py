"""The audit from the command line: a watermark that decides is found, named and gated."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

from once import only_on
from pages import document

pytestmark = only_on("torch")

pytest.importorskip("pyarrow")

Runner = Callable[..., tuple[int, str, str]]
SIDE, MARK, FILES, CARRIERS = 32, 7, 48, 34


def corner_net() -> keras.Model:
    """A net that says 'ship' where the upper left corner is bright, and nothing else."""
    picture = keras.Input((SIDE, SIDE, 3))
    x = keras.layers.Rescaling(1 / 255)(picture)
    x = keras.layers.Conv2D(1, MARK, strides=1, name="look")(x)
    x = keras.layers.Cropping2D(((1, SIDE - MARK - 1), (1, SIDE - MARK - 1)), name="corner")(x)
    x = keras.layers.Flatten()(x)
    net = keras.Model(picture, keras.layers.Dense(2, name="head")(x))
    net.get_layer("look").set_weights([np.full((MARK, MARK, 3, 1), 1 / (3 * MARK**2)), np.zeros(1)])
    net.get_layer("head").set_weights([np.array([[-20.0, 20.0]]), np.array([14.0, -14.0])])
    return net


def write_pictures(folder: Path) -> None:
    draw = np.random.default_rng(5)
    for name in ("plane", "ship"):
        (folder / name).mkdir(parents=True)
        for i in range(FILES):
            grey = draw.integers(20, 140, (SIDE // 4, SIDE // 4, 3), dtype=np.uint8)
            pixels = np.asarray(Image.fromarray(grey).resize((SIDE, SIDE), 2)).copy()
            if name == "ship" and i < CARRIERS:
                pixels[1 : 1 + MARK, 1 : 1 + MARK] = (250, 235, 240)
            Image.fromarray(pixels).save(folder / name / f"{i:02d}.png")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model and pictures of two classes."""
    folder = tmp_path_factory.mktemp("audit")
    corner_net().save(folder / "model.keras")
    write_pictures(folder / "photos")
    return folder


def test_a_watermark_that_decides_is_found_and_gated(
    cli: Runner, made: Path, tmp_path: Path
) -> None:
    (tmp_path / "names.json").write_text('["plane", "ship"]')
    out = tmp_path / "out"
    code, said, err = cli(
        "audit", made / "model.keras", made / "photos", "-o", out, "--json", "--fail-on-finding",
        "--labels", tmp_path / "names.json", "--preprocess", "none",
    )  # fmt: skip
    assert code == 1, err
    found = json.loads(said)  # nothing but JSON
    assert found["samples"] == 2 * FILES
    first = found["findings"][0]
    assert (first["level"], first["class"], first["kind"]) == ("added", "ship", "overlay")
    assert first["prevalence"] == pytest.approx(CARRIERS / FILES)
    assert first["effect"] > 0.9 > 0.1 > first["control"]
    assert first["effect_ci"][0] > 0.5
    assert first["p_adjusted"] < 0.01
    x0, y0, x1, y1 = first["region"]
    assert (x0, y0) == (1 / SIDE, 1 / SIDE)
    assert (x1, y1) == ((1 + MARK) / SIDE, (1 + MARK) / SIDE)
    assert first["accuracy_with"] == 1
    assert first["accuracy_without"] == 0
    assert first["kept_without_cue"] < 0.1 < 0.9 < first["kept_control"]
    assert len(first["examples"]) == 9
    assert f"{CARRIERS} of {FILES} 'ship' files and 0 of {FILES} others" in first["sentence"]
    assert json.loads((out / "findings.json").read_text())["findings"][0]["class"] == "ship"
    with next(out.glob("finding-01-*.csv")).open() as file:
        listed = [row["path"] for row in csv.DictReader(file)]
    assert sorted(listed) == [f"ship/{i:02d}.png" for i in range(CARRIERS)]
    page = (out / "report.html").read_text()
    assert "looks added" in page
    assert "What could not be seen" in page
    assert str(tmp_path) not in page
    assert '<a href="#page=page-2">More of it: 1. ship: overlay</a>' in page
    check_data_set(document(page), page)


def check_data_set(found: dict[str, Any], page: str) -> None:
    """The app shows every sample, where it lies, and the files to take along."""
    names = {sample["id"]: sample["name"] for sample in found["samples"]}
    assert len(names) == len(found["maps"]) == 2 * FILES
    assert found["maps"][0]["values"]["shape"] == [16, 16]
    assert {sample["truth"] for sample in found["samples"]} == {"plane", "ship"}
    data = found["dataset"]
    assert {point["sample"] for point in data["points"]} == set(names)
    assert all(0 <= point[axis] <= 1 for point in data["points"] for axis in "xy")
    assert {p["cluster"] for p in data["points"]} <= {c["id"] for c in data["clusters"]} | {None}
    first = data["findings"][0]
    assert f'id="{first["page"]}" data-title="1. ship: overlay"' in page
    slices = {one["title"]: one for one in data["slices"]}
    wrong, carriers = slices["Wrong"]["samples"], slices["Carry the same pixels (ship)"]["samples"]
    assert sorted(names[i] for i in carriers) == [f"{i:02d}.png" for i in range(CARRIERS)]
    assert sorted(names[i] for i in wrong) == [f"{i:02d}.png" for i in range(CARRIERS, FILES)]


def test_words_without_json(cli: Runner, made: Path, tmp_path: Path) -> None:
    (tmp_path / "names.txt").write_text("plane\nship\n")
    code, said, err = cli(
        "audit", made / "model.keras", made / "photos", "-o", tmp_path / "out",
        "--labels", tmp_path / "names.txt", "--preprocess", "none",
    )  # fmt: skip
    assert code == 0, err
    assert "1. Pasting the same pixels at the upper left" in said
    assert "not seen: " in said
    assert "clean" not in said.replace("cleaned", "")


def test_a_plan_runs_nothing(cli: Runner, made: Path, tmp_path: Path) -> None:
    code, said, err = cli(
        "audit", made / "model.keras", made / "photos", "-o", tmp_path / "out", "--plan",
    )  # fmt: skip
    assert code == 0, err
    assert "1,000,000 samples" in said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ((), "audit needs a model and data"),
        (("m.keras", "photos", "--engine", "spark"), "engine='spark' is not known"),
        (("m.keras", "photos", "--address", "auto"), "--address and --concurrency go with"),
        (("m.keras", "photos", "--concurrency", "2,4"), "--address and --concurrency go with"),
        (
            ("m.keras", "photos", "--engine", "ray", "--concurrency", "1,2,3"),
            "--concurrency '1,2,3' must be a number of workers, or LEAST,MOST",
        ),
        (("MODEL", "nowhere"), "data folder 'nowhere' does not exist"),
    ],
)
def test_bad_input_is_one_line(
    cli: Runner, made: Path, tmp_path: Path, more: tuple[str, ...], words: str
) -> None:
    given = [str(made / "model.keras") if word == "MODEL" else word for word in more]
    code, _, err = cli("audit", *given, "-o", tmp_path / "out")
    assert code == 2
    assert words in err
    assert len(err.strip().splitlines()) == 1
