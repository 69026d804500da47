"""What was found in pictures, drawn and said: areas, boxes, outlines, documents, files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import found_results
import kerascope as ks
from kerascope.plot import alt_text
from kerascope.plot.found import areas_of, boxes_of, explained_inside
from kerascope.plot.grid import figure
from kerascope.plot.predictions import prediction_words
from kerascope.plot.scene import loops, painted_areas, scene_words
from kerascope.report.document import document_of
from kerascope.report.found_entries import outline


def test_areas_in_words() -> None:
    made = found_results.areas()
    assert [(a.label, round(a.share, 3)) for a in areas_of(made, 0)] == [
        ("sky", 0.75), ("tank", 0.188), ("road", 0.062),
    ]  # fmt: skip
    assert prediction_words(made, 0) == "areas: sky 75 %, tank 19 %, road 6.2 %"
    assert "of it inside the region, 19 % of the image" in alt_text(made, 0)


def test_boxes_in_words() -> None:
    made = found_results.boxes()
    assert [box.label for box in boxes_of(made, 0)] == ["tank", "truck"]
    assert boxes_of(made, 0)[0].corners == (0.25, 0.25, 0.5, 0.75)
    assert prediction_words(made, 0) == "2 boxes: tank 91 %, truck 64 %"
    assert "of it inside the box, 12 % of the image" in alt_text(made, 0)


def test_share_inside_is_that_of_the_area() -> None:
    inside = explained_inside(found_results.boxes(), 0, 0, (24, 32))
    assert inside is not None
    assert inside.sum() == pytest.approx(24 * 32 / 8)
    assert inside[6:18, 8:16].min() == 1


def test_outlines_close_round_their_positions() -> None:
    mask = np.zeros((4, 5), bool)
    mask[1:3, 1:4] = True
    mask[1, 2] = False  # a notch from above
    (line,) = loops(mask)
    assert sorted(map(tuple, line)) == sorted(
        [(1, 1), (2, 1), (2, 2), (3, 2), (3, 1), (4, 1), (4, 3), (1, 3)]
    )
    area = 0.5 * abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in
                         zip(line, np.roll(line, -1, axis=0), strict=True)))  # fmt: skip
    assert area == mask.sum()
    hole = np.ones((3, 3), bool)
    hole[1, 1] = False
    assert sorted(len(one) for one in loops(hole)) == [4, 4]
    assert outline(np.ones((2, 4), bool)) == "M0 0H1V1H0Z"


@pytest.mark.parametrize("kind", ["areas", "boxes"])
def test_figure_draws_what_was_found(kind: str) -> None:
    made = getattr(found_results, kind)()
    cells = [axes for axes in figure(made).axes if axes.images]
    if kind == "areas":
        assert [axes.get_title() for axes in cells][1] == "predicted areas"
        said = [text.get_text() for text in cells[1].get_legend().get_texts()]
        assert said == ["sky 75 %", "tank 19 %", "road 6.2 %"]
        assert len(cells[2].collections) == 2  # a rim and a line round the region
        painted = painted_areas(made, 0, np.zeros((24, 32, 3), np.uint8))
        assert len(np.unique(painted.reshape(-1, 3), axis=0)) == 3
    else:
        assert [text.get_text() for text in cells[0].texts] == ["truck 64 %", "tank 91 %"]
        assert len(cells[1].patches) == 2


@pytest.mark.parametrize("kind", ["areas", "boxes"])
def test_document_says_what_was_found(kind: str) -> None:
    made = getattr(found_results, kind)()
    told = document_of([made])
    first = told["predictions"][0]
    assert first["found"]["words"] == scene_words(made, 0)
    asks = [bar["ask"] for bar in first["outputs"][0]["bars"]]
    assert asks == (["0@area", "1@area", "2@area"] if kind == "areas" else ["box-3", "box-5"])
    assert first["margin"] is None
    assert first["share"] == (None if kind == "areas" else pytest.approx(0.91))
    own = told["maps"][0]
    assert own["target"]["ask"] == ("1@area" if kind == "areas" else "box-3")
    explained = own["explained"]
    if kind == "areas":
        assert explained["path"].startswith("M")
        assert explained["path"] == first["found"]["areas"][1]["path"]
    else:
        assert explained["corners"] == first["found"]["boxes"][0]["corners"]


def test_other_results_say_nothing_of_it() -> None:
    import fake_results

    told = document_of([fake_results.cam()])
    assert "found" not in told["predictions"][0]
    assert "explained" not in told["maps"][0]


@pytest.mark.parametrize("kind", ["areas", "boxes"])
def test_kept_in_files(kind: str, tmp_path: Path) -> None:
    made: Any = getattr(found_results, kind)()
    back = ks.Attribution.load(made.save(tmp_path / "a.safetensors"))
    assert scene_words(back, 0) == scene_words(made, 0)
    assert alt_text(back[1], 0) == alt_text(made, 1)
