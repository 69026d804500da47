"""Which tokens stand for which part of an input, and which of them the model's head reads."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from kerascope.errors import BadInput, Refused
from kerascope.hooks.attention import Attended, attended
from kerascope.hooks.attention_calls import AttentionCall
from kerascope.types import Array

MOST_EXTRA = 9  # class, distillation and register tokens beside those of patches
_READ = 1e-6  # share of the strongest query from which a query counts as read


@dataclasses.dataclass(frozen=True)
class Tokens:
    """How a row of tokens maps to one input.

    before, after: numbers of tokens beside the grid's own (class, distillation, register tokens).
    grid: the rest, as rows and columns (or frames, or steps of a sequence). axes: of the grid.
    size: of the input along these axes.
    """

    input: str
    before: int
    grid: tuple[int, ...]
    after: int
    axes: tuple[str, ...]
    size: tuple[int, ...]

    @property
    def count(self) -> int:
        """Number of all tokens."""
        return self.before + int(np.prod(self.grid)) + self.after

    def maps(self, values: Array) -> Array:
        """Return (…, token) values as (…, *grid), without the extra tokens."""
        patches = values[..., self.before : self.count - self.after]
        return patches.reshape(*values.shape[:-1], *self.grid)

    def name(self, token: int) -> str:
        """Say which token this is: "extra token 0", or "patch (3, 5)" by row and column."""
        place = token - self.before
        if not 0 <= place < int(np.prod(self.grid)):
            return f"extra token {token}"
        if len(self.grid) == 1:
            return f"token {place}"
        return "patch (" + ", ".join(str(i) for i in np.unravel_index(place, self.grid)) + ")"

    def centres(self) -> Array:
        """Return the centres of the grid's cells in the input's units (pixels), (cell, axis)."""
        steps = [
            (np.arange(n) + 0.5) * full / n for n, full in zip(self.grid, self.size, strict=True)
        ]
        return np.stack([axis.ravel() for axis in np.meshgrid(*steps, indexing="ij")], axis=-1)


def tokens_of(
    view: Any,
    x: Mapping[str, Array],
    calls: tuple[AttentionCall, ...],
    read: tuple[int, ...] = (),
) -> Tokens:
    """Return how the tokens that a model attends to map to an input.

    The grid is that of the last layer before with positions of its own (a patch embedding), else
    one of the input's proportions; up to nine extra tokens stand before it, or behind it where the
    head reads the last token.
    Raises `Refused` for windows, cross-attention and token counts that fit no grid.
    """
    first = calls[0]
    windows, _, queries, count = first.sizes
    if windows > 1:
        raise Refused(
            f"layer '{first}' attends within {windows} windows of {count} tokens each (as Swin "
            "does): weights of different windows do not chain; kind='raw' and 'token_cam' work"
        )
    for name, array in x.items():
        axes = tuple(a for a in view.axes(name, array.shape[1:]) if a not in ("channel", "feature"))
        known = view.axes(name, array.shape[1:])
        size = tuple(array.shape[1 + known.index(a)] for a in axes)
        grid = _grid(view, first, size, count) if size else None
        if grid is not None:
            extra = count - int(np.prod(grid))
            after = int(extra > 0 and read == (count - 1,) and queries == count)
            return Tokens(name, extra - after, grid, after, axes, size)
    shapes = ", ".join(f"'{name}' {array.shape[1:]}" for name, array in x.items())
    raise Refused(
        f"the {count} tokens of layer '{first}' fit no grid over an input ({shapes}) with at most "
        f"{MOST_EXTRA} extra tokens; kind='raw' needs none"
    )


def _grid(
    view: Any, call: AttentionCall, size: tuple[int, ...], count: int
) -> tuple[int, ...] | None:
    """Return the grid of an input's patches among `count` tokens, or None."""
    found = None
    for other in view.survey.calls:
        if other.site.path == call.key.site.path:
            break
        if len(other.shape) == len(size) + 1 and other.merge == 1 and len(size) > 1:
            first = view.layer_axes(other.shape)[0] == "channel"
            grid = other.shape[1:] if first else other.shape[:-1]
            if 0 <= count - int(np.prod(grid)) <= MOST_EXTRA and min(grid) > 1:
                found = grid
    if found is not None or len(size) > 2:
        return found
    if len(size) == 1:
        extra = count - size[0]
        return (size[0],) if 0 <= extra <= MOST_EXTRA else (count,) if count > 1 else None
    return _proportional(size, count)


def _proportional(size: tuple[int, ...], count: int) -> tuple[int, ...] | None:
    """Return the largest grid with the input's proportions, or else square, of `count` tokens."""
    for cells in range(count, max(3, count - MOST_EXTRA - 1), -1):
        for height in (round((cells * size[0] / size[1]) ** 0.5), round(cells**0.5)):
            width = cells // max(1, height)
            same = height * size[1] == width * size[0] or height == width
            if height > 1 and height * width == cells and same:
                return (height, width)
    return None


def read_queries(
    view: Any, x: Mapping[str, Array], targets: Any, call: AttentionCall
) -> tuple[int, ...]:
    """Return the queries of the last attention that the score depends on; one probing pass.

    The class token where the head reads that alone, all tokens where it takes their mean, the last
    one of a language model. All, where weights are a copy that nothing reads.
    """
    everything = tuple(range(call.sizes[2]))
    if call.source == "returned" or len(targets) == 0:
        return everything
    key = ("queries read", call, targets.key(), view.score, view.fingerprint())
    if key not in view.store.memo:
        one = {name: array[:1] for name, array in x.items()}
        found = attended(view, one, targets.take([0]), (call,), "gradient")
        view.store.memo[key] = _read(found)
    return view.store.memo[key] or everything


def _read(found: Attended) -> tuple[int, ...]:
    size = np.abs(found.gradients[0][0]).max(axis=(0, 1, -1))  # of every query
    return tuple(int(i) for i in np.flatnonzero(size > _READ * max(size.max(), 1e-30)))


def check_chain(calls: tuple[AttentionCall, ...]) -> None:
    """Raise unless every layer attends from its tokens to the same ones, but for a last pooling.

    Raises `Refused`, naming the layer.
    """
    count = calls[0].sizes[3]
    for i, call in enumerate(calls):
        windows, _, queries, keys = call.sizes
        if windows > 1:
            raise Refused(
                f"layer '{call}' attends within {windows} windows of {keys} tokens each (as Swin "
                "does): weights of different windows do not chain; kind='raw' and 'token_cam' work"
            )
        pooling = i == len(calls) - 1 and keys == count
        if keys != count or (queries != keys and not pooling):
            raise Refused(
                f"layer '{call}' attends from {queries} to {keys} tokens, layer '{calls[0]}' from "
                f"{calls[0].sizes[2]} to {count}: they are no chain of self-attention; choose with "
                f"layers=, e.g. layers='{calls[0]}'"
            )


def check_query(query: int, count: int) -> int:
    """Return a query's index, counted from the end where negative; raise `BadInput`."""
    if not -count <= query < count:
        raise BadInput(f"query={query} is out of range; there are {count} tokens, 0 to {count - 1}")
    return query % count
