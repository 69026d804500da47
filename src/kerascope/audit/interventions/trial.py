"""Trials: pictures of other classes get the cue from donors, and a matched control gets its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from kerascope.audit.interventions.effect import Effect, effect_of, margins
from kerascope.audit.panel import Panel
from kerascope.types import Array

DECIDE = 120  # edits of a trial, and of its control
_EACH, _CONTROLS = 16, 16  # receivers of one donor at most, and controls at least
_CHUNK = 32  # pictures edited at a time
_SHOWN = 3  # turned pictures that are kept
Edit = Callable[[Array, Array], Array]  # rows of receivers and of donors → edited pictures


class Turned(NamedTuple):
    """A picture that became the class: its row, and uint8 (y, x, channel) after the edit."""

    row: int
    pixels: Array


class Trials:
    """Trials about one class; `turned` has some pictures that the last one turned.

    Receivers are pictures of other classes that the model does not take for it, of the half that
    decides; donors come from that half as well.
    """

    def __init__(self, panel: Panel, label: int, generator: np.random.Generator) -> None:
        self.panel, self.label, self.generator = panel, label, generator
        self.margin = margins(panel.scores, label)
        self.passes = self.failed = 0
        self.turned: list[Turned] = []

    def pixels(self, rows: Array) -> Array:
        """Return float32 pictures."""
        return self.panel.pixels[rows].astype(np.float32)

    def receivers(self, count: int | None = None) -> Array:
        """Return rows, in an order drawn: so many, or all."""
        rows = self.panel.others(self.label, decides=True)
        rows = rows[self.panel.predicted[rows] != self.label]
        return self.generator.permutation(rows)[:count]

    def ask(self, pictures: Array) -> Array:
        """Return by how much the class is ahead in each."""
        self.passes += len(pictures)
        return margins(self.panel.ask(pictures), self.label)

    def run(
        self, edit: Edit, donors: Array, controls: Array, *, receivers: Array | None = None
    ) -> Effect | None:
        """Return what an edit does with donors' cues, beside the same edit with the controls'.

        Every donor and every control gives to as many receivers: means of few are more spread than
        means of many, and no ranks could be compared. None where there are no receivers or donors,
        or the model gives no numbers for most.
        """
        pool = self.receivers() if receivers is None else np.unique(receivers)
        if not len(pool) or not len(donors) or len(controls) < 2:
            return None
        each = max(1, min(_EACH, DECIDE // len(donors), len(pool) - 1))
        given = self._dealt(donors, max(1, DECIDE // each), each, pool)
        plain = self._dealt(controls, max(_CONTROLS, len(given[0]) // each), each, pool)
        self.turned = []
        treated = self._edited(edit, given[1], given[0], keep=True)
        control = self._edited(edit, plain[1], plain[0], keep=False)
        self.failed += int((~np.isfinite(treated)).sum() + (~np.isfinite(control)).sum())
        one, two = np.isfinite(treated), np.isfinite(control)
        if min(one.mean(), two.mean()) < 0.5:
            return None
        before = self.margin[given[1]][one], self.margin[plain[1]][two]
        return effect_of(treated[one], control[two], before, given[0][one], plain[0][two])

    def _dealt(self, donors: Array, most: int, each: int, pool: Array) -> tuple[Array, Array]:
        """Return donors, at most `most` of them and each as often, and receivers; never itself."""
        chosen = self.generator.permutation(donors)[:most]
        pairs = [
            (donor, row)
            for donor in chosen
            for row in self.generator.permutation(pool[pool != donor])[:each]
        ]
        dealt = np.array(pairs, np.int64).reshape(-1, 2)
        return dealt[:, 0], dealt[:, 1]

    def _edited(self, edit: Edit, rows: Array, donors: Array, *, keep: bool) -> Array:
        """Return margins of edited receivers, a chunk of pictures in memory at a time."""
        found = []
        for i in range(0, len(rows), _CHUNK):
            part = rows[i : i + _CHUNK]
            pictures = edit(part, donors[i : i + _CHUNK])
            margin = self.ask(pictures)
            for k in np.flatnonzero(margin > 0) if keep else ():
                if len(self.turned) < _SHOWN and part[k] not in [t.row for t in self.turned]:
                    whole = np.clip(np.rint(pictures[k]), 0, 255).astype(np.uint8)
                    self.turned.append(Turned(row=int(part[k]), pixels=whole))
            found.append(margin)
        return np.concatenate(found)
