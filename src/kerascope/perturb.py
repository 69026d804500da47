"""Perturbed inputs: what is shown of them, what covers the rest, and what a model leaves out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from kerascope.baselines import TOKENS, baseline_of, by_input, check_cover, inpaint, part_of
from kerascope.errors import BadMethod
from kerascope.run import Run
from kerascope.types import Array


def spatial_size(model: Any, name: str, array: Array) -> tuple[int, ...]:
    """Return the size of a sample of an input along all its axes but the channels."""
    axes = model.axes(name, array.shape[1:])
    return tuple(n for n, axis in zip(array.shape[1:], axes, strict=True) if axis != "channel")


def spatial_axes(model: Any, name: str, array: Array) -> tuple[str, ...]:
    """Return the names of a sample's axes but the channels."""
    return tuple(axis for axis in model.axes(name, array.shape[1:]) if axis != "channel")


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
