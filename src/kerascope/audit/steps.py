"""The steps of an audit after the rows are there: pictures, trials of every class, findings."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

import numpy as np

from kerascope.audit.classes import UNLABELLED, class_name
from kerascope.audit.collected import Collected
from kerascope.audit.duplicates import Duplicates
from kerascope.audit.examine import FEWEST_FILES, Examination
from kerascope.audit.finding import Finding, Whole, finding_of
from kerascope.audit.findings import Verdict
from kerascope.audit.gather import Frames, Known, gathered
from kerascope.audit.panel import Panel, Way, generator
from kerascope.audit.prepared import Prepared
from kerascope.audit.strategies import Strategies
from kerascope.audit.tested import Tested
from kerascope.errors import BadInput
from kerascope.resize import linear
from kerascope.run import Run
from kerascope.types import Array

_BATCH = 128  # files looked through for a cue at a time


@dataclasses.dataclass(eq=False)
class Steps:
    """What is done in turn, and what there is to know of it.

    pictures: of a class, at most. most: classes that are examined.
    """

    ready: Prepared
    rows: Collected
    pictures: int
    most: int
    seed: int

    def __post_init__(self) -> None:
        self.known = Known.of(self.rows)
        self.labelled = bool((self.known.labels != UNLABELLED).any())
        self.notes: list[str] = []
        self.passes, self.stopped = 0, False
        self.examined: list[int] = []
        self._at = (0, 0)  # classes that are done, of so many

    def name(self, index: int) -> str:
        """Return the name of a class."""
        return class_name(index, self.ready.source.classes)

    def panel(self, ways: Strategies | None, copies: Duplicates) -> Panel | None:
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
        # Of equal bytes only: the same mark makes pictures nearly alike that are no copies.
        twins = [group.ids for group in copies.groups if group.exact]
        try:
            panel = gathered(
                self.ready, self.known, self.rows, twins=twins,
                seed=self.seed, most=self.pictures, most_classes=max(2, self.most),
            )  # fmt: skip
        except BadInput as error:
            self.notes.append(f"no interventions: {error}")
            return None
        return dataclasses.replace(panel, ways=ways_of(ways, panel), ask=self._told(panel.ask))

    def _told(self, ask: Callable[[Array], Array]) -> Callable[[Array], Array]:
        """Return what asks the model and says so: a class takes long, and may be cancelled."""
        run = Run()

        def told(pictures: Array) -> Array:
            if self._at[1]:
                run.report("classes", *self._at)
            return ask(pictures)

        return told

    def tested(self, panel: Panel) -> list[Tested]:
        """Return what was tested, of every class with files enough."""
        found: list[Tested] = []
        run, failed = Run(), 0
        labels = self._able(panel)
        with run.stoppable():
            for done, label in enumerate(labels):
                self._at = (done, len(labels))
                run.report("classes", *self._at)
                draw = generator(self.seed, 2**33 + label)
                examination = Examination(panel, label, draw, run.stop)
                found += examination.run()
                self.passes += examination.trials.passes
                failed += examination.trials.failed
                if run.stop.is_set():
                    run.stopped = self.stopped = True
                    left = _listed([self.name(k) for k in labels[done:]])
                    self.notes.append(f"stopped: not examined, or not to the end: {left}")
                    break
                self.examined.append(label)
        run.report("classes", len(labels), len(labels))
        if failed:
            self.notes.append(
                f"the model gave no numbers for {failed} of {self.passes} edited pictures; they "
                "count for nothing"
            )
        return found

    def _able(self, panel: Panel) -> list[int]:
        """Return the classes with files enough, the commonest first; note the others."""
        kinds = np.unique(self.known.classes[self.known.classes != UNLABELLED])
        labels, counts = np.unique(panel.labels, return_counts=True)
        left = sorted({*kinds.tolist()} - {*labels.tolist()})
        order = np.argsort(-counts, kind="stable")
        ranked = [(int(labels[i]), int(counts[i])) for i in order]
        able = [
            k for k, n in ranked if n >= 2 * FEWEST_FILES and len(panel) - n >= 2 * FEWEST_FILES
        ]
        few = [k for k, _ in ranked if k not in able]
        for why, classes in (
            (f"for want of files (at least {2 * FEWEST_FILES}, and as many of others)", few),
            (f"most_classes={self.most} or for want of memory", [*able[self.most :], *left]),
        ):
            if classes:
                self.notes.append(f"not examined, {why}: {_listed(list(map(self.name, classes)))}")
        if len(ranked) < 2:
            self.notes.append("all samples are of one class: there is no other to put a cue into")
        return able[: self.most]

    def findings(self, panel: Panel, decided: list[Verdict]) -> list[Finding]:
        """Return what acts, with the files of the whole data that carry it."""
        names = tuple(self.name(k) for k in range(self.ready.eyes.classes))
        paths = self.ready.source.paths
        told = {int(i): paths[int(i)] if paths else f"sample {int(i)}" for i in panel.ids}
        return [
            finding_of(verdict, panel, names, told, self._whole(panel, verdict))
            for verdict in decided
        ]

    def _whole(self, panel: Panel, verdict: Verdict) -> Whole:
        """Return all files of the class, those that carry the cue, and those that are right."""
        tested = verdict.tested
        own = self.known.classes == tested.label
        ids, right = self.known.ids[own], self.known.predicted[own] == tested.label
        carriers = None
        if tested.carriers is not None:
            rows = tested.carriers & (panel.labels == tested.label)
            carriers = set(panel.ids[rows].tolist())
            rest = np.setdiff1d(ids, panel.ids)
            if tested.finds is not None and len(rest):
                for batch, pixels in self._batches(rest):
                    carriers |= set(np.array(batch)[tested.finds(pixels)].tolist())
        return Whole(ids=ids, right=right if self.labelled else None, carriers=carriers)

    def _batches(self, ids: Array) -> Iterator[tuple[list[int], Array]]:
        """Yield samples by number, a few at a time, as pictures."""
        frames, batch, pictures = Frames(self.ready), [], []
        for handle in frames.handles(ids):
            found = frames.read_in(handle)
            if found is not None:
                batch.append(handle.id)
                pictures.append(found[0])
            if len(batch) == _BATCH:
                yield batch, np.stack(pictures)
                batch, pictures = [], []
        if batch:
            yield batch, np.stack(pictures)


def ways_of(ways: Strategies | None, panel: Panel) -> dict[int, tuple[Way, ...]]:
    """Return by class its strategies, where there are several: files, and where they look."""
    found: dict[int, tuple[Way, ...]] = {}
    for one in ways.classes if ways is not None else ():
        means = np.stack([s.mean for s in one.strategies]) if one.strategies else np.zeros(0)
        if len(means) < 2 or means.ndim != 3:
            continue
        finer = linear(means.astype(np.float32), panel.size)
        rest = (finer.sum(axis=0) - finer) / (len(finer) - 1)
        more = np.maximum(finer - rest, 0)
        areas = more > more.max(axis=(1, 2), keepdims=True) / 2
        found[one.label] = tuple(
            Way(rows=np.isin(panel.ids, s.members), area=area)
            for s, area in zip(one.strategies, areas, strict=True)
        )
    return found


def _listed(names: list[str]) -> str:
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
