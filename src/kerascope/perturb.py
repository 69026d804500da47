"""Perturbed inputs and their scores: what is shown, what covers the rest, and coalitions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import numpy as np

from kerascope.baselines import TOKENS, baseline_of, by_input, check_cover, inpaint, part_of
from kerascope.errors import BadMethod, BadModel
from kerascope.maskers import Masker, given, numbered
from kerascope.run import Run
from kerascope.tokens import GROUPS
from kerascope.types import Array


def spatial_size(model: Any, name: str, array: Array) -> tuple[int, ...]:
    """Return the size of a sample of an input along all its axes but the channels."""
    axes = model.axes(name, array.shape[1:])
    return tuple(n for n, axis in zip(array.shape[1:], axes, strict=True) if axis != "channel")


def spatial_axes(model: Any, name: str, array: Array) -> tuple[str, ...]:
    """Return the names of a sample's axes but the channels."""
    return tuple(axis for axis in model.axes(name, array.shape[1:]) if axis != "channel")


_SMALL = 1024  # positions of a row up to which rows are masked together


class Canvas:
    """Inputs of which a part is shown, and what covers the rest.

    baseline: what covers: a number (a token id for tokens), a word of `baselines.COVERS`, an array
        of a sample's shape, or a background (set, …) of which every draw shows one after the other;
        of several inputs as `baselines.packed` gives it.

    `backgrounds` is the number of covers that a score is averaged over: 1 unless a set was given.
    """

    def __init__(self, model: Any, x: Mapping[str, Array], baseline: Any, run: Run) -> None:
        self.x = dict(x)
        self.backgrounds = 1
        self._inpainted = isinstance(baseline, str) and baseline == "inpaint"
        self._named = by_input(baseline) is not None
        self._channel: dict[str, int | None] = {}
        self._covers: dict[str, Array] = {}
        value = check_cover(baseline)
        self._drop = isinstance(baseline, str) and baseline == "drop"
        self._reading = model.reading
        for name, array in self.x.items():
            axes = model.axes(name, array.shape[1:])
            self._channel[name] = axes.index("channel") + 1 if "channel" in axes else None
            own = part_of(value, name)
            if name in model.held:
                self._covers[name] = array
                continue
            own = self._tokens(own, array, run)
            out = left_out(model, name, array)
            found = self._cover(own, array, axes, run, out, several=own is not value)
            if is_tokens(array) and len(found) == len(array):
                # Padding and special tokens stay: a text without them is no text.
                found = np.where(idle(model, name, array), array, found)
            self._covers[name] = found

    def _tokens(self, value: Any, array: Array, run: Run) -> Any:
        """Return the id that covers tokens, of ids; anything else as it is."""
        if not is_tokens(array) or not isinstance(value, str):
            return value
        if value == "drop":
            if self._reading.held or len(self.x) > 1:
                raise BadMethod("baseline='drop' needs a model of one input: masks would not fit")
            words = "covered tokens are dropped, and the others close up"
            run.notes += [words] * (words not in run.notes)
            return 0 if self._reading.pad is None else self._reading.pad
        given = value in TOKENS
        chosen = self._reading.id_of(value) if given else self._reading.cover()
        if self._reading.texts and not given:
            words = f"covered tokens become {self._reading.token(chosen)} (id {chosen})"
            run.notes += [words] * (words not in run.notes)
        return chosen

    def _cover(
        self, value: Any, array: Array, axes: tuple[str, ...], run: Run, out: Array, *,
        several: bool,
    ) -> Array:  # fmt: skip
        """Return the covers of one input: (sample, …) or, for a background, (set, …).

        out: steps that the model leaves out.
        """
        if not is_tokens(array) and self._inpainted:
            return array
        if isinstance(value, np.ndarray) and value.ndim == array.ndim and len(value) > 1:
            if self._named:
                raise BadMethod(
                    "a background of several rows is given for all inputs, not for one beside words"
                )
            if value.shape[1:] != array.shape[1:] or (len(self.x) > 1 and not several):
                raise BadMethod(
                    f"the background has shape {value.shape}; it must be (samples, "
                    f"{', '.join(map(str, array.shape[1:]))}), for a model with one input"
                )
            self.backgrounds = len(value)
            return value.astype(array.dtype)
        if isinstance(value, np.ndarray) and value.ndim == array.ndim:
            value = value[0]
        covers = [
            baseline_of(value, sample, axes, run.generator(i, 2**31), stays)
            for i, (sample, stays) in enumerate(zip(array, out, strict=True))
        ]
        whole = array.dtype.kind in "iu"
        return np.stack([np.rint(c) if whole else c for c in covers]).astype(array.dtype)

    def cover(self, name: str, samples: Array, draws: Array | int = 0) -> Array:
        """Return what covers the rows of an input: (row, …)."""
        covers = self._covers[name]
        return covers[np.asarray(draws) % self.backgrounds if self.backgrounds > 1 else samples]

    def show(self, name: str, masks: Array, samples: Array, draws: Array | int = 0) -> Array:
        """Return the rows of an input with `masks` (row, *spatial) shown: 1 as it is, 0 covered.

        Masks of the input's own shape show channels by themselves.
        Truth values choose; numbers between 0 and 1 blend, but tokens, which are shown from ½ on.
        """
        # Rows of one sample share it: broadcasting costs less than copies of it.
        one = (samples == samples[0]).all()
        rows = samples[:1] if one else samples
        array, channel = self.x[name][rows], self._channel[name]
        apart = masks.ndim == array.ndim
        wide = masks if channel is None or apart else np.expand_dims(masks, channel)
        if self._inpainted and not is_tokens(array):
            whole = self.x[name][samples]
            return _inpaint_apart(whole, masks, channel) if apart else inpaint(whole, wide)
        cover = self.cover(name, rows if self.backgrounds == 1 else samples, draws)
        if (
            channel == array.ndim - 1 and not apart
        ):  # NumPy is slow where the innermost axis is broadcast
            wide = np.repeat(wide, array.shape[-1], axis=-1)
        if self._drop and is_tokens(array):
            return dropped(np.broadcast_to(array, wide.shape), wide >= 0.5, cover)
        if masks.dtype == np.bool_ or is_tokens(array):
            return np.where(wide >= 0.5, array, cover)
        return cover + wide.astype(np.float32, copy=False) * (array - cover)

    def without(self, name: str, samples: Array, boxes: Iterable[tuple[slice, ...]]) -> Array:
        """Return the rows of an input with a box each covered; boxes are of the spatial axes."""
        if self._inpainted:
            masks = np.ones((len(samples), *_spatial(self.x[name], self._channel[name])), bool)
            for mask, box in zip(masks, boxes, strict=True):
                mask[box] = False
            return self.show(name, masks, samples)
        shown, cover, channel = self.x[name][samples], self._covers[name], self._channel[name]
        for row, sample, box in zip(shown, samples, boxes, strict=True):
            at = box if channel is None else (*box[: channel - 1], slice(None), *box[channel - 1 :])
            row[at] = cover[sample][at]
        return shown


def _inpaint_apart(values: Array, masks: Array, channel: int | None) -> Array:
    """Fill every channel in by itself; masks are of the shape of `values`."""
    if channel is None:
        return inpaint(values, masks)
    first, shown = np.moveaxis(values, channel, 1), np.moveaxis(masks, channel, 1)
    rows = (first.shape[0] * first.shape[1], *first.shape[2:])
    filled = inpaint(first.reshape(rows), shown.reshape(rows)).reshape(first.shape)
    return np.moveaxis(filled, 1, channel)


def _spatial(array: Array, channel: int | None) -> tuple[int, ...]:
    return tuple(n for i, n in enumerate(array.shape) if i not in (0, channel))


def dropped(ids: Array, shown: Array, cover: Array) -> Array:
    """Return (row, token) ids without those covered: the others close up, padding fills the end.

    cover: padding, but the ids themselves where they stay: at padding and special tokens. Texts
    whose padding comes first are filled at the front.
    """
    found = np.empty_like(ids)
    for row, mine, keep, fill in zip(
        found, ids, shown, np.broadcast_to(cover, ids.shape), strict=True
    ):
        stays = keep | (mine == fill)
        rest, more = mine[stays], fill[~stays]
        front = mine[0] == fill[0] and more.size and mine[0] == more[0]
        row[:] = np.concatenate([more, rest] if front else [rest, more])
    return found


def idle(model: Any, name: str, array: Array) -> Array:
    """Return where ids (sample, token) of an input stand for no word of its text."""
    reading = model.reading
    mine = reading.texts and name == (reading.input or name)
    return reading.idle(array) if mine else np.zeros(array.shape, bool)


def left_out(model: Any, name: str, array: Array) -> Array:
    """Return which steps (sample, time) of a series the model's Masking layer leaves out.

    Of other inputs no place along the second axis; one value by sample counts as one place.
    """
    value = model.survey.masked.get(name)
    if value is None or array.ndim != 3:
        return np.zeros((len(array), *(array.shape[1:2] or (1,))), bool)
    return (array == np.float32(value)).all(axis=-1)


def spans(array: Array, out: Array) -> Array:
    """Return the range (max − min) of every sample's values, (sample,), in the input's units.

    out: steps (sample, time) as `left_out` says, which do not count; 0 where there are no others.
    """
    axes = tuple(range(1, array.ndim))
    if not out.any():
        return array.max(axis=axes).astype(np.float64) - array.min(axis=axes)
    wide, values = out.reshape(*out.shape, *(1,) * (array.ndim - 2)), array.astype(np.float64)
    high = np.where(wide, -np.inf, values).max(axis=axes)
    low = np.where(wide, np.inf, values).min(axis=axes)
    return np.maximum(high - low, 0)


def is_tokens(array: Array) -> bool:
    """Tell whether an input holds ids, (sample, token), which cannot be blended."""
    return array.dtype.kind in "iu" and array.ndim <= 2


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
