"""Grades foretell where the evidence is, on nets that the thresholds have not seen."""

from __future__ import annotations

import dataclasses
import json
from importlib import resources
from typing import Any

import keras
import numpy as np
import pytest
from scipy import stats

import kerascope as ks
from kerascope.grading.scale import CHECKS, bundled
from kerascope.method import AttributionMethod, Need, Passes, RawMap, registry
from kerascope.metrics import PointingGame, RelevanceMass
from kerascope.metrics.subject import Subject
from kerascope.planted import calibrate
from kerascope.planted.benchmark import load_planted, scenes_of
from kerascope.verdict import LETTERS
from once import only_on

pytestmark = only_on("jax")

METHODS = ("lrp", "grad_cam", "gradient_x_input", "full_grad", "var_grad", "deconvnet")
# JAX compiles every net anew
CUES = ("colour",) if keras.backend.backend() == "jax" else ("colour", "shape", "conjunction")


def test_the_shipped_figures_keep_what_the_grade_promises() -> None:
    found = json.loads((resources.files("kerascope.grading") / "scale.json").read_text())
    for who in ("methods", "all"):
        letters = found["test"][who]["letters"]
        assert letters["A"]["hit"] - letters["D"]["hit"] >= 0.3
        assert found["test"][who]["spearman"] >= 0.5
        assert min(each["maps"] for each in letters.values()) >= 50
        hits = [letters[letter]["hit"] for letter in LETTERS]
        assert hits == sorted(hits, reverse=True)


def test_grades_foretell_hits_and_mass() -> None:
    """On the bundled nets, again: few scenes, all that each backend says."""
    scores, letters, hits, masses = [], [], [], []
    for cue in CUES:
        net = load_planted(cue)
        scenes = scenes_of(net, cue, 4, seed=900)
        x = scenes.images.astype(np.float32)
        for method in METHODS:
            fields = {"samples": 8} if method == "var_grad" else {}
            result = ks.explain(net, x, method, target=scenes.labels.tolist(), grade=True, **fields)
            subject: Any = Subject(None, {}, None, result.maps(), None, scenes.evidence)  # type: ignore[arg-type]
            grades = [result.grades(i)[0] for i in range(4)]
            scores += [grade.score for grade in grades]
            letters += [grade.letter for grade in grades]
            hits += list(PointingGame(tolerance=2.0).measure(subject))
            masses += list(RelevanceMass().measure(subject))
    letters, hits = np.array(letters), np.array(hits)
    good, bad = np.isin(letters, ("A", "B")), letters == "D"
    assert min(good.sum(), bad.sum()) >= 3
    assert hits[good].mean() - hits[bad].mean() >= 0.3
    assert stats.spearmanr(scores, masses)[0] >= 0.5


@dataclasses.dataclass(frozen=True, kw_only=True)
class Anything(AttributionMethod):
    """A method from outside that returns a random map."""

    needs = frozenset({Need.SCORES})

    def attribute(self, model: Any, x: Any, targets: Any, run: Any) -> RawMap:
        values = {
            name: np.stack([run.generator(i).random(array.shape[1:]) for i in range(len(array))])
            for name, array in x.items()
        }
        axes = {name: model.axes(name, array.shape[1:]) for name, array in x.items()}
        return RawMap(
            {name: v[:, None].astype(np.float32) for name, v in values.items()},
            {name: ("sample", "target", *each) for name, each in axes.items()},
        )

    def passes(self, shape: Any, targets: int = 1, channels: int = 1) -> Passes:
        return Passes()


def test_a_random_map_from_outside_grades_below_integrated_gradients(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("kerascope.method._REGISTRY", dict(registry()))  # for this test alone
    chance = type("Anything2", (Anything,), {"name": "anything", "title": "", "reference": ""})()
    for cue in CUES:
        net = load_planted(cue)
        scenes = scenes_of(net, cue, 6, seed=901)
        x, target = scenes.images.astype(np.float32), scenes.labels.tolist()
        results = [
            ks.explain(net, x, method, target=target, grade=True)
            for method in (chance, "integrated_gradients")
        ]
        random, paths = ([r.grades(i)[0] for i in range(6)] for r in results)
        assert np.mean([g.score for g in random]) < np.mean([g.score for g in paths]) - 0.1
        assert {g.letter for g in random} <= {"C", "D"}
        assert sum(g.letter == "D" for g in random) > sum(g.letter == "D" for g in paths)


def test_fitting_finds_what_foretells() -> None:
    rng = np.random.default_rng(0)
    count = 400
    truth = rng.random(count)
    rows = {name: rng.random(count) for name in CHECKS}
    rows["cells"] = truth + 0.05 * rng.normal(size=count)
    rows |= {
        "gap": np.full(count, np.nan), "mass": truth, "hit": (truth > 0.4).astype(float),
        "control": np.zeros(count, bool), "random": np.zeros(count), "edge": np.zeros(count),
    }  # fmt: skip
    scale = calibrate.fit(rows)
    assert scale.weights["cells"] == max(scale.weights.values())
    found = calibrate.tested(rows, scale)["methods"]
    assert found["spearman"] > 0.7
    assert found["letters"]["A"]["hit"] > found["letters"]["D"]["hit"] + 0.3
    rows["mass"] = rng.random(count)
    assert abs(calibrate.tested(rows, scale)["methods"]["spearman"]) < 0.2, "it can fail"


def test_controls_of_the_calibration_stay_out_of_the_registry() -> None:
    control = calibrate.control_method("edge map")
    assert control.name == "edge map"
    assert "edge map" not in registry()
    assert bundled().ends.keys() == set(CHECKS)
