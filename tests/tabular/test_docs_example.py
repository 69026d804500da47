"""The example of the documentation runs, and says what it claims to."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "docs_src" / "tabular.py"


def test_the_example_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    found = runpy.run_path(str(EXAMPLE))
    said = capsys.readouterr().out
    assert "logit of class 1" in said
    assert "agrees with the model on" in said
    assert found["tree"].score > found["tree"].chance + 0.2
    assert {path.name for path in (tmp_path / "tabular").iterdir()} == {
        "beeswarm.png", "row_0.png", "ale.png", "dependence.png", "tree.png",
    }  # fmt: skip
