"""Trials: pictures of other classes get the cue from donors, and a matched control gets its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from kerascope.audit.interventions.effect import Effect, effect_of, margins
from kerascope.audit.panel import Panel
from kerascope.types import Array

DECIDE = 120  # receivers
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

    def receivers(self, count: int) -> Array:
        """Return rows drawn."""
        rows = self.panel.others(self.label, decides=True)
        rows = rows[self.panel.predicted[rows] != self.label]
        return self.generator.permutation(rows)[:count]

    def ask(self, pictures: Array) -> Array:
        """Return by how much the class is ahead in each."""
        self.passes += len(pictures)
        return margins(self.panel.ask(pictures), self.label)

    def run(
        self, edit: Edit, donors: Array, controls: Array, *, count: int = DECIDE,
        receivers: Array | None = None,
    ) -> Effect | None:  # fmt: skip
        """Return what an edit does with donors' cues, beside the same edit with the controls'.

        None where there are no receivers or donors, or the model gives no numbers for most.
        """
        rows = self.receivers(count) if receivers is None else receivers
        if not len(rows) or not len(donors) or len(controls) < 2:
            return None
        given, plain = self._dealt(donors, rows), self._dealt(controls, rows)
        self.turned = []
        treated = self._edited(edit, rows, given, keep=True)
        control = self._edited(edit, rows, plain, keep=False)
        told = np.isfinite(treated) & np.isfinite(control)
        self.failed += int((~told).sum())
        if told.mean() < 0.5:
            return None
        before = self.margin[rows][told]
        return effect_of(treated[told], control[told], (before, before), given[told], plain[told])

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

    def _dealt(self, donors: Array, rows: Array) -> Array:
        """Return a donor for each receiver, every donor about as often; never itself."""
        rounds = -(-len(rows) // len(donors))
        dealt = np.concatenate([self.generator.permutation(donors) for _ in range(rounds)])
        dealt = dealt[: len(rows)]
        own = np.flatnonzero(dealt == rows)
        for i in own:
            dealt[i] = self.generator.choice(donors[donors != rows[i]])
        return dealt
