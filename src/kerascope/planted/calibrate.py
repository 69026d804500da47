"""Calibrate the grade on nets whose evidence is known: `python -m kerascope.planted.calibrate`.

    python -m kerascope.planted.train --seed 1 --folder nets/1     # and 2: the nets to fit on
    python -m kerascope.planted.calibrate --fit nets/1 nets/2 --out docs

Weights and letters are fitted on the given nets and scenes; the bundled nets, which come from
another seed of weights and scenes, then say how well the grade does. On two busy cores, training
took half an hour and calibrating twelve minutes.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kerascope.backend import choose
from kerascope.files import write_whole
from kerascope.grading.scale import CHECKS, Scale
from kerascope.planted.scenes import CUES
from kerascope.types import Array
from kerascope.verdict import LETTERS

BUNDLED = Path(__file__).parent / "data"
SCALE = Path(__file__).parents[1] / "grading" / "scale.json"
# Cheap enough for all checks, from the best to the worst that benchmark() knows.
METHODS: dict[str, dict[str, Any]] = {
    "gradient": {}, "gradient_x_input": {}, "integrated_gradients": {"steps": 16},
    "smooth_grad": {"samples": 16}, "smooth_grad_squared": {"samples": 16},
    "var_grad": {"samples": 16}, "expected_gradients": {"samples": 16}, "grad_cam": {},
    "grad_cam_plus_plus": {}, "layer_cam": {}, "eigen_cam": {}, "full_grad": {},
    "guided_backprop": {}, "deconvnet": {}, "rect_grad": {}, "guided_grad_cam": {}, "lrp": {},
    "deep_lift": {}, "excitation_backprop": {}, "occlusion": {"patch": 8, "stride": 8},
    "score_cam": {},
}  # fmt: skip
_FIT_SEED, _TEST_SEED = 11, 0  # of the scenes
# What other checks than `removal` and `cells` are worth: bundled nets have few bad cases of them.
_ENDS = {"stability": (0.3, 0.95), "weights": (0.9, 0.4), "gap": (0.5, 0.02)}
# No check may count for less: planted evidence is small and lies alone, so that by mass accuracy
# `cells` would count for nearly everything; on photographs it does not.
_LEAST_WEIGHTS = {"removal": 0.3, "cells": 0.1, "stability": 0.1, "weights": 0.1, "gap": 0.1}
_HITS = {"A": 0.92, "B": 0.85, "C": 0.6}  # least hit rate at the least score of a letter
Rows = dict[str, Array]  # by column, (row,)


def collect(folder: Path, seed: int, scenes: int) -> Rows:
    """Return what the checks measure, and the truth, for every net, method and scene."""
    from kerascope.loading import load_model

    found: list[dict[str, Any]] = []
    for cue in CUES:
        net = load_model(str(folder / f"{cue}.keras"))
        found += list(_of_net(net, cue, seed, scenes))
        print(f"{folder.name} {cue}: {len(found)} rows", flush=True)
    return {key: np.array([row[key] for row in found]) for key in found[0]}


def _of_net(net: Any, cue: str, seed: int, count: int) -> Iterator[dict[str, Any]]:
    from kerascope.errors import Refused
    from kerascope.explain import explain
    from kerascope.method import make_method
    from kerascope.metrics import CONTROLS
    from kerascope.metrics.localization import PointingGame, RelevanceMass
    from kerascope.metrics.subject import Subject
    from kerascope.planted.benchmark import scenes_of

    scenes = scenes_of(net, cue, count, seed)
    x = scenes.images.astype(np.float32)
    methods = [make_method(name, fields) for name, fields in METHODS.items()]
    methods += [control_method(name) for name in CONTROLS]
    for method in methods:
        try:
            result = explain(net, x, method, target=scenes.labels.tolist(), grade=True)
        except Refused:
            continue
        subject: Any = Subject(None, {}, None, result.maps(), None, scenes.evidence)  # type: ignore[arg-type]
        mass, hit = (m.measure(subject) for m in (RelevanceMass(), PointingGame(tolerance=2.0)))
        grades: Any = result.grade
        for i, grade in enumerate(grades):
            checks = {name: grade.checks.get(name, np.nan) for name in (*CHECKS, "random", "edge")}
            yield {
                "cue": cue, "method": method.name, "control": method.name in CONTROLS,
                "mass": mass[i], "hit": hit[i], **checks,
            }  # fmt: skip


def control_method(kind: str) -> Any:
    """Return a map that knows nothing of the model as a method that is not registered."""
    import dataclasses

    from kerascope.method import AttributionMethod, Need, Passes, RawMap
    from kerascope.metrics import control_maps

    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Control(AttributionMethod):
        title = kind.capitalize()
        reference = "adebayo2018sanity"
        needs = frozenset({Need.SCORES})

        def attribute(self, model: Any, x: Any, targets: Any, run: Any) -> Any:
            axes = {name: model.axes(name, array.shape[1:]) for name, array in x.items()}
            rows = np.arange(len(next(iter(x.values()))))
            maps = control_maps(kind, x, axes, rows, run.seed)
            values = {name: np.stack([m] * len(targets), axis=1) for name, m in maps.items()}
            spatial = {n: tuple(a for a in each if a != "channel") for n, each in axes.items()}
            return RawMap(values, {n: ("sample", "target", *a) for n, a in spatial.items()})

        def passes(self, shape: Any, targets: int = 1, channels: int = 1) -> Any:
            return Passes()

    Control.name = kind  # set here, it does not enter the registry
    return Control()


def fit(rows: Rows) -> Scale:
    """Return the scale that ranks maps best by mass accuracy, with letters by hit rate."""
    from scipy import stats

    ends = dict(_ENDS)
    own = ~rows["control"]
    for name in ("removal", "cells"):
        low, high = np.nanquantile(rows[name][own], (0.05, 0.95))
        ends[name] = (round(float(low), 3), round(float(high), 3))
    known = np.isfinite(rows["mass"])
    best, chosen = -1.0, None
    for weights in _weights():
        scale = Scale(ends=ends, weights=weights, least=dict.fromkeys(LETTERS, 0.0))
        rho = stats.spearmanr(scale.scores(rows)[known], rows["mass"][known])[0]
        if rho > best:
            best, chosen = rho, weights
    assert chosen is not None
    scale = Scale(ends=ends, weights=chosen, least={})
    return Scale(ends=ends, weights=chosen, least=_letters(scale.scores(rows), rows["hit"]))


def _weights() -> Iterator[dict[str, float]]:
    """Yield weights in steps of 0.1 that sum to one, none below its least."""
    free = round(10 * (1 - sum(_LEAST_WEIGHTS.values())))
    for more in itertools.product(range(free + 1), repeat=len(CHECKS)):
        if sum(more) == free:
            steps = dict(zip(CHECKS, more, strict=True))
            yield {name: round(_LEAST_WEIGHTS[name] + steps[name] / 10, 4) for name in CHECKS}


def _letters(scores: Array, hits: Array) -> dict[str, float]:
    """Return the least score of every letter: where the rate of hits, made monotone, is enough."""
    from sklearn.isotonic import IsotonicRegression

    known = np.isfinite(hits)
    curve = IsotonicRegression(out_of_bounds="clip").fit(scores[known], hits[known])
    grid = np.linspace(0, 1, 201)
    rates = curve.predict(grid)
    least = {k: grid[np.argmax(rates >= v)] if rates[-1] >= v else 1.0 for k, v in _HITS.items()}
    return {letter: round(float(value), 3) for letter, value in least.items()}


def tested(rows: Rows, scale: Scale) -> dict[str, Any]:
    """Return how well a scale does: by letter, and the rank correlation with mass accuracy."""
    from scipy import stats

    from kerascope.grading.grades import best_letter

    scores = scale.scores(rows)
    names = (*CHECKS, "random", "edge")
    each = [
        {name: float(rows[name][i]) for name in names if np.isfinite(rows[name][i])}
        for i in range(len(scores))
    ]
    letters = np.array(
        [scale.letter(float(s), best_letter(c)) for s, c in zip(scores, each, strict=True)]
    )
    found: dict[str, Any] = {}
    for who, chosen in (("methods", ~rows["control"]), ("all", np.ones(len(scores), bool))):
        known = chosen & np.isfinite(rows["mass"])
        rho = stats.spearmanr(scores[known], rows["mass"][known])[0]
        by_letter = {letter: _summary(rows, chosen & (letters == letter)) for letter in LETTERS}
        found[who] = {"spearman": round(float(rho), 3), "letters": by_letter}
    found["scores"] = {
        "score": np.round(scores, 3).tolist(), "letter": letters.tolist(),
        "hit": rows["hit"].tolist(), "mass": np.round(rows["mass"], 3).tolist(),
    }  # fmt: skip
    return found


def _summary(rows: Rows, chosen: Array) -> dict[str, Any]:
    if not chosen.any():
        return {"maps": 0, "hit": None, "mass": None}
    return {
        "maps": int(chosen.sum()),
        "hit": round(float(np.nanmean(rows["hit"][chosen])), 3),
        "mass": round(float(np.nanmean(rows["mass"][chosen])), 3),
    }


def _joined(parts: Sequence[Rows]) -> Rows:
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}


def main() -> None:
    """Collect, fit, test, and write the scale, its table and its curve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fit", type=Path, nargs="+", required=True)
    parser.add_argument("--test", type=Path, default=BUNDLED)
    parser.add_argument("--scenes", type=int, default=6)
    parser.add_argument("--out", type=Path, required=True, help="folder for grade.png")
    options = parser.parse_args()
    choose()
    os.environ["KERASCOPE_CACHE"] = "off"
    fitted = _joined([collect(folder, _FIT_SEED, options.scenes) for folder in options.fit])
    unseen = collect(options.test, _TEST_SEED, options.scenes)
    scale = fit(fitted)
    found = {name: tested(rows, scale) for name, rows in (("fit", fitted), ("test", unseen))}
    curve = found["test"].pop("scores")
    found["fit"].pop("scores")
    plain = {"ends": scale.ends, "weights": scale.weights, "least": scale.least}
    words = json.dumps({"scale": plain, **found}, indent=2)
    write_whole(SCALE, f"{words}\n".encode())
    print(words)
    from kerascope.plot.calibration import save_curve

    save_curve(options.out / "grade.png", curve, scale.least)


if __name__ == "__main__":
    main()
