"""`probe`: what linear probes read off the layers of a model."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from kerascope.checks import check_whole
from kerascope.concepts.examples import Reader, examples_of, listed
from kerascope.concepts.made import provenance
from kerascope.concepts.probe.labels import Labels, folds_of, labels_of, shuffled
from kerascope.concepts.probe.linear import chosen_strength, cross_validated, interval, score
from kerascope.concepts.probe.result import Probes
from kerascope.errors import BadInput, BadLayer
from kerascope.hooks import HookedModel, Site
from kerascope.inside.net import net_of
from kerascope.memory import budget
from kerascope.run import Run
from kerascope.types import Array

_FEW = 50  # examples from which on nothing is said


def probe(
    model: Any,
    inputs: Any,
    labels: Any,
    layers: Any = None,
    *,
    pool: str | None = "mean",
    folds: int = 5,
    shuffles: int = 3,
    strength: float | None = None,
    most: int = 12,
    preprocess: Any = "auto",
    seed: int = 0,
    batch_size: int | None = None,
    memory: int | str | None = None,
) -> Probes:
    """Fit a linear probe to every layer's activations, and say how well it tells the labels.

    Accuracy by stratified cross-validation (Alain and Bengio 2016), beside the largest class alone
    and a control task, the same labels shuffled (Hewitt and Liang 2019): what a probe reaches there
    it does not read off the layer. Their difference is the layer's selectivity.

    Args:
        model: any Keras 3 model, untouched, or a `HookedModel`.
        inputs: a folder, a list of files, what `load_images` returns, or inputs.
        labels: one for each example: whole numbers or words are classes, floats are numbers, told
            by ridge regression with R² in place of accuracy.
        layers: paths, unique ends of such, indices or `Site`s; None: `most` layers from first to
            last.
        pool: "mean" over positions, or None: all values of a layer.
        folds: parts of the cross-validation.
        shuffles: control tasks.
        strength: of the data against the penalty; None: chosen inside each training part.
        most: layers that None takes.
        preprocess: of pictures in files, as in `load_images`.
        seed: drives all splits and shuffles.
        batch_size: rows per pass.
        memory: bytes, or words such as "512MB", that bound the activations held.

    Raises:
        BadLayer: no such layer. BadInput: inputs and labels do not fit each other or the model.
    """
    started = time.perf_counter()
    check_whole(1, batch_size=batch_size, shuffles=shuffles, most=most)
    check_whole(2, folds=folds)
    if strength is not None and not strength > 0:
        raise BadInput(f"strength={strength} must be above 0")
    truth, view = labels_of(labels), HookedModel(net_of(model), batch_size=batch_size)
    examples = examples_of(view.model, inputs, "inputs", preprocess)
    if layers is None:
        view.read(examples.first())
        layers = _spread(view, most)
    reader = Reader(view, listed(layers), pool, budget(memory))
    vectors = reader.vectors(examples)
    count = len(next(iter(vectors.values())))
    if count != len(truth):
        raise BadInput(f"there are {len(truth)} labels for {count} examples")
    notes = (*view.notes, *_notes(truth, folds))
    folds, run = min(folds, truth.smallest), Run(seed=seed)
    found = [
        _probed(vectors.pop(site), truth, folds, shuffles, strength, run) for site in reader.sites
    ]
    fields = {"pool": pool, "folds": folds, "shuffles": shuffles, "strength": strength}
    made = provenance(view, "probe", fields, "labels", seed, started)
    return _result(reader, truth, found, notes, made)


def _result(
    reader: Reader, truth: Labels, found: list[Any], notes: tuple[str, ...], made: Any
) -> Probes:
    values, intervals, control, said = (np.array(part) for part in zip(*found, strict=True))
    return Probes(
        layers=tuple(map(str, reader.sites)),
        values=values,
        intervals=intervals,
        control=control,
        baseline=truth.baseline,
        predictions=said,
        labels=truth.codes,
        classes=truth.classes,
        features=tuple(int(np.prod(reader.feature_shape(site))) for site in reader.sites),
        notes=notes,
        provenance=made,
    )


def _spread(view: HookedModel, most: int) -> list[Site]:
    """Return layers spread evenly from the first to the last."""
    found = [c.site for c in view.survey.calls if c.leaf and not c.alias and c.merge == 1]
    if not found:
        raise BadLayer("the model has no layer whose rows are samples; name some: layers=[…]")
    places = np.linspace(0, len(found) - 1, min(most, len(found))).round().astype(int)
    return [found[place] for place in places]


def _notes(labels: Labels, folds: int) -> list[str]:
    notes = []
    if labels.smallest < folds:
        notes.append(
            f"the rarest class has {labels.smallest} examples: {labels.smallest} folds, not {folds}"
        )
    if len(labels) < _FEW:
        notes.append(f"{len(labels)} examples are few: see the intervals before you compare layers")
    return notes


def _probed(
    rows: Array, labels: Labels, folds: int, shuffles: int, strength: float | None, run: Run
) -> tuple[float, tuple[float, float], list[float], Array]:
    """Return score, interval, scores of the control tasks, and predictions of one layer."""
    split = folds_of(labels, folds, run.generator(0))
    strengths = tuple(
        strength or chosen_strength(rows, labels, np.flatnonzero(split != fold))
        for fold in range(folds)
    )
    said = cross_validated(rows, labels, split, strengths)
    control = []
    for k in range(shuffles):
        other = shuffled(labels, run.generator(1 + k))
        parts = folds_of(other, folds, run.generator(1 + k, 1))
        control.append(score(other, cross_validated(rows, other, parts, strengths)))
    return score(labels, said), interval(labels, said, run.generator(0, 2)), control, said
