"""Targets that name what the studio holds, over HTTP with tiny nets."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

import kerascope as ks
import places_nets
import studio_kinds as kinds
from kerascope.studio.nets import Opening
from near_worker import NearWorker
from once import only_on
from running_studio import Running

pytestmark = only_on("torch")

Begin = Callable[..., Running]
QUICK = {"method": "gradient"}


@pytest.fixture
def begin(serve: Any, tmp_path: Path) -> Begin:
    """Start a studio with a net and the pictures of a folder."""

    def start(net: keras.Model, **options: Any) -> Running:
        net.save(tmp_path / "net.keras")
        folder = {"folder": options.pop("folder")} if "folder" in options else {}
        opening = Opening(name="net", source=str(tmp_path / "net.keras"), **options)
        running: Running = serve(models=(opening,), make=NearWorker, **folder)
        running.samples()
        return running

    return start


def pixels(file: Path) -> Any:
    with Image.open(file) as picture:
        return np.asarray(picture, np.float32)


def test_like_another_sample(begin: Begin, pictures: Path) -> None:
    net = kinds.embedder()
    running = begin(net)
    one, other, third = (row["id"] for row in running.samples())
    piece = running.explained(one, **QUICK, target=f"like {other}")
    (found,) = piece["maps"]
    a, b = (net.predict(pixels(pictures / f"cat/{name}.png")[None])[0] for name in "ab")
    cosine = float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
    assert found["target"]["score"] == pytest.approx(cosine, rel=1e-4)
    assert found["target"]["words"].startswith("cosine similarity to 'b.png' (")
    assert found["target"]["ask"] == found["target"]["key"] == f"like {other}"
    far = running.explained(one, **QUICK, target=f"like {other} by distance")["maps"][0]
    assert far["target"]["score"] == pytest.approx(-float(np.linalg.norm(a - b)), rel=1e-4)
    apart = running.explained(one, **QUICK, target=f"like {third}")["maps"][0]
    assert len({found["id"], far["id"], apart["id"]}) == 3
    again = {"sample": one, **QUICK, "target": found["target"]["ask"]}
    graded = running.finished(running.ask(kind="grade", **again))
    assert graded["state"] == "done", graded["error"]
    assert graded["document"]["maps"][0]["id"] == found["id"], "the page shows them as one"
    mask = {"shape": [1, 2], "bytes": "/wA="}
    erase = {"kind": "erase", "sample": one, "target": again["target"], "mask": mask}
    erased = running.finished(running.ask(**erase))
    assert erased["erased"]["before"] == pytest.approx(cosine, rel=1e-4)
    Image.fromarray(np.full((12, 16, 3), (250, 9, 9), np.uint8)).save(pictures / "cat/b.png")
    changed = running.explained(one, **QUICK, target=f"like {other}")["maps"][0]
    assert changed["target"]["score"] != found["target"]["score"], "another content, another answer"


def test_every_box_is_listed_and_explained(begin: Begin, tmp_path: Path) -> None:
    """A detector whose boxes nobody can read without their format, and seven things to find."""
    case = places_nets.detection()
    picture = np.full((48, 64, 3), 75, np.uint8)
    for place in range(7):
        y, x = 8 * (place % 5), 8 * place
        picture[y : y + 8, x : x + 8] = (255 - 12 * place, 0, 0)
    running = begin(
        case.grid, folder=written(tmp_path, picture), boxes=case.format, preprocess="unit"
    )
    sample = running.samples()[0]["id"]
    told = running.finished(running.ask(kind="predict", sample=sample))["document"]
    (output,) = told["predictions"][0]["outputs"]
    assert (len(output["bars"]), output["more"]) == (7, "")
    assert output["bars"][0]["at"] == "(0, 0, 8, 8)"
    last = output["bars"][-1]
    fields = {"method": "d_rise", "fields": {"masks": 16}}
    (found,) = running.explained(sample, **fields, target=last["ask"])["maps"]
    assert found["target"]["ask"] == last["ask"]
    boxes = told["predictions"][0]["found"]["boxes"]
    assert found["explained"]["corners"] == boxes[-1]["corners"] == [0.75, 0.16667, 0.875, 0.33333]


def written(folder: Path, picture: Any) -> Path:
    """Write a picture into a folder of its own, and return that."""
    (folder / "own").mkdir()
    Image.fromarray(picture).save(folder / "own" / "a.png")
    return folder / "own"


def test_a_sample_that_is_not_there(begin: Begin) -> None:
    running = begin(kinds.embedder())
    sample = running.samples()[0]["id"]
    for target in ("like s0", ["like s0", 1]):
        body = {"kind": "explain", "sample": sample, **QUICK, "target": target}
        refused = running.client.post("/api/jobs", json=body)
        assert refused.status_code == 404
        assert refused.json() == {"error": "there is no sample 's0'"}


def test_a_class_over_what_is_painted(begin: Begin, tmp_path: Path) -> None:
    """The region of the command line's --mask, out of the text of the page's address."""
    case = places_nets.segmentation()
    picture = np.round(255 * case.x[0]).astype(np.uint8)
    labels = tmp_path / "labels.txt"
    labels.write_text("\n".join(places_nets.example("segmentation").LABELS))
    running = begin(
        case.net, folder=written(tmp_path, picture), preprocess="unit", labels=str(labels)
    )
    sample = running.samples()[0]["id"]
    mask = np.zeros((32, 48), np.float32)
    mask[2:5, 7:40] = 1
    target = f"1@mask:{text_of(mask)}"
    piece = running.explained(sample, **QUICK, target=target)
    (found,) = piece["maps"]
    want = ks.explain(case.net, picture[None] / 255, "gradient", target=ks.Mask(mask, "tank"))
    assert found["target"]["score"] == pytest.approx(float(want.scores[0]), rel=1e-4)
    assert found["target"]["subject"] == "'tank' over the region"
    assert found["target"]["ask"] == found["target"]["key"] == target
    assert found["explained"]["path"] == "M0.1458 0.0625H0.8333V0.1562H0.1458Z"
    assert piece["predictions"][0]["found"]["classes"] == 3
    there = running.explained(sample, **QUICK, target=target.removeprefix("1"))["maps"][0]
    assert there["target"]["subject"] == "'background' over the region"
    whole = running.explained(sample, **QUICK, target=f"1@mask:{text_of(mask + 1)}")["maps"][0]
    assert len({found["id"], there["id"], whole["id"]}) == 3
    job = running.finished(running.ask(kind="explain", sample=sample, **QUICK, target="@mask:AAUA"))
    assert job["error"] == "nothing is painted: the mask is empty"


def test_both_sides_of_one_class_over_what_is_painted(begin: Begin, tmp_path: Path) -> None:
    """A grey segmentation of one value for every position."""
    net = keras.Sequential(
        [keras.Input((12, 16, 1)), keras.layers.Conv2D(1, 3, padding="same", activation="sigmoid")]
    )
    picture = np.random.default_rng(5).integers(0, 255, (12, 16), dtype=np.uint8)
    running = begin(net, folder=written(tmp_path, picture), preprocess="unit")
    sample = running.samples()[0]["id"]
    text = text_of(np.eye(12, 16))
    one, other = (
        running.explained(sample, **QUICK, target=f"{kind}@mask:{text}")["maps"][0]["target"]
        for kind in (1, 0)
    )
    assert one["score"] == pytest.approx(-other["score"]) != 0
    assert (one["subject"], other["subject"]) == (
        "class 1 over the region",
        "class 0 over the region",
    )


def text_of(mask: Any) -> str:
    """Return a mask as the page writes it, a cell for every pixel; runs of up to 16383."""
    ends = np.flatnonzero(np.diff(mask.ravel() > 0, prepend=False, append=False))
    content = bytearray([0])
    for number in np.diff(ends, prepend=0).tolist():
        content += bytes([number % 128 + 128, number // 128] if number > 127 else [number])
    return base64.urlsafe_b64encode(bytes(content)).decode().rstrip("=")
