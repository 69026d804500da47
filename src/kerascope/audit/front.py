"""`audit`: predictions, maps, hypotheses, interventions, findings, in that order."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kerascope.audit.classes import UNLABELLED, class_name
from kerascope.audit.collect import PART, collected_of
from kerascope.audit.collected import Collected
from kerascope.audit.duplicates import Duplicates, duplicates
from kerascope.audit.examine import FEWEST_FILES, Examination, Tested
from kerascope.audit.finding import Finding, finding_of
from kerascope.audit.findings import LEAST, RATE, SAME_PIXELS, verdicts
from kerascope.audit.gather import Known, gathered
from kerascope.audit.hypotheses.same_pixels import smallest
from kerascope.audit.metadata import differences
from kerascope.audit.panel import Panel
from kerascope.audit.prepared import Prepared, prepare
from kerascope.audit.quality import quality
from kerascope.audit.result import Audit
from kerascope.audit.strategies import Strategies, strategies
from kerascope.audit.whereabouts import ClassPlaces, whereabouts
from kerascope.checks import check_whole
from kerascope.engines import Engine
from kerascope.errors import BadInput
from kerascope.loading.preprocessing import AUTO
from kerascope.run import Run

PICTURES = 500  # of a class, that interventions work on
CLASSES = 20  # that are examined, the commonest first
_SEEN = 3  # regions of evidence told of a class


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
        methods: that make maps, as in `explain`; None: Grad-CAM where there are positions.
        labels: by sample, in place of those of `data`.
        classes: names of the model's classes in order.
        masks: where the object is; a few per class tell backgrounds, sizes and companions apart.
        boxes: instead of masks.
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
    place = Path(tempfile.mkdtemp(prefix="kerascope-audit-") if folder is None else folder)
    try:
        rows = collected_of(ready, place, PART, engine)
    except BaseException:
        if folder is None:
            shutil.rmtree(place, ignore_errors=True)
        raise
    if folder is None:
        weakref.finalize(rows, shutil.rmtree, place, ignore_errors=True)
    return _Findings(ready, rows, pictures, most_classes, seed).run()


class _Findings:
    """The steps after the rows are there."""

    def __init__(
        self, ready: Prepared, rows: Collected, pictures: int, most_classes: int, seed: int
    ) -> None:
        self.ready, self.rows, self.seed = ready, rows, seed
        self.pictures, self.most = pictures, most_classes
        self.known = Known.of(rows)
        self.labelled = bool((self.known.labels != UNLABELLED).any())
        self.notes = list(rows.notes)
        self.passes, self.stopped = 0, False

    def run(self) -> Audit:
        """Return all that was found."""
        good = quality(self.rows, seed=self.seed)
        panel = self._panel()
        tested = [] if panel is None else self._tested(panel)
        findings = [] if panel is None else self._findings(panel, tested)
        ways, places = self._maps()
        settings = self.rows.settings
        copies = self._duplicates()
        effects = [t.effect.effect for t in tested if t.family not in ("region", "object")]
        return Audit(
            model=str(settings["model"]), samples=self.rows.samples, collected=self.rows,
            findings=tuple(findings), evidence=self._evidence(ways, places, tested), quality=good,
            strategies=ways, places=places, duplicates=copies, tested=len(tested), rate=RATE,
            strongest=max(effects, default=0.0), least=self._least(panel),
            unseen=tuple(self._unseen(panel)), passes=self.passes,
            notes=tuple(dict.fromkeys(self.notes)), source=self.ready.source,
            stopped=self.stopped or not self.rows.complete,
        )  # fmt: skip

    # --- interventions -------------------------------------------------------------------------

    def _panel(self) -> Panel | None:
        """Return pictures for interventions; None, with a note, where there are none."""
        if self.ready.eyes.classes < 2:
            self.notes.append(
                "the model gives one number and no classes: interventions need classes to turn to"
            )
            return None
        bare = int((self.known.labels == UNLABELLED).sum())
        if self.labelled and bare:
            self.notes.append(
                f"{bare} of {len(self.known.ids)} samples have no label: no intervention uses them"
            )
        try:
            return gathered(
                self.ready, self.known, seed=self.seed, most=self.pictures,
                most_classes=max(2, self.most),
            )  # fmt: skip
        except BadInput as error:
            self.notes.append(f"no interventions: {error}")
            return None

    def _tested(self, panel: Panel) -> list[Tested]:
        """Return what was tested, of every class with files enough."""
        found: list[Tested] = []
        run, failed = Run(), 0
        names = self._examined(panel)
        with run.stoppable():
            for done, label in enumerate(names):
                run.report("classes", done, len(names))
                draw = np.random.Generator(
                    np.random.Philox(key=[self.seed & (2**64 - 1), 2**33 + label])
                )
                examination = Examination(panel, label, draw)
                found += examination.run()
                self.passes += examination.trials.passes
                failed += examination.trials.failed
                if run.stop.is_set():
                    run.stopped = self.stopped = True
                    left = ", ".join(self._name(k) for k in names[done + 1 :])
                    self.notes += [f"stopped: not examined: {left}"] if left else []
                    break
        run.report("classes", len(names), len(names))
        if failed:
            self.notes.append(
                f"the model gave no numbers for {failed} of {self.passes} edited pictures; they "
                "count for nothing"
            )
        return found

    def _examined(self, panel: Panel) -> list[int]:
        """Return the classes with files enough, the commonest first; note the others."""
        kinds = np.unique(self.known.classes[self.known.classes != UNLABELLED])
        left = sorted({*kinds.tolist()} - {*np.unique(panel.labels).tolist()})
        if left:
            self.notes.append(
                "not examined, for most_classes or for want of memory: "
                + _listed([self._name(k) for k in left])
            )
        labels, counts = np.unique(panel.labels, return_counts=True)
        order = np.argsort(-counts, kind="stable")
        ranked = [(int(labels[i]), int(counts[i])) for i in order]
        few = [self._name(k) for k, n in ranked if n < 2 * FEWEST_FILES]
        if few:
            self.notes.append(
                f"not examined, for want of files (at least {2 * FEWEST_FILES}): {_listed(few)}"
            )
        able = [k for k, n in ranked if n >= 2 * FEWEST_FILES]
        if len(able) > self.most:
            rest = _listed([self._name(k) for k in able[self.most :]])
            self.notes.append(f"not examined, most_classes={self.most}: {rest}")
        if len(ranked) < 2:
            self.notes.append("all samples are of one class: there is no other to put a cue into")
            return []
        return able[: self.most]

    def _findings(self, panel: Panel, tested: list[Tested]) -> list[Finding]:
        names = tuple(self._name(k) for k in range(self.ready.eyes.classes))
        paths = self.ready.source.paths
        told = {int(i): paths[int(i)] if paths else f"sample {int(i)}" for i in panel.ids}
        return [
            finding_of(verdict, panel, names, told, labelled=self.labelled)
            for verdict in verdicts(tested)
        ]

    # --- what needs no intervention ------------------------------------------------------------

    def _maps(self) -> tuple[Strategies | None, tuple[ClassPlaces, ...]]:
        if not self.ready.eyes.methods:
            return None, ()
        ways = strategies(self.rows, seed=self.seed)
        self.notes += ways.notes
        return ways, whereabouts(self.rows)

    def _duplicates(self) -> Duplicates:
        found = duplicates(self.rows)
        if found.groups:
            self.notes.append(found.words)
        return found

    def _evidence(
        self, ways: Strategies | None, places: tuple[ClassPlaces, ...], tested: list[Tested]
    ) -> dict[str, dict[str, Any]]:
        """Return by class where evidence lies, its strategies, and which places act."""
        found: dict[str, dict[str, Any]] = {}
        for one in places:
            found.setdefault(one.name, {})["places"] = [p.words for p in one.places[:_SEEN]]
        for way in ways.classes if ways is not None else ():
            found.setdefault(way.name, {})["strategies"] = way.words
        for test in tested:
            if test.family in ("region", "object"):
                acts = found.setdefault(self._name(test.label), {}).setdefault("acts", {})
                acts[test.name] = round(test.effect.effect, 3)
        for test in tested:
            if test.family in SAME_PIXELS and test.effect.effect < LEAST[test.family]:
                idle = found.setdefault(self._name(test.label), {}).setdefault("idle", [])
                idle.append(_idle(test, self._name(test.label)))
        for name, words in differences(self.rows).items():
            found.setdefault(name, {})["metadata"] = words
        return found

    def _least(self, panel: Panel | None) -> dict[str, float]:
        """Return by class the smallest share of files whose common overlay could be seen."""
        if panel is None:
            return {}
        counts = {int(k): int((panel.labels == k).sum()) for k in np.unique(panel.labels)}
        return {self._name(k): smallest(n, len(panel) - n) for k, n in counts.items()}

    def _unseen(self, panel: Panel | None) -> list[str]:
        if panel is None:
            return ["no intervention was made: what the model hangs on was not tested"]
        least = self._least(panel)
        seen = [share for share in least.values() if share <= 1]
        apart = (
            "what sets a class apart in every file and nowhere else: here that is the class, and "
            "only a second data set tells them apart"
        )
        words = ["a cue that no picture here holds, or that all classes hold alike", apart]
        if seen:
            words.append(
                f"overlays in less than {min(seen):.0%} of a class's files (in classes with fewer "
                f"files, {max(seen):.0%}); traits and places need more"
            )
        if panel.masks is None:
            words.append(
                "backgrounds apart from objects, companions of the object and its size: about 20 "
                "rough masks a class show them (masks=)"
            )
        if not self.labelled:
            words.append("what is right: without labels, classes are what the model predicts")
        return words

    def _name(self, index: int) -> str:
        return class_name(index, self.ready.source.classes)


def _idle(test: Tested, name: str) -> str:
    """Say that files share pixels which do not act."""
    assert test.carriers is not None
    return (
        f"{int(test.carriers.sum())} files, most of {name}, share the same pixels; pasted into "
        f"others they turn {max(0.0, test.effect.effect):.0%} beyond the control: the model does "
        "not hang on them"
    )


def _listed(names: list[str]) -> str:
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
