"""Cooperative games: the players are segments of the inputs, a coalition is worth its score."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from kerascope.baselines import part_of
from kerascope.errors import BadMethod, BadModel
from kerascope.maskers import Masker, given, numbered
from kerascope.perturb import Canvas, idle, is_tokens, left_out, spatial_axes, spatial_size
from kerascope.run import Run
from kerascope.tokens import GROUPS
from kerascope.types import Array

_SMALL = 1024  # positions of a row up to which rows are masked together


class Coalitions(Protocol):
    """Coalitions of each sample, (sample, draw, player): an array, or rows made when asked for."""

    @property
    def shape(self) -> tuple[int, ...]:
        """How many samples, draws and players."""

    def __getitem__(self, key: tuple[Array, Array], /) -> Array:
        """Return the rows of pairs of a sample and a draw."""


class Game:
    """A cooperative game per sample: the players are segments, a coalition is worth its score.

    The segments of all inputs play together. `players` (sample,) is their number; arrays of
    coalitions are as wide as the largest, further columns have no effect.
    """

    def __init__(
        self, model: Any, x: Mapping[str, Array], targets: Any, run: Run, *, segments: Any,
        baseline: Any,
    ) -> None:  # fmt: skip
        self.model, self.x, self.targets, self.run = model, dict(x), targets, run
        self.canvas = Canvas(model, x, baseline, run)
        # Short calls are padded to whole batches: for many of them, none is then traced anew.
        self.steady = False
        self.labels: dict[str, Array] = {}
        self.players = np.zeros(len(next(iter(self.x.values()))), np.int64)
        for name, array in self.x.items():
            labels = self._cut(name, array, segments)
            first = self.players.reshape(-1, *(1,) * (labels.ndim - 1))
            self.labels[name] = np.where(labels < 0, -1, labels + first)
            self.players += labels.reshape(len(labels), -1).max(axis=1) + 1

    def _cut(self, name: str, array: Array, segments: Any) -> Array:
        labels = getattr(segments, "array", None)
        if labels is not None and labels.dtype.names:
            labels, segments = (part_of(labels, name)[0], None) if name in labels.dtype.names else (
                None, "auto")  # fmt: skip
        elif labels is not None and len(self.x) > 1:
            raise BadMethod("segments as an array fit a model with one input only")
        if labels is not None:
            return given(labels, len(array), spatial_size(self.model, name, array))
        if name in self.model.held:
            return np.full((len(array), *spatial_size(self.model, name, array)), -1, np.int32)
        masker, axes = Masker.parse(segments), self.model.axes(name, array.shape[1:])
        if is_tokens(array) and masker.kind in GROUPS:
            return self._groups(array, masker.kind)
        if is_tokens(array):
            return numbered(np.where(idle(self.model, name, array), -1, np.arange(array.shape[1])))
        labels = np.stack([masker.segment(sample, axes) for sample in array])
        out = left_out(self.model, name, array)
        out &= ~out.all(axis=1, keepdims=True)  # no step is read: players that change nothing
        if not out.any():
            return labels
        out = out.reshape(*out.shape, *(1,) * (labels.ndim - 2))
        return np.stack([numbered(row) for row in np.where(out, -1, labels)])

    def _groups(self, array: Array, kind: str) -> Array:
        """Return the words or sentences of texts; raise `BadMethod` where only ids are known."""
        texts = [self.model.reading.text(row) for row in array]
        if any(text is None for text in texts):
            raise BadMethod(
                f"segments='{kind}' needs texts, and only ids were given: use load_texts, or "
                "segments='single'"
            )
        return np.stack([text.groups(kind) for text in texts if text is not None])

    @property
    def widest(self) -> int:
        """The largest number of players of any sample: the width of all coalitions."""
        return int(self.players.max())

    def worths(
        self, coalitions: Coalitions, what: str = "coalitions", *, rows: Array | None = None
    ) -> Array:
        """Return the scores of coalitions, averaged over the background: (sample, draw, target).

        coalitions: truth values (sample, draw, player), True where a segment is shown, or degrees
        between 0 and 1. rows: the samples they belong to; None: all. After a stop, fewer draws come
        back than were asked for.
        """
        rows = np.arange(len(self.players)) if rows is None else np.asarray(rows)
        count, draws = coalitions.shape[:2]
        sets = self.canvas.backgrounds
        sums = np.zeros((count, draws, len(self.targets)))
        done = np.zeros((count, draws), np.int64)
        for chosen, flat in self.run.pairs(count, draws * sets, what, partial=True):
            draw = flat // sets
            shown = self._show(coalitions[chosen, draw], rows[chosen], flat)
            pad = self.run.chunk or (self.run.batch.size if self.steady else None)
            found = self.model.scores(shown, self.targets.take(rows[chosen]), pad=pad)
            if not np.isfinite(found.values).all():
                bad = rows[chosen][~np.isfinite(found.values).all(axis=1)][0]
                text = any(is_tokens(array) for array in self.x.values())
                hint = "; the model reads no empty text: cover by baseline='unk' or a token id"
                raise BadModel(
                    f"sample {bad} in parts covered has a score that is NaN or infinite"
                    f"{hint * text}"
                )
            np.add.at(sums, (chosen, draw), found.values)
            np.add.at(done, (chosen, draw), 1)
        whole = int((done == sets).all(axis=0).sum())
        return (sums[:, :whole] / sets).astype(np.float64)

    def _show(self, coalitions: Array, samples: Array, draws: Array) -> dict[str, Array]:
        """Return the inputs of rows of which the segments of a coalition are shown."""
        shown = {}
        # −1 stands for no player: always shown.
        wide = np.pad(coalitions, ((0, 0), (0, 1)), constant_values=1)
        for name, labels in self.labels.items():
            if labels[0].size <= _SMALL:  # many short rows: one call for all of them
                mine = labels[samples]
                masks = wide[np.arange(len(mine)).reshape(-1, *(1,) * (mine.ndim - 1)), mine]
            else:
                pairs = zip(wide, samples, strict=True)
                masks = np.stack([row[labels[sample]] for row, sample in pairs])
            shown[name] = self.canvas.show(name, masks, samples, draws)
        return shown

    def spread(self, values: Array) -> dict[str, Array]:
        """Give every position its segment's value: (sample, target, player) to maps by input."""
        maps = {}
        values = np.concatenate([values, np.zeros_like(values[..., :1])], axis=2)  # of no player: 0
        for name, labels in self.labels.items():
            flat = labels.reshape(len(labels), 1, -1) % values.shape[2]
            each = np.take_along_axis(values, np.broadcast_to(
                flat, (*values.shape[:2], flat.shape[-1])), axis=2)  # fmt: skip
            maps[name] = each.reshape(*values.shape[:2], *labels.shape[1:]).astype(np.float32)
        return maps

    def axes(self) -> dict[str, tuple[str, ...]]:
        """Return the axes of the maps that `spread` gives."""
        found = {}
        for name, array in self.x.items():
            apart = self.labels[name].ndim == array.ndim  # channels have segments of their own
            own = self.model.axes(name, array.shape[1:])
            spatial = own if apart else spatial_axes(self.model, name, array)
            found[name] = ("sample", "target", *spatial)
        return found
