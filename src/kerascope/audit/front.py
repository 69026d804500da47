"""`audit`: predictions, maps, hypotheses, interventions, findings, in that order."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kerascope.audit.choice import best_maps
from kerascope.audit.collect import PART, collected_of
from kerascope.audit.collected import Collected
from kerascope.audit.duplicates import duplicates
from kerascope.audit.evidence import evidence, least_shares, unseen
from kerascope.audit.findings import verdicts
from kerascope.audit.prepared import prepare
from kerascope.audit.quality import quality
from kerascope.audit.result import Audit
from kerascope.audit.steps import Steps
from kerascope.audit.strategies import Strategies, strategies
from kerascope.audit.tested import RATE
from kerascope.audit.whereabouts import ClassPlaces, whereabouts
from kerascope.checks import check_whole
from kerascope.engines import Engine
from kerascope.loading.preprocessing import AUTO
from kerascope.run import Run

PICTURES = 500  # of a class, that interventions work on
CLASSES = 20  # that are examined, the commonest first


def audit(
    model: Any,
    data: Any,
    folder: str | os.PathLike[str] | None = None,
    *,
    methods: Any = None,
    labels: Any = None,
    classes: Any = None,
    masks: Any = None,
    boxes: Any = None,
    meta: Mapping[str, Sequence[Any]] | None = None,
    size: int | tuple[int, int] | None = None,
    preprocess: Any = AUTO,
    fit: str = "squeeze",
    score: str = "logit",
    pictures: int = PICTURES,
    most_classes: int = CLASSES,
    batch_size: int | None = None,
    memory: int | str | None = None,
    seed: int = 0,
    engine: Engine | None = None,
) -> Audit:
    """Find out what each class of a model really hangs on, over a data set.

    What one half of the pictures have in common proposes; interventions on the other half decide: a
    cue is put into pictures of other classes, beside a matched control that is edited in the same
    way. No model is called clean: `unseen` says what could not be seen.

    Args:
        model: any Keras 3 model, untouched; or a function of a batch that gives (sample, class).
        data: a folder with a folder per class; a table of paths; arrays; any iterable: see
            `audit.source.source_of`, as for the next five. Without labels, by predicted class.
        folder: where the rows are kept, so that a run that ended early goes on; a temporary one by
            default, which is removed with the result.
        methods: that make maps, as in `explain`; None: Grad-CAM where there are positions, or
            another method of one pass with better grades, see `choice.best_maps`.
        labels: by sample, in place of those of `data`.
        classes: names of the model's classes in order.
        masks: where the object is; a few per class tell backgrounds, sizes and companions apart.
        boxes: instead of masks; or a JSON file of them by the names of the files.
        meta: further columns by name: recorder, source, hospital.
        size: as in `load_images`.
        preprocess: as there.
        fit: as there.
        score: "logit" or "probability".
        pictures: of a class, at most, that interventions work on.
        most_classes: that are examined, the commonest first.
        batch_size: rows per pass.
        memory: as in `explain`.
        seed: drives all draws.
        engine: where rows are made; `Local()` by default.

    Raises:
        BadInput, BadFile, BadTarget: data, labels or settings that do not fit.
    """
    check_whole(8, pictures=pictures)
    check_whole(1, most_classes=most_classes)
    ready = prepare(
        model, data, methods, labels=labels, classes=classes, masks=masks, boxes=boxes, meta=meta,
        size=size, preprocess=preprocess, fit=fit, score=score, batch_size=batch_size,
        memory=memory, seed=seed,
    )  # fmt: skip
    ready, why = best_maps(ready) if methods is None else (ready, ())
    place = Path(tempfile.mkdtemp(prefix="kerascope-audit-") if folder is None else folder)
    try:
        rows = collected_of(ready, place, PART, engine)
    except BaseException:
        if folder is None:
            shutil.rmtree(place, ignore_errors=True)
        raise
    if folder is None:
        weakref.finalize(rows, shutil.rmtree, place, ignore_errors=True)
    steps = Steps(ready, rows, pictures, most_classes, seed)
    steps.stopped = not rows.complete
    steps.notes += why
    return _found(steps, rows)


def _found(steps: Steps, rows: Collected) -> Audit:
    """Return all that the rows and the trials say."""
    run = Run()
    run.report("groups", 0, 2)
    ways: Strategies | None = None
    places: tuple[ClassPlaces, ...] = ()
    if steps.ready.eyes.methods:
        ways, places = strategies(rows, seed=steps.seed), whereabouts(rows)
    run.report("groups", 1, 2)
    copies = duplicates(rows)
    panel = None if steps.stopped else steps.panel(ways, copies)
    tested = [] if panel is None else steps.tested(panel)
    decided = [] if panel is None else verdicts(tested)
    findings = [] if panel is None else steps.findings(panel, decided)
    least = least_shares(steps, panel)
    named = {id(v.tested) for v in decided}
    idle = [t.effect.effect for t in tested if not t.evidence and id(t) not in named]
    notes = [*rows.notes, *(ways.notes if ways is not None else ()), *steps.notes]
    return Audit(
        model=str(rows.settings["model"]), samples=rows.samples, collected=rows,
        findings=tuple(findings),
        evidence=evidence(steps, rows, ways, places, tested, decided),
        quality=quality(rows, seed=steps.seed), strategies=ways, places=places, duplicates=copies,
        tested=len([t for t in tested if not t.evidence]), rate=RATE,
        strongest=max(idle, default=0.0), least=least,
        unseen=tuple(unseen(steps, panel, least)), passes=steps.passes,
        notes=tuple(dict.fromkeys([*notes, *([copies.words] if copies.groups else [])])),
        source=steps.ready.source, stopped=steps.stopped,
        examined=tuple(map(steps.name, steps.examined)),
        pictures=0 if panel is None else len(panel),
    )  # fmt: skip
