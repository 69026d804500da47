"""The examples of docs/series.md and docs/volumes.md run, and say what the pages say."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from once import only_on

FOLDER = Path(__file__).parents[2] / "docs_src"


@only_on("jax")
def test_the_series(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(FOLDER / "series.py"))["main"](tmp_path)
    said = capsys.readouterr().out
    assert "forecast of 'load' 3 steps ahead" in said
    assert "forecast of 'load' 3 steps ahead minus the last known value" in said
    assert "most against: wind at day 2 20:00" in said  # the gust that was planted
    against = re.findall(r"(\d+(?:\.\d+)?) % of all evidence speaks against it", said)
    assert len(against) == 3
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"hours.csv", "third_hour.png", "windows.png", "report.html"}


@only_on("tensorflow")
def test_the_volumes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(FOLDER / "volumes.py"))["main"](tmp_path)
    said = capsys.readouterr().out
    planted = re.search(r"planted in slice (\d+)", said)[1]
    assert f"most in slice {planted} of 8" in said
    assert f"most in frame {planted} of 8" in said
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"volume.png", "film.png", "volume.html", "film.html"}
