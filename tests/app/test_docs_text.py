"""The example of docs/text.md runs, and says what the page says."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from once import only_on

pytestmark = only_on("torch")

EXAMPLE = Path(__file__).parents[2] / "docs_src" / "text.py"


def test_the_example(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(EXAMPLE))["main"](tmp_path)
    said = capsys.readouterr().out
    assert "lies in 1 of 9 words: 'boring'" in said
    assert "for 'c' after token 6 rather than 'a' after token 6 lies in 1 of 6 words: 'c'" in said
    assert "note: baseline: the embedding of the padding (id 0)" in said
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"words.png", "words.html", "kernel_shap.png", "next_token.png"}
