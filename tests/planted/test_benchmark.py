"""The bundled nets decide by their cues, and the benchmark tells good methods from bad ones."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kerascope as ks
from kerascope.method import method_class
from kerascope.metrics import CONTROLS
from kerascope.planted import CUES, make_planted
from kerascope.planted.benchmark import MEASURES, benchmark, facts, load_planted
from kerascope.planted.train import decides_by_cue, measure
from once import only_on

pytestmark = only_on("torch")

Runner = Callable[..., tuple[int, str, str]]


def test_the_facts_say_that_every_net_decides_by_its_cue() -> None:
    known = facts()
    assert set(known) == set(CUES)
    assert all(decides_by_cue(known[cue]["accuracy"]) for cue in CUES)
    assert not decides_by_cue({"own": 1.0, "other": 1.0, "without": 0.9})
    assert not decides_by_cue({"own": 1.0, "other": 0.7, "without": 0.5})


@pytest.mark.parametrize("cue", ["shape", "outside"])
def test_the_facts_are_true(cue: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kerascope.planted.train._TESTS", 200)
    found = measure(load_planted(cue), seed=7)
    assert found["own"] > 0.93
    assert found["other"] > 0.93
    assert found["without"] < 0.65


def test_a_method_that_knows_the_net_beats_the_controls() -> None:
    found = benchmark("occlusion", ["outside", "colour"], samples=8)
    assert found.methods == ("occlusion", *CONTROLS)
    assert found.values.shape == (4, 2, len(MEASURES), 8)
    assert found.ranked()[0] == "occlusion"
    mass = found.mean("occlusion", None, "mass").value
    assert mass > 2 * max(found.mean(c, None, "mass").value for c in CONTROLS)
    assert found.mean("random map", "colour", "mass").value < 4 * found.chance[1]
    known = found.values[np.isfinite(found.values)]
    assert ((known >= 0) & (known <= 1)).all()
    assert found.rows()[0][0] == "occlusion"
    assert found.plot().axes


def test_two_settings_of_a_method_keep_their_rows() -> None:
    kind = method_class("occlusion")
    settings = [kind(patch=6, stride=6), kind(patch=12, stride=6)]
    found = benchmark(settings, "colour", samples=3)
    assert found.methods[:2] == ("occlusion #1", "occlusion #2")
    assert np.isfinite(found.values[:2, 0, 0]).all()
    assert not np.allclose(found.values[0], found.values[1], equal_nan=True)
    with pytest.raises(ks.BadInput, match="'smell' was not measured"):
        found.mean("occlusion #1", "smell", "mass")
    with pytest.raises(ks.BadInput, match="'nope' was not measured"):
        found.ranked("nope")


def test_evidence_is_of_scenes_that_have_some_and_are_right() -> None:
    net = load_planted("co_occurrence")
    found = benchmark("gradient", ["co_occurrence"], samples=6)
    assert np.isfinite(found.values[0, 0, 0]).all()
    scenes = make_planted("co_occurrence", 20, seed=1)
    said = net.predict(scenes.images.astype("float32"), verbose=0).argmax(axis=1)
    assert (said == scenes.labels).mean() > 0.9


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"cues": ["smell"]}, "cue 'smell' is not known"),
        ({"cues": []}, "cues is empty"),
        ({"methods": []}, "methods is empty"),
        ({"methods": "nope"}, "method 'nope' not found"),
        ({"samples": 0}, "samples=0"),
    ],
)
def test_errors_are_one_line(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ks.KerascopeError, match=words) as caught:
        benchmark(**{"methods": "gradient", **fields})
    assert "\n" not in str(caught.value)


def test_the_command(cli: Runner, tmp_path: Path) -> None:
    code, out, err = cli(
        "benchmark", "-m", "gradient", "--cue", "colour", "--samples", 4, "-o", tmp_path
    )
    assert code == 0, err
    assert "random map" in out
    with (tmp_path / "mass.csv").open() as file:
        rows = {row["method"]: row for row in csv.DictReader(file)}
    assert set(rows) == {"gradient", *CONTROLS}
    assert "Which method to trust" in (tmp_path / "report.html").read_text()
    code, out, err = cli(
        "benchmark", "-m", "gradient", "--cue", "colour", "--samples", 4, "--json", "-o", tmp_path
    )
    assert code == 0, err
    told = json.loads(out)
    assert set(told["results"]) == set(MEASURES)
    code, _, err = cli("benchmark", "--cue", "smell", "-o", tmp_path)
    assert code == 2
    assert "smell" in err
