"""The examples of docs/places.md run, and say what the page says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import places_nets
from once import only_on

pytestmark = only_on("tensorflow")


@pytest.mark.parametrize("name", ["segmentation", "detection"])
def test_the_example(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    places_nets.example(name).main(tmp_path)
    said = capsys.readouterr().out
    share = re.search(r"on the lamp: (\d+)%|in its box: (\d+)%", said)
    assert share is not None
    if name == "segmentation":
        assert "mean logit of 'tank' over its predicted area" in said
        assert int(share[1]) > 20
    else:
        assert re.search(r"similarity to box \d+ of 'tank' at", said)
        assert int(share[2]) > 30
    kinds = {path.suffix for path in tmp_path.iterdir()}
    assert kinds == {".png", ".html"}
