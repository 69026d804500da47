"""What masks allow: swap backgrounds, enlarge objects, look for a companion of the object."""

from __future__ import annotations

import dataclasses
import functools
from functools import cached_property

import numpy as np
from scipy import stats

from kerascope.audit.interventions import edits
from kerascope.audit.interventions.effect import Effect
from kerascope.audit.interventions.objects import without_objects, zoomed
from kerascope.audit.interventions.trial import Edit, Trials
from kerascope.types import Array

_MOST = 60  # masked pictures of a class
FEWEST = 6  # masked pictures of a class
_LEAST_SIZE_P = 0.1
_STANDS_OUT = 0.9  # quantile of the others' sizes beyond which a size is the class's
_WINDOW, _STEP = 1 / 3, 1 / 6  # of a side
_SEARCHED = 20  # donors whose windows are tried
_ASKED = 4  # receivers of each window, while the best one is looked for


@dataclasses.dataclass(eq=False)
class Masked:
    """Trials about one class on the pictures with masks."""

    trials: Trials
    left_out: Array | None = None

    def leave_out(self, rows: Array) -> None:
        """Let pictures, bool (picture,), give nothing: they carry a cue that is known."""
        self.left_out = rows
        self.__dict__.pop("donors", None)

    @cached_property
    def rows(self) -> Array:
        """Return rows with masks, a bounded number of each class."""
        panel = self.trials.panel
        rows = np.flatnonzero(panel.masked)
        kept = [rows[panel.labels[rows] == k][:_MOST] for k in np.unique(panel.labels[rows])]
        return np.sort(np.concatenate(kept)) if kept else rows

    @cached_property
    def masks(self) -> Array:
        """Return (row of the panel) masks."""
        masks = self.trials.panel.masks
        assert masks is not None
        return masks

    @cached_property
    def donors(self) -> Array:
        """Return masked rows of the class."""
        own = self.rows[self.trials.panel.labels[self.rows] == self.trials.label]
        return own if self.left_out is None else own[~self.left_out[own]]

    @cached_property
    def controls(self) -> Array:
        """Return masked rows of the other classes."""
        return self.rows[self.trials.panel.labels[self.rows] != self.trials.label]

    @cached_property
    def receivers(self) -> Array:
        """Return masked rows of the other classes that are not taken for the class."""
        rows = self.controls[self.trials.panel.predicted[self.controls] != self.trials.label]
        return self.trials.generator.permutation(rows)

    @property
    def enough(self) -> bool:
        """Say whether there are masks enough to try anything."""
        return min(len(self.donors), len(self.controls), len(self.receivers)) >= FEWEST

    def ground(self, rows: Array) -> Array:
        """Return backgrounds of rows, each filled in once for all classes."""
        known = self.trials.panel.grounds
        for row in np.setdiff1d(rows, list(known)):
            filled = without_objects(self.trials.pixels(row[None]), self.masks[row[None]])[0]
            known[int(row)] = np.clip(np.rint(filled), 0, 255).astype(np.uint8)
        return np.stack([known[int(row)] for row in rows]).astype(np.float32)

    def background(self) -> Effect | None:
        """Put receivers' objects in front of donors' backgrounds."""
        pixels = self.trials.pixels
        return self._run(lambda r, d: edits.paste(self.ground(d), pixels(r), self.masks[r]))

    def object(self) -> Effect | None:
        """Put donors' objects in front of receivers' backgrounds."""
        pixels = self.trials.pixels
        return self._run(lambda r, d: edits.paste(self.ground(r), pixels(d), self.masks[d]))

    def background_alone(self, edit: Edit, donors: Array, controls: Array) -> Effect | None:
        """Apply an edit to all of the receivers but their objects."""

        def only(receivers: Array, given: Array) -> Array:
            whole = self.trials.pixels(receivers)
            return edits.paste(whole, edit(receivers, given), ~self.masks[receivers])

        return self.trials.run(only, donors, controls, receivers=self.receivers)

    def whole(self, edit: Edit, donors: Array, controls: Array) -> Effect | None:
        """Apply an edit to the whole of the same receivers."""
        return self.trials.run(edit, donors, controls, receivers=self.receivers)

    def size(self) -> Effect | None:
        """Zoom until receivers' objects are as large as donors'; None where sizes tell nothing."""
        area = self.masks.mean(axis=(1, 2))
        own, others = area[self.donors], area[self.controls]
        # The side on which sizes go further beyond the others', all of them together.
        cuts = {s: float(np.quantile(s * others, _STANDS_OUT)) for s in (1, -1)}
        further = {s: np.log(own / abs(cut)) * s for s, cut in cuts.items()}
        sign = max(cuts, key=lambda s: further[s].clip(min=0).sum())
        donors, some = self.donors[further[sign] > 0], (sign * others > cuts[sign]).sum()
        counts = [[len(donors), some], [len(own) - len(donors), len(others) - some]]
        if len(donors) < FEWEST or stats.fisher_exact(counts).pvalue > _LEAST_SIZE_P:
            return None
        near = self.controls[np.argsort(-sign * others)][: max(2 * FEWEST, len(donors))]

        def scaled(receivers: Array, given: Array) -> Array:
            by = np.sqrt(area[given] / area[receivers])
            return zoomed(self.trials.pixels(receivers), self.masks[receivers], by)

        return self.trials.run(scaled, donors, near, receivers=self.receivers)

    def companion(self) -> Effect | None:
        """Paste the window beside each object that does most; of the controls', chosen alike.

        None where it does no more than a middling window: then it is no thing but the ground.
        """
        own, others = self._windows(self.donors), self._windows(self.controls)
        if min(len(own), len(others)) < FEWEST:
            return None
        windows = own | others
        best, middling = (
            self.trials.run(
                functools.partial(self._pasted, windows=windows, rank=rank),
                np.array([*own]), np.array([*others]), receivers=self.receivers,
            )
            for rank in (0, 1)
        )  # fmt: skip
        if best is None or middling is None or middling.effect > best.effect / 2:
            return None
        return best

    def _windows(self, donors: Array) -> dict[int, tuple[Array, Array]]:
        """Return by donor the window outside its object that does most, and the middling one."""
        windows = _windows(*self.trials.panel.size)
        found: dict[int, tuple[Array, Array]] = {}
        for donor in self.trials.generator.permutation(donors)[:_SEARCHED]:
            free = [w for w in windows if (w & self.masks[donor]).sum() < 0.1 * w.sum()]
            if len(free) < 3:
                continue
            rows = self.receivers[:_ASKED]
            pictures = np.concatenate([
                edits.paste(self.trials.pixels(rows), self.trials.pixels(donor[None]), w)
                for w in free
            ])  # fmt: skip
            gains = self.trials.ask(pictures).reshape(len(free), -1).mean(axis=1)
            order = np.argsort(-gains)
            found[int(donor)] = free[order[0]], free[order[len(order) // 2]]
        return found

    def _pasted(
        self, receivers: Array, donors: Array, *, windows: dict[int, tuple[Array, Array]], rank: int
    ) -> Array:
        where = np.stack([windows[int(d)][rank] for d in donors])
        return edits.paste(self.trials.pixels(receivers), self.trials.pixels(donors), where)

    def _run(self, edit: Edit) -> Effect | None:
        return self.trials.run(edit, self.donors, self.controls, receivers=self.receivers)


def _windows(height: int, width: int) -> list[Array]:
    found = []
    for y in np.arange(0, 1 - _WINDOW + 1e-6, _STEP):
        for x in np.arange(0, 1 - _WINDOW + 1e-6, _STEP):
            window = np.zeros((height, width), bool)
            window[
                round(y * height) : round((y + _WINDOW) * height),
                round(x * width) : round((x + _WINDOW) * width),
            ] = True
            found.append(window)
    return found
