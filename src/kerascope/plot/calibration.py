"""Draw how well a grade foretells where the evidence is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascope.files import write_whole
from kerascope.plot.export import png_of
from kerascope.plot.figures import Figure
from kerascope.plot.ink import INK

if TYPE_CHECKING:
    import os
    from pathlib import Path

_BINS = 10
_LINE = "#8a90a0"


def save_curve(
    path: str | os.PathLike[str], found: Mapping[str, Sequence[Any]], least: Mapping[str, float]
) -> Path:
    """Write a PNG: hit rate and mass accuracy by score, the letters' least scores as lines.

    found: "score", "hit" and "mass" of every map; hits and masses may be NaN. The maps are cut into
    ten bins of equal number.
    """
    columns = {name: np.asarray(found[name], np.float64) for name in ("score", "hit", "mass")}
    order = np.argsort(columns["score"], kind="stable")
    bins = np.array_split(order, min(_BINS, len(order)))
    centres = [float(columns["score"][rows].mean()) for rows in bins]
    fig = Figure(figsize=(6.4, 4.0), dpi=120, layout="constrained", facecolor="white")
    axes = fig.add_subplot()
    for name, colour, words in (
        ("hit", "#2a5b9c", "share of maps whose peak is on the evidence"),
        ("mass", "#b8651b", "share of the positive values on the evidence"),
    ):
        means = [float(np.nanmean(columns[name][rows])) for rows in bins]
        axes.plot(centres, means, "o-", color=colour, label=words, linewidth=1.6, markersize=4)
    for letter, score in least.items():
        axes.axvline(score, color=_LINE, linewidth=0.8, linestyle=":")
        axes.text(score + 0.005, 1.02, letter, color=INK, fontsize=9, va="bottom")
    axes.set(xlim=(0, 1), ylim=(0, 1.1), xlabel="score of the grade", ylabel="mean of a tenth")
    axes.legend(frameon=False, fontsize=8, loc="center right", bbox_to_anchor=(1, 0.62))
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    return write_whole(path, png_of(fig))
