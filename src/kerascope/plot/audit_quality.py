"""Draw how good a model is: what it takes for what, and whether its confidence is true."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascope.plot.figures import Figure
from kerascope.plot.ink import INK, title
from kerascope.wording import percentage, short

if TYPE_CHECKING:
    from kerascope.types import Array

_WRITTEN = 20  # classes up to which numbers fit into the cells
_BAR, _LINE, _RIGHT = "#2a6fb5", "#8a90a0", "#d1662b"
_GRID = "#e3e6ec"


def confusion_figure(counts: Array, names: Sequence[str], *, words: str) -> Figure:
    """Return a table of (true, predicted) counts; a cell's colour is its share of its row."""
    total = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(total, 1)
    cell = 0.42 if len(names) <= _WRITTEN else 0.2
    size = (max(3.6, cell * len(names) + 2.3), max(3.0, cell * len(names) + 1.9))
    figure = Figure(figsize=size, dpi=120, layout="constrained", facecolor="white")
    axes = figure.subplots()
    drawn = axes.imshow(shares, cmap="viridis", vmin=0, vmax=1)
    if len(names) <= _WRITTEN:
        for (row, column), share in np.ndenumerate(shares):
            if counts[row, column]:
                colour = "white" if share < 0.6 else "#101420"
                axes.text(column, row, f"{counts[row, column]}", ha="center", va="center",
                          fontsize=7, color=colour)  # fmt: skip
    shown = [short(name, 18) for name in names]
    axes.set_xticks(range(len(names)), shown, rotation=45, ha="right", fontsize=7, parse_math=False)
    axes.set_yticks(range(len(names)), shown, fontsize=7, parse_math=False)
    axes.set_xlabel("predicted", fontsize=8, color=INK)
    axes.set_ylabel("true", fontsize=8, color=INK)
    axes.tick_params(length=0, colors=INK)
    for side in axes.spines.values():
        side.set_visible(False)
    bar = figure.colorbar(drawn, ax=axes, fraction=0.05, pad=0.02)
    bar.set_label("share of the true class", fontsize=7.5, color=INK)
    bar.set_ticks([0, 0.5, 1], labels=["0 %", "50 %", "100 %"])
    bar.ax.tick_params(labelsize=7, colors=INK, length=2)
    bar.outline.set_visible(False)  # type: ignore[operator]
    title(axes, words, width=round(12 * size[0]))
    return figure


def confusion_alt(counts: Array, names: Sequence[str]) -> str:
    """Say what a table of counts shows: how many are right, and the three commonest mistakes."""
    total, right = int(counts.sum()), int(np.trace(counts))
    said = f"Table of true and predicted classes: {right} of {total} samples on the diagonal."
    wrong = counts * (1 - np.eye(len(counts), dtype=counts.dtype))
    order = np.argsort(-wrong, axis=None, kind="stable")[:3]
    pairs = [np.unravel_index(k, wrong.shape) for k in order if wrong.ravel()[k]]
    if not pairs:
        return f"{said} No mistakes."
    listed = "; ".join(
        f"'{names[t]}' taken for '{names[p]}' in {wrong[t, p]} of {counts[t].sum()}"
        for t, p in pairs
    )
    return f"{said} Most often: {listed}."


def reliability_figure(
    confidence: Array, accuracy: Array, intervals: Array, counts: Array, edges: Array, *, words: str
) -> Figure:
    """Return a reliability diagram: accuracy by confidence, and how many samples there are.

    confidence, accuracy, counts: (bin,). intervals: (bin, 2) of the accuracies. edges: (bin, 2).
    """
    figure = Figure(figsize=(4.8, 4.8), dpi=120, layout="constrained", facecolor="white")
    axes, below = figure.subplots(2, 1, sharex=True, height_ratios=[3.2, 1])
    axes.plot([0, 1], [0, 1], color=_LINE, linestyle=":", linewidth=1.2)
    axes.text(0.04, 0.075, "true confidence", fontsize=7, color=_LINE, rotation=38,
              rotation_mode="anchor")  # fmt: skip
    widths = edges[:, 1] - edges[:, 0]
    axes.bar(edges[:, 0], accuracy, widths, align="edge", color=_BAR, alpha=0.25, linewidth=0)
    axes.errorbar(
        confidence, accuracy, np.abs(intervals.T - accuracy), fmt="o", color=_BAR, markersize=4,
        linewidth=1.2, capsize=2,
    )  # fmt: skip
    axes.vlines(confidence, accuracy, confidence, color=_RIGHT, linewidth=1.6, alpha=0.8)
    axes.set(ylim=(0, 1.03), xlim=(0, 1))
    axes.set_ylabel("share that is right", fontsize=8, color=INK)
    below.bar(edges[:, 0], counts, widths, align="edge", color=_BAR, alpha=0.6, linewidth=0)
    below.set_ylabel("samples", fontsize=8, color=INK)
    below.set_xlabel("confidence of the predicted class", fontsize=8, color=INK)
    for one in (axes, below):
        _plain(one)
    title(axes, words, width=70)
    return figure


def reliability_alt(confidence: Array, accuracy: Array, counts: Array, *, words: str) -> str:
    """Say what a reliability diagram shows: the summary, and its fullest bins."""
    order = np.sort(np.argsort(-counts, kind="stable")[:3])
    listed = "; ".join(
        f"{counts[k]} samples with confidence {confidence[k]:.2f} are right in "
        f"{percentage(float(accuracy[k]))}"
        for k in order
    )
    return f"Reliability diagram: {words}. {listed}."


def _plain(axes: Any) -> None:
    axes.tick_params(labelsize=7, colors=INK, length=2)
    axes.grid(axis="y", color=_GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(_LINE)
