"""Segmentations and detectors on the page: outlines, labels, and another box from the inspector."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import found_results
from browser.app import Open
from kerascope.report import build_report
from kerascope.targets.found import BOX, BOXES

Page = Callable[[Any], Path]


def two_boxes() -> Any:
    """A result of both boxes: two targets of every sample."""
    one = found_results.boxes()
    rows = one.extras[BOXES]
    values = np.stack([one.values, one.values[:, ::-1]], axis=1)
    words = tuple(
        (one.explained[i], "similarity to box 5 of 'truck' at (18, 10, 30, 20) (7.5)")
        for i in range(2)
    )
    return dataclasses.replace(
        one, values=values, axes=("sample", "target", "y", "x"), explained=words,
        scores=np.array([[9.5, 7.5]] * 2, np.float32),
        extras={**one.extras, BOX: rows[:, :2].copy()},
    )  # fmt: skip


@pytest.fixture
def page(tmp_path: Path) -> Page:
    def made(result: Any) -> Path:
        path = tmp_path / "report.html"
        path.write_text(build_report([result]), encoding="utf-8")
        return path

    return made


def test_boxes(app: Open, page: Page) -> None:
    shown = app(path=page(two_boxes()))
    assert shown.page.locator(".stage-found-label").all_inner_texts() == ["tank 91 %", "truck 64 %"]
    assert shown.text(".stage-found-note span") == "2 boxes: tank 91 %, truck 64 %"
    own = shown.page.locator(".stage-found .found-own")
    assert own.get_attribute("d") == "M0.25 0.25H0.5V0.75H0.25Z"
    bars = shown.page.locator(".bar")
    assert bars.count() == 2
    before = shown.drawn()
    bars.nth(1).focus()
    shown.page.keyboard.press("Enter")
    assert shown.drawn() != before
    assert shown.state["target"] == "box-5"
    assert "at (18, 10, 30, 20)" in bars.nth(1).inner_text()
    assert own.get_attribute("d") == "M0.5625 0.41667H0.9375V0.83333H0.5625Z"
    words = shown.page.locator("canvas.stage-canvas").first.get_attribute("aria-label")
    assert words is not None
    assert "inside the box" in words


def test_areas(app: Open, page: Page) -> None:
    shown = app(path=page(found_results.areas()))
    assert shown.text(".stage-found-note span") == "areas: sky 75 %, tank 19 %, road 6.2 %"
    assert shown.page.locator(".stage-found .found-thin").count() == 3
    assert "19 % of the picture" in shown.text(".bar >> nth=1")
    shown.page.locator(".stage-found-toggle").click()
    assert shown.text(".stage-found-toggle") == "Show outlines"
    assert not shown.page.locator(".stage-found").is_visible()
    shown.go("view=side")
    assert shown.page.locator(".stage-found .found-filled").count() == 3
