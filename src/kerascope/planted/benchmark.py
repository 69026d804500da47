"""Score methods on nets whose evidence is known: which one to trust for what."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascope.errors import BadInput, Refused, choices
from kerascope.evaluate import evaluate
from kerascope.explain import explain
from kerascope.method import make_method, registry, told_apart
from kerascope.metrics import CONTROLS, make_metric
from kerascope.metrics.localization import PointingGame
from kerascope.metrics.statistics import Mean, mean_of
from kerascope.planted.scenes import CUES, Planted, make_planted

if TYPE_CHECKING:
    from collections.abc import Callable

    from kerascope.attribution import Attribution
    from kerascope.types import Array

_DATA = resources.files("kerascope.planted") / "data"
_SEED = 5_000_000  # far from those of training and testing
_SURPLUS = 4  # scenes drawn for one that is kept: rightly predicted, with evidence to point to
# Settings that suit pictures of 48 pixels.
_FIT: dict[str, dict[str, Any]] = {
    "occlusion": {"patch": 8, "stride": 4},
    "d_rise": {"masks": 1000},
    "extremal_perturbation": {"steps": 200},
    "rise": {"masks": 1000},
    "sobol": {"designs": 8},
}
MEASURES = ("mass", "rank", "pointing", "false evidence")
HIGHER = (True, True, True, False)


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Benchmark:
    """How well methods find planted evidence.

    Attributes:
        values: (method, cue, measure, sample) in 0 … 1, NaN where undefined or refused.
        methods: names; the last ones are controls. cues: what was planted.
        measures: share of the map on the evidence; share of as many highest pixels as it has; peak
            on it (2 pixels off at most); share of the map on distractors, which is false.
        chance: (cue,) share of the pixels that the evidence covers.
        notes: what was left out, and why.
    """

    values: Array
    methods: tuple[str, ...]
    controls: tuple[str, ...]
    cues: tuple[str, ...]
    chance: Array
    notes: tuple[str, ...]
    measures: tuple[str, ...] = MEASURES

    def mean(self, method: str, cue: str | None, measure: str) -> Mean:
        """Return the mean with its 95 % interval; over all cues for None."""
        asked = ((method, self.methods), (measure, self.measures), (cue or "", ("", *self.cues)))
        for name, known in asked:
            if name not in known:
                raise BadInput(f"'{name}' was not measured{choices(name, known)}")
        row = self.values[self.methods.index(method), :, self.measures.index(measure)]
        return mean_of(row.ravel() if cue is None else row[self.cues.index(cue)])

    def ranked(self, measure: str = "mass") -> tuple[str, ...]:
        """Return the methods, the best over all cues first; those without a value last."""
        self.mean(self.methods[0], None, measure)  # an unknown measure is an error
        way = -1 if HIGHER[self.measures.index(measure)] else 1
        means = {method: self.mean(method, None, measure).value for method in self.methods}
        return tuple(sorted(means, key=lambda m: (np.isnan(means[m]), way * means[m])))

    def rows(self, measure: str = "mass") -> tuple[tuple[Any, ...], ...]:
        """Return (method, over all, one per cue …) means, the best first."""
        return tuple(
            (m, *(self.mean(m, cue, measure).value for cue in (None, *self.cues)))
            for m in self.ranked(measure)
        )

    def plot(self, measure: str = "mass") -> Any:
        """Return a matplotlib figure: a table of means in colour, the best method first."""
        from kerascope.plot.evaluation import table_figure

        rows = self.rows(measure)
        return table_figure(
            np.array([row[1:] for row in rows], float), [row[0] for row in rows],
            ("all", *self.cues), self.controls, measure,
            higher=HIGHER[self.measures.index(measure)],
        )  # fmt: skip


def facts() -> dict[str, Any]:
    """Return what the training script measured: accuracies with, without and beside the cue."""
    found: dict[str, Any] = json.loads((_DATA / "facts.json").read_text(encoding="utf-8"))
    return found


def load_planted(cue: str) -> Any:
    """Return the bundled net that decides by a cue; raise `BadInput` for an unknown one."""
    from kerascope.loading import load_model

    if cue not in CUES:
        raise BadInput(f"cue '{cue}' is not known{choices(cue, CUES)}")
    with resources.as_file(_DATA / f"{cue}.keras") as path:
        return load_model(str(path))


def benchmark(
    methods: Any = None,
    cues: str | Sequence[str] | None = None,
    *,
    samples: int = 24,
    seed: int = 0,
    report: Callable[[str], None] | None = None,
) -> Benchmark:
    """Score methods on the bundled nets, whose deciding evidence is known.

    Args:
        methods: one or several, as in `explain`; None: all that are registered.
        cues: one or several names from `CUES`; None: all.
        samples: scenes per cue: fresh, rightly predicted, of a class whose evidence is somewhere.
        seed: of scenes and methods; the nets have seen none of these scenes.
        report: told where it is.

    Raises:
        BadInput: an unknown cue or method. Refused: no method takes any of the nets.
    """
    if samples < 1:
        raise BadInput(f"samples={samples} must be at least 1")
    chosen = list(CUES) if cues is None else [cues] if isinstance(cues, str) else list(cues)
    if not chosen:
        raise BadInput("cues is empty: there is nothing to measure")
    values = _methods(methods)
    names = told_apart([value.name for value in values])
    found = np.full((len(values) + len(CONTROLS), len(chosen), len(MEASURES), samples), np.nan)
    notes: list[str] = []
    chance = np.zeros(len(chosen))
    for c, cue in enumerate(chosen):
        net = load_planted(cue)
        scenes = scenes_of(net, cue, samples, seed)
        chance[c] = scenes.evidence.mean()
        x = scenes.images.astype(np.float32)
        results: dict[str, Attribution] = {}
        for name, value in zip(names, values, strict=True):
            if report is not None:
                report(f"{cue}, {name}")
            try:
                results[name] = explain(
                    net, x, value, target=[int(label) for label in scenes.labels], seed=seed
                )
            except Refused as error:
                notes.append(f"{name} on '{cue}' is left out: {error}")
        if results:
            _fill(found[:, c], net, x, scenes, results, names, seed)
    if np.isnan(found[: len(values)]).all():
        raise Refused(f"no method could be measured: {'; '.join(notes)}")
    return Benchmark(
        values=found,
        methods=(*names, *CONTROLS),
        controls=tuple(CONTROLS),
        cues=tuple(chosen),
        chance=chance,
        notes=tuple(notes),
    )


def _methods(methods: Any) -> list[Any]:
    if methods is None:
        return [make_method(name, _FIT.get(name, {})) for name in registry()]
    items = [methods] if isinstance(methods, (str, type)) or hasattr(methods, "name") else methods
    values = [make_method(m, _FIT.get(m, {}) if isinstance(m, str) else {}) for m in items]
    if not values:
        raise BadInput("methods is empty: there is nothing to measure")
    return values


def scenes_of(net: Any, cue: str, samples: int, seed: int) -> Planted:
    """Return fresh scenes that the net gets right, of a class that has evidence."""
    scenes = make_planted(cue, _SURPLUS * samples + 8, seed=_SEED + seed)
    said = net.predict(scenes.images.astype(np.float32), batch_size=64, verbose=0).argmax(axis=1)
    good = (said == scenes.labels) & (CUES[cue].both | (scenes.labels == 1))
    return scenes[np.flatnonzero(good)[:samples]]


def _fill(
    found: Array, net: Any, x: Array, scenes: Planted, results: dict[str, Attribution],
    names: list[str], seed: int,
) -> None:  # fmt: skip
    """Enter (method, measure, sample) values of one cue."""
    places = [names.index(name) for name in results]
    places += [len(names) + k for k in range(len(CONTROLS))]
    right = ["relevance_mass", "relevance_rank", PointingGame(tolerance=2.0)]
    for masks, metrics, at in (
        (scenes.evidence, right, slice(0, 3)),
        (scenes.distractors, ["relevance_mass"], slice(3, 4)),
    ):
        measured = evaluate(
            net, x, list(results.values()), [make_metric(m) for m in metrics],
            target=[int(label) for label in scenes.labels], masks=masks, seed=seed,
        )  # fmt: skip
        found[places, at, : len(scenes)] = measured.values
