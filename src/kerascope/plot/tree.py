"""The picture of a surrogate tree, and how far it can be believed at every depth.

A result `found` is a `kerascope.tabular.surrogate.Surrogate`, which stands above this room.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import colormaps

from kerascope.plot.figures import Figure
from kerascope.plot.ink import INK, title
from kerascope.plot.tables import FOR, GREY, tidy
from kerascope.wording import short

if TYPE_CHECKING:
    from kerascope.types import Array


def surrogate_figure(found: Any) -> Figure:
    """Return the tree with a box for every node, yes to the left, and the fidelity by depth."""
    x, y = _layout(found.children)
    leaves = int((found.children[:, 0] < 0).sum())
    width, height = max(6.4, 1.28 * leaves + 2.6), 1.05 * found.depth + 1.7
    figure = Figure(figsize=(width, height), dpi=110, layout="constrained", facecolor="white")
    tree, side = figure.subplots(1, 2, width_ratios=[width - 2.3, 2.3])
    tree.set_axis_off()
    tree.set_xlim(-0.6, leaves - 0.4)
    tree.set_ylim(-found.depth - 0.45, 0.45)
    shades = _shades(found)
    for node, pair in enumerate(found.children):
        for child, word in zip(pair, ("yes", "no"), strict=True):
            if child < 0:
                continue
            share = 0.8 + 5 * found.shares[child]
            tree.plot([x[node], x[child]], [y[node], y[child]], color=GREY, linewidth=share,
                      zorder=0, alpha=0.6, solid_capstyle="round")  # fmt: skip
            tree.text((x[node] + 2 * x[child]) / 3, (y[node] + 2 * y[child]) / 3 + 0.02, word,
                      fontsize=6.5, color=INK, ha="center",
                      bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6})  # fmt: skip
        _box(tree, found, node, (x[node], y[node]), shades[node])
    title(tree, found.sentence(), width=max(60, 14 * leaves), pad=10)
    _fidelity(side, found)
    return figure


def _layout(children: Array) -> tuple[Array, Array]:
    """Return places: leaves side by side, a node over the middle of what is below it."""
    x, y = np.zeros(len(children)), np.zeros(len(children))
    count = 0

    def walk(node: int, level: int) -> None:
        nonlocal count
        y[node] = -level
        if children[node, 0] < 0:
            x[node] = count
            count += 1
            return
        for child in children[node]:
            walk(int(child), level + 1)
        x[node] = x[children[node]].mean()

    walk(0, 0)
    return x, y


def _shades(found: Any) -> Any:
    """Return a pale colour for every node: of its class, stronger where purer, or of its score."""
    if found.classes:
        base = colormaps["tab10"](found.answers.astype(int) % 10)
        strength = (0.12 + 0.4 * np.clip((found.purity - 0.5) * 2, 0, 1))[:, None]
        return np.concatenate([1 - strength * (1 - base[:, :3]), base[:, 3:]], axis=1)
    span = np.ptp(found.answers) or 1.0
    place = (found.answers - found.answers.min()) / span
    base = colormaps["RdBu_r"](0.25 + 0.5 * place)
    return np.concatenate([1 - 0.7 * (1 - base[:, :3]), base[:, 3:]], axis=1)


def _box(axes: Any, found: Any, node: int, at: tuple[float, float], shade: Any) -> None:
    question = found.questions[node]
    answer = short(found.answer(node), 22)
    more = f"{found.shares[node]:.0%} of rows"
    sure = f", {found.purity[node]:.0%} pure" if found.classes else f", ±{found.purity[node]:.2g}"
    kept = short(question, 48).replace(" ≤ ", " ≤\u00a0")  # a number stays with its sign
    head = textwrap.fill(kept, 24) if question else answer
    mean = "" if found.classes else "mean "
    below = (f"{mean}{answer}\n" if question else "") + more + sure
    axes.text(
        *at, f"{head}\n{below}", ha="center", va="center", fontsize=6.8, color=INK,
        linespacing=1.35, parse_math=False,
        bbox={"boxstyle": "round,pad=0.45", "facecolor": shade, "edgecolor": GREY,
              "linewidth": 1.4 if not question else 0.7},
    )  # fmt: skip


def _fidelity(axes: Any, found: Any) -> None:
    """Draw the fidelity on held-out rows at every depth, the tree's own marked."""
    tidy(axes)
    depths = np.arange(1, len(found.fidelity) + 1)
    axes.plot(depths, found.fidelity, color=GREY, marker="o", markersize=3.5, linewidth=1.2)
    axes.plot([found.depth], [found.score], color=FOR, marker="o", markersize=7)
    axes.text(found.depth, found.score, f"  {found.score:.2f}", fontsize=7.5, color=INK, va="top")
    axes.axhline(found.chance, color=GREY, linewidth=0.8, linestyle=":")
    axes.text(
        depths[-1], found.chance, "one answer", fontsize=6.5, color=INK, ha="right", va="bottom"
    )
    low = min(found.chance, float(found.fidelity.min()))
    axes.set_ylim(low - 0.06, 1.03)
    axes.set_xticks(depths)
    axes.set_xlabel("depth", fontsize=7.5, color=INK)
    axes.tick_params(labelsize=7)
    title(axes, f"{found.measure} on {found.held_out} held-out rows", width=24)
