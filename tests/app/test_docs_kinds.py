"""The example of values, ranks, likeness, reconstructions and several inputs runs."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest

from once import only_on

pytestmark = only_on("torch")

EXAMPLE = Path(__file__).parents[2] / "docs_src" / "kinds.py"


def test_the_example_runs_and_finds_what_was_planted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    found = runpy.run_path(str(EXAMPLE))
    said = capsys.readouterr().out
    for words in (
        "regression: change of value of output 'progression' against 152.1",
        "labels: logit of class 0 of output 'holes'",
        "rank: expected rank of output 'size'",
        "ink: value of output 'ink'",
        "similarity: cosine similarity to another zero",
        "anomaly: mean squared error of the reconstruction",
    ):
        assert words in said
    anomaly = found["anomaly"].single_map()[0]
    assert np.unravel_index(anomaly.argmax(), (8, 8))[0] >= 6
    assert np.unravel_index(anomaly.argmax(), (8, 8))[1] < 2
    forged = found["forgery"].single_map()[0]
    assert np.unravel_index(forged.argmax(), (8, 8))[0] == 0
    case = found["case"]
    assert np.isclose(sum(share[0] for share in case.shares.values()), 1, atol=1e-5)
    assert case.maps()["facts"][0].argmax() == 1  # the marker
    assert {path.name for path in (tmp_path / "kinds").iterdir()} == {
        "regression.png", "labels.png", "rank.png", "ink.png", "similarity.png", "siamese.png",
        "anomaly.png", "forgery.png", "several.png", "several.html", "anomaly.html",
    }  # fmt: skip
