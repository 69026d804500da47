"""Series, volumes and films on the stage: what they draw, say, and do by keys."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from browser import checks
from browser.app import App, Open
from browser.watched import Modules
from fake_results import provenance
from kerascope.attribution import Attribution
from kerascope.method import method_class
from kerascope.report.document import document_of
from kerascope.resize import linear
from kerascope.timeline import Timeline
from kerascope.wording import number

STEPS, SIZE = 40, (5, 12, 16)


def result(kind: str) -> Attribution:
    """Two samples of a kind, with evidence in one slice, or at some steps of a channel."""
    rng = np.random.default_rng(4)
    series = kind == "series"
    shape = (2, STEPS, 2) if series else (2, *SIZE, 1)
    inputs = rng.normal(0, 1, shape).astype("float32")
    values = rng.normal(0, 0.02, shape).astype("float32")
    values[:, 3] += 0.5
    if series:
        values[:, 20:23, 1] += 2
    axes = {"series": ("time",), "volume": ("z", "y", "x"), "video": ("time", "y", "x")}[kind]
    axes = ("sample", *axes, "channel")
    method = method_class("integrated_gradients")()
    line = Timeline(("load", "wind"), (), (1,), ((0.5,), (0.2,)))
    return Attribution(
        values=values, axes=axes, inputs=inputs, input_axes={"x": axes},
        scores=np.array([3.0, 2.0]), explained=("logit of 'a' (3)", "logit of 'a' (2)"),
        predictions=np.array([[0.4, 0.1], [0.3, 0.2]], "float32"),
        method=method, target="0", layer=None, gap=None, notes=(),
        provenance=provenance(method), names=("one", "two"),
        features={"x": (line, line)} if series else {},
    )  # fmt: skip


@pytest.fixture(scope="module", params=["series", "volume", "video"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def page(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from kerascope.report import page_of

    path = tmp_path_factory.mktemp(kind) / f"{kind}.html"
    path.write_text(page_of(document_of([result(kind)])), encoding="utf-8")
    return path


def test_each_kind_is_drawn_from_numbers_and_can_be_reached(
    app: Open, page: Path, kind: str
) -> None:
    shown = app(path=page)
    assert shown.page.locator(".stage-figure").count() == 0
    assert not checks.violations(shown.page)
    stops, told = checks.walk(shown.page)
    assert stops > 10
    assert not told
    assert not checks.too_wide(shown.page)
    assert checks.least_contrast(shown.page)[0] >= 4.5
    dark = app(path=page, color_scheme="dark", viewport={"width": 420, "height": 800})
    assert not checks.too_wide(dark.page)
    assert not checks.violations(dark.page)
    assert (kind == "series") == (dark.page.locator(".forecast:visible").count() == 1)


def test_every_view_holds(app: Open, page: Path) -> None:
    shown = app(path=page)
    for view in ("side", "split", "difference", "flicker", "sheet", "stage"):
        shown.go(f"view={view}")
        shown.drawn()
    before = shown.drawn()
    shown.slide("threshold", 0.9)
    assert shown.drawn() != before
    shown.slide("threshold", 0)
    assert shown.drawn() == before


def open_one(app: Open, kind: str, tmp_path: Path) -> App:
    from kerascope.report import page_of

    path = tmp_path / f"{kind}.html"
    path.write_text(page_of(document_of([result(kind)])), encoding="utf-8")
    return app(path=path)


def test_the_keys_move_through_a_series(app: Open, tmp_path: Path) -> None:
    shown = open_one(app, "series", tmp_path)
    shown.page.focus(".series-view")
    for key in ("ArrowRight", "ArrowRight", "ArrowDown"):
        shown.page.keyboard.press(key)
    shown.page.wait_for_timeout(80)
    held = result("series")
    said = shown.text(".series-value")
    step = STEPS // 2 + 2
    assert said.startswith(f"step {step + 1}, wind {number(float(held.inputs[0, step, 1]))}")
    assert f"+{number(float(held.values[0, step, 1]))[:4]}" in said
    assert shown.text(".stage-spoken").startswith(f"step {step + 1}, wind")
    assert "forecast of wind 0.4 … 0.1 over 2 steps" in shown.text(".forecast")
    label = shown.page.get_attribute(".forecast-chart", "aria-label")
    assert "true: 0.5, 0.2" in label


def test_sliders_scroll_through_a_volume(app: Open, tmp_path: Path) -> None:
    shown = open_one(app, "volume", tmp_path)
    assert shown.text("label:text('Across z') ~ output").startswith("slice 4 of 5, ")
    before = shown.drawn()
    shown.page.focus('[data-control="slice-z"]')
    shown.page.keyboard.press("ArrowRight")
    now = shown.drawn()
    assert now[0] != before[0]  # the plane across z alone
    assert now[1:] == before[1:]
    assert shown.state["slice"].split(",")[0] == "4"
    words = shown.page.get_attribute('[data-control="slice-z"]', "aria-valuetext")
    assert words.startswith("slice 5 of 5, ")
    plane = shown.page.locator(".slice-frame").first.bounding_box()
    shown.page.mouse.click(plane["x"] + 2, plane["y"] + 2)  # the corner: first row, first column
    assert shown.state["slice"] == "4,0,0"
    shown.page.locator('[data-control="strongest"]').click()
    assert "slice" not in shown.state
    alt = shown.page.get_attribute(".slice-plane canvas", "aria-label")
    assert "of the volume, most in slice 4 of 5" in alt


def test_frames_of_a_film_have_their_share(app: Open, tmp_path: Path) -> None:
    shown = open_one(app, "video", tmp_path)
    frames = shown.page.locator(".film-frame")
    labels = [frames.nth(i).get_attribute("aria-label") for i in range(frames.count())]
    positive = np.maximum(result("video").values[0], 0).sum(axis=(1, 2, 3))
    shares = positive / positive.sum()
    for i, (label, share) in enumerate(zip(labels, shares, strict=True)):
        assert label.startswith(f"Frame {i + 1}: ")
        told = float(label.split(": ")[1].split(" ")[0].replace("<", ""))
        assert abs(told / 100 - share) < 0.01
    assert frames.nth(3).get_attribute("aria-pressed") == "true"
    frames.nth(0).press("Enter")
    shown.page.wait_for_selector(".film-frame:first-of-type[aria-pressed=true]")
    assert shown.state["slice"] == "0"
    shown.page.focus('[data-control="slice-time"]')
    shown.page.keyboard.press("End")
    assert shown.text(".stage-film output").startswith("frame 5 of 5")


def test_volumes_grow_along_every_axis(modules: Modules) -> None:
    values = np.random.default_rng(0).normal(size=(2, 3, 4)).astype("float32")
    grown = modules.run(
        """const { stretched } = await load("arrays.js");
        return [...stretched(Float32Array.from(given), [2, 3, 4], [5, 6, 9])];""",
        copy.copy(values.ravel().tolist()),
    )
    wanted: Any = linear(values, (5, 6, 9))
    assert np.allclose(np.reshape(grown, (5, 6, 9)), wanted, atol=1e-6)
