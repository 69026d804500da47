"""Which picture shows which kind of attention on which kind of input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kerascope.errors import BadInput
from kerascope.inside.attention.tokens import check_query
from kerascope.plot.attention import heads_figure, map_figure, matrix_figure, words_figure
from kerascope.plot.maps import Meaning
from kerascope.plot.picture import as_rgb
from kerascope.wording import percentage, short

if TYPE_CHECKING:
    from kerascope.inside.attention.result import Attention
    from kerascope.types import Array

_MOST = 16  # matrices in one figure
_CLASS_FREE = ("rollout", "flow")


def plot(
    result: Attention, sample: int, *, query: int | None = None, fused: str | None = None,
    shared_scale: bool = True,
) -> Any:  # fmt: skip
    """Return a figure of one sample; see `Attention.plot`.

    fused: "mean" shows the mean of all heads, None each head. Raises `BadInput`.
    """
    if not 0 <= sample < len(result):
        raise BadInput(f"sample {sample} is not there; there are 0 … {len(result) - 1}")
    if fused not in (None, "mean"):
        raise BadInput(f"fused='{fused}' is not known; it is None or 'mean'")
    flat = result.tokens is not None and len(result.tokens.grid) == 2
    if result.kind == "raw":
        if flat:
            return _heads(result, sample, query, fused, shared_scale)
        return _matrices(result, sample, fused)
    if flat:
        return _maps(result, sample)
    return _text(result, sample)


def picture_of(result: Attention, sample: int) -> Array | None:
    """Return the picture that a sample's maps lie on, uint8 RGB, or None where there is none."""
    if result.display is not None:
        return result.display[sample]
    data = result.inputs[sample]
    if data.ndim == 3 and result.tokens is not None and data.shape[:2] != result.tokens.size:
        data = np.moveaxis(data, 0, -1)
    return as_rgb(data) if data.ndim == 3 and data.shape[-1] in (1, 3, 4) else None


def heading(result: Attention, sample: int) -> str:
    """Say what a figure shows, of which sample."""
    explained = result.explained[sample]
    said = isinstance(explained, str) and result.kind not in ("raw", *_CLASS_FREE)
    words = f": {explained}" if said else ""
    return short(f"{result.title}, {result.names[sample]}{words}", 100)


def words_for(result: Attention, sample: int) -> str:
    """Say what the picture of a sample shows, and where most of it is."""
    start = heading(result, sample)
    if result.kind == "raw":
        layers = len(result.layers)
        heads = sum(result.weights(name).shape[-3] for name in result.layers)
        return f"{start}: {heads} heads in {layers} layer{'s' if layers > 1 else ''}"
    maps, names = _by_target(result, sample)
    said = [_strongest(result, values) for values in maps]
    if len(said) > 1:
        said = [f"{name}: {words}" for name, words in zip(names, said, strict=True)]
    return f"{start}: " + "; ".join(said)


def _strongest(result: Attention, values: Array) -> str:
    """Say where the strongest patch or token of a map is, and how much of the map is there."""
    assert result.tokens is not None
    flat = np.maximum(values.ravel(), 0)
    if not flat.any():
        return "nothing"
    place = int(flat.argmax())
    share = percentage(float(flat[place] / flat.sum()))
    return f"most on {result.tokens.name(result.tokens.before + place)}, {share} of it"


def _heads(
    result: Attention, sample: int, query: int | None, fused: str | None, shared_scale: bool
) -> Any:
    maps = {name: values[sample] for name, values in result.maps(query).items()}
    if fused == "mean":
        maps = {name: values.mean(axis=0, keepdims=True) for name, values in maps.items()}
    who = _who(result, query)
    words = f"{heading(result, sample)}\nwhat {who} attends to"
    return heads_figure(picture_of(result, sample), maps, heading=words, shared_scale=shared_scale)


def _who(result: Attention, query: int | None) -> str:
    """Name the queries that a map is of."""
    tokens = result.tokens
    assert tokens is not None
    if query is not None:
        return tokens.name(check_query(query, tokens.count))
    if len(result.read) == 1:
        extra = not tokens.before <= result.read[0] < tokens.count - tokens.after
        name = "the class token" if extra else tokens.name(result.read[0])
        return f"{name}, which the model's head reads,"
    return f"the mean of the {len(result.read)} tokens that the model's head reads"


def _matrices(result: Attention, sample: int, fused: str | None) -> Any:
    matrices = {}
    for name in result.layers:
        weights = result.weights(name)[sample]
        if weights.ndim == 4:  # windows
            weights = weights.mean(axis=0)
        for head, matrix in enumerate([weights.mean(axis=0)] if fused == "mean" else weights):
            matrices[name if fused == "mean" else f"{name}, head {head}"] = matrix
    shown = dict(list(matrices.items())[-_MOST:])
    rest = f"\nthe last {_MOST} of {len(matrices)}" if len(matrices) > _MOST else ""
    words = None if result.words is None else result.words[sample]
    return matrix_figure(shown, words=words, heading=heading(result, sample) + rest)


def _meaning(result: Attention) -> tuple[Meaning, str]:
    if result.kind in _CLASS_FREE:
        return Meaning.MAGNITUDE, "read from here, for any class"
    if not getattr(result.method, "relu", True):
        return Meaning.SIGNED, "against … for"
    return Meaning.POSITIVE, "evidence for"


def _by_target(result: Attention, sample: int) -> tuple[Array, list[str]]:
    assert result.relevance is not None
    explained = result.explained[sample]
    if isinstance(explained, str):
        return result.relevance[sample][None], [_named(result, explained)]
    if result.kind in _CLASS_FREE:
        return result.relevance[sample][:1], ["any class"]
    return result.relevance[sample], list(explained)


def _named(result: Attention, explained: str) -> str:
    return "any class" if result.kind in _CLASS_FREE else explained


def _maps(result: Attention, sample: int) -> Any:
    maps, names = _by_target(result, sample)
    meaning, what = _meaning(result)
    return map_figure(
        picture_of(result, sample), maps, names=names, heading=heading(result, sample),
        meaning=meaning, what=what,
    )  # fmt: skip


def _text(result: Attention, sample: int) -> Any:
    """Draw a sequence: its words, or the numbers of its steps, highlighted."""
    maps, names = _by_target(result, sample)
    rows = {name: values.ravel() for name, values in zip(names, maps, strict=True)}
    count = len(next(iter(rows.values())))
    words = None if result.words is None else result.words[sample]
    if words is None or len(words) != count:
        words = tuple(str(i) for i in range(count))
    meaning, what = _meaning(result)
    return words_figure(
        words, rows, heading=heading(result, sample), meaning=meaning, what=what
    )  # fmt: skip
