"""Pictures of concepts: scores beside random ones, rows of crops, accuracy by depth."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.patches import Patch

from kerascope.plot.attention import limit_of
from kerascope.plot.colour import fit, overlay, paint
from kerascope.plot.figures import Figure
from kerascope.plot.ink import INK, blank, title
from kerascope.plot.maps import Meaning
from kerascope.plot.picture import as_rgb
from kerascope.resize import linear
from kerascope.wording import number

if TYPE_CHECKING:
    from kerascope.types import Array

_RANDOM = "#b9bec9"
_LINE = "#8a90a0"
_COLOURS = ("#2a6fb5", "#d1662b", "#3f8f5f", "#8c5aa8", "#b8434f", "#6b6f1d", "#1f8a9c", "#a8577e")
_CELL = 1.15  # inches


def tcav_figure(
    scores: Array,
    random: Array,
    significant: Array,
    *,
    concepts: Sequence[str],
    layers: Sequence[str],
    words: str,
    alpha: float,
) -> Figure:
    """Return bars of mean scores with standard deviations, by layer and concept.

    scores: (concept, layer, run); random: (layer, run), drawn grey beside them; significant:
    (concept, layer), where False is hatched and marked "n.s.".
    """
    bars = len(concepts) + 1
    width = max(5.5, 0.34 * bars * len(layers) + 2.0)
    figure = Figure(figsize=(min(width, 22), 3.8), dpi=110, layout="constrained", facecolor="white")
    axes = figure.add_subplot()
    step, names = 0.84 / bars, []
    for k, values in enumerate((*scores, random)):
        places = np.arange(len(layers)) + (k - (bars - 1) / 2) * step
        last = k == len(concepts)
        colour = _RANDOM if last else _COLOURS[k % len(_COLOURS)]
        mean, spread = values.mean(axis=-1), values.std(axis=-1, ddof=1)
        drawn = axes.bar(
            places, mean, step * 0.9, yerr=np.minimum(spread, [mean, 1 - mean]), color=colour,
            error_kw={"elinewidth": 0.9, "capsize": 2, "ecolor": INK},
        )  # fmt: skip
        names.append(Patch(color=colour, label="random" if last else concepts[k]))
        for patch, sure in zip(drawn, () if last else significant[k], strict=False):
            if not sure:
                patch.set(alpha=0.4, hatch="////", edgecolor="white")
                at = (patch.get_x() + patch.get_width() / 2, 0.015)
                axes.annotate("n.s.", at, ha="center", va="bottom", fontsize=6.5, color=INK)
    axes.axhline(0.5, color=_LINE, linewidth=0.8, linestyle=":")
    axes.set_ylim(0, 1.03)
    axes.set_yticks(np.linspace(0, 1, 5))
    axes.set_xticks(np.arange(len(layers)), [_wrapped(layer) for layer in layers])
    axes.set_ylabel("TCAV score (mean ± sd)", fontsize=8, color=INK)
    _plain(axes)
    figure.legend(
        handles=names, fontsize=7, frameon=False, ncols=min(bars, 6), loc="outside lower center"
    )
    tests = len(concepts) * len(layers)
    said = f"{words}; n.s.: not significant at {alpha:g} over {tests} tests"
    title(axes, said, width=round(13 * figure.get_figwidth()), loc="left")
    return figure


def _wrapped(text: str) -> str:
    parts = text.replace("/", "/ ").replace("_", "_ ")
    lines = textwrap.wrap(parts, 18, break_long_words=False)
    return "\n".join(line.replace("/ ", "/").replace("_ ", "_") for line in lines)


def _plain(axes: Any) -> None:
    axes.tick_params(labelsize=7, colors=INK, length=2)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(_LINE)


def crops_figure(
    rows: Sequence[Sequence[Array]], importances: Array, errors: Array, *, words: str
) -> Figure:
    """Return a row per concept: its importance as a bar, its best crops as pictures.

    rows: by concept, uint8 RGB pictures, (position, channel) curves or (feature,) numbers.
    errors: standard errors of the importances.
    """
    columns = max(len(row) for row in rows)
    size = (_CELL * columns + 2.1, (_CELL + 0.05) * len(rows) + 0.6)
    figure = Figure(figsize=size, dpi=110, layout="constrained", facecolor="white")
    ratios = [1.5, *[1.0] * columns]
    grid = figure.subplots(len(rows), columns + 1, squeeze=False, width_ratios=ratios)
    most = max(float((importances + errors).max()), 1e-12)
    for k, (line, row) in enumerate(zip(grid, rows, strict=True)):
        bar = line[0]
        bar.barh([0], [importances[k]], 0.42, xerr=[errors[k]], color=_COLOURS[0],
                 error_kw={"elinewidth": 0.9, "capsize": 2, "ecolor": INK})  # fmt: skip
        bar.set(xlim=(0, most * 1.05), ylim=(-0.9, 0.7), xticks=[], yticks=[])
        for side in ("top", "right", "bottom"):
            bar.spines[side].set_visible(False)
        bar.spines["left"].set_color(_LINE)
        bar.text(0, 0.34, f"concept {k}: {number(float(importances[k]))}", fontsize=8, color=INK)
        for axes, crop in zip(line[1:], row, strict=False):
            draw_values(axes, crop)
        for axes in line[1 + len(row) :]:
            axes.set_visible(False)
    figure.suptitle(
        textwrap.fill(words, round(13 * size[0])), fontsize=9, color=INK, parse_math=False
    )
    return figure


def draw_values(axes: Any, values: Array) -> None:
    """Draw a picture (y, x, 3) in bytes, curves (position, channel) or bars (feature,)."""
    if values.ndim == 3:
        blank(axes)
        axes.imshow(fit(values, longest=220), interpolation="nearest")
    elif values.ndim == 2:
        axes.plot(values, linewidth=0.8)
        axes.tick_params(labelsize=5, colors=INK)
    else:
        axes.bar(np.arange(len(values)), values, color=_COLOURS[0])
        axes.tick_params(labelsize=5, colors=INK)


def concept_maps_figure(
    pictures: Sequence[Array | None],
    maps: Array,
    *,
    concepts: Sequence[int],
    names: Sequence[str],
    words: str,
) -> Figure:
    """Return a row per sample: its picture, then every concept's map over it.

    pictures: (y, x, 3) uint8, or None for colours alone. maps: (sample, concept, *grid), from 0;
    a concept has one scale for all samples.
    """
    lines, count = maps.shape[:2]
    if maps.ndim > 4:  # a volume: the strongest value along its depth
        maps = maps.max(axis=2)
    shapes = [maps.shape[-2:] if p is None else p.shape for p in pictures]
    heights = [min(max(shape[0] / shape[1], 0.4), 1.8) for shape in shapes]
    size = (1.7 * (count + 1), 1.7 * sum(heights) + 0.2 * lines + 0.5)
    figure = Figure(figsize=size, dpi=110, layout="constrained", facecolor="white")
    grid = figure.subplots(lines, count + 1, squeeze=False, height_ratios=heights)
    limits = [limit_of([maps[:, k]]) for k in range(count)]
    for i, line in enumerate(grid):
        picture = pictures[i]
        blank(line[0])
        if picture is not None:
            picture = fit(picture, longest=320)
            line[0].imshow(picture)
        title(line[0], names[i], width=24, fontsize=7.5)
        for k, axes in enumerate(line[1:]):
            _concept_map(axes, picture, maps[i, k], limits[k])
            if i == 0:
                title(axes, f"concept {concepts[k]}", fontsize=7.5)
    figure.suptitle(
        textwrap.fill(words, round(13 * size[0])), fontsize=9, color=INK, parse_math=False
    )
    return figure


def _concept_map(axes: Any, picture: Array | None, values: Array, limit: float) -> None:
    if values.ndim == 1:
        axes.plot(values, color=_COLOURS[0], linewidth=1.0, marker=".")
        axes.set_ylim(0, max(limit, float(values.max())) * 1.05)
        axes.tick_params(labelsize=5, colors=INK)
        return
    blank(axes)
    if picture is None:
        axes.imshow(fit(paint(values, limit=limit, meaning=Meaning.POSITIVE)))
        return
    large = linear(values, picture.shape[:2])
    axes.imshow(overlay(picture, large, limit=limit, meaning=Meaning.POSITIVE))


def rgb_of(values: Array) -> Array:
    """Return model inputs (sample, y, x, channel) as uint8 RGB, all on one scale."""
    return as_rgb(values.reshape(-1, *values.shape[2:])).reshape(*values.shape[:3], 3)


def probe_figure(
    values: Array,
    intervals: Array,
    control: Array,
    baseline: float,
    *,
    layers: Sequence[str],
    measure: str,
    words: str,
) -> Figure:
    """Return the measure by depth with its interval, the control task and the baseline.

    values: (layer,). intervals: (layer, 2), low and high. control: (layer, shuffle).
    """
    width = max(5.5, 0.55 * len(layers) + 1.5)
    figure = Figure(figsize=(min(width, 20), 4.0), dpi=110, layout="constrained", facecolor="white")
    axes, places = figure.add_subplot(), np.arange(len(layers))
    axes.fill_between(places, intervals[:, 0], intervals[:, 1], color=_COLOURS[0], alpha=0.18,
                      linewidth=0)  # fmt: skip
    axes.plot(places, values, color=_COLOURS[0], marker="o", markersize=4, label=measure)
    spread = np.abs(np.stack([control.min(axis=1), control.max(axis=1)]) - control.mean(axis=1))
    axes.errorbar(
        places, control.mean(axis=1), spread, color=_COLOURS[1], marker="s", markersize=3,
        linewidth=1.0, capsize=2, label="control: shuffled labels",
    )  # fmt: skip
    axes.axhline(baseline, color=_LINE, linestyle=":", linewidth=1, label="baseline")
    low = min(0.0, float(np.clip(control.min(), -1, 0)))
    axes.set_ylim(low, 1.04)
    axes.set_xticks(places, [_wrapped(layer) for layer in layers], rotation=45, ha="right")
    axes.set_ylabel(measure, fontsize=8, color=INK)
    _plain(axes)
    axes.legend(fontsize=7, frameon=False, loc="best")
    title(axes, words, width=round(13 * figure.get_figwidth()), loc="left")
    return figure
