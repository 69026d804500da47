"""Kernels as pictures: colours, channels, norms, matrices; and histograms of weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from kerascope.errors import BadInput
from kerascope.plot.colour import paint
from kerascope.plot.figures import Figure
from kerascope.plot.ink import INK, blank, title
from kerascope.plot.maps import Meaning

if TYPE_CHECKING:
    from kerascope.types import Array

VIEWS = ("auto", "colour", "channels", "norm", "matrix")
_PIXELS = (44, 900)  # of a picture of a kernel at least, and of all in a line
_WIDE = 10.0  # inches
_CHANNELS, _UNITS = 24, 32  # drawn at most where every channel has its picture


def kernel_figure(
    kernel: Array,
    *,
    title: str,
    colours: tuple[int, int, int] | None = None,
    view: str = "auto",
    shared_scale: bool = False,
    most: int = 256,
) -> Figure:
    """Return a figure of the kernels (*window, channel, unit); see `Filters.plot`."""
    if view not in VIEWS:
        raise BadInput(f"view='{view}' is not one of {', '.join(VIEWS)}")
    if most < 1:
        raise BadInput(f"most={most} must be at least 1")
    view = _fitting(kernel, colours) if view == "auto" else view
    if view == "matrix":
        return _matrix(kernel, title)
    if kernel.ndim != 4:
        raise BadInput(
            f"view='{view}' needs a kernel with a window of height and width; this one has shape "
            f"{kernel.shape}: use view='matrix'"
        )
    if view == "colour" and kernel.shape[2] != 3:
        raise BadInput(f"view='colour' needs 3 channels, the kernel reads {kernel.shape[2]}")
    units = np.arange(min(kernel.shape[-1], most))
    kernel = kernel[..., units]
    limits = np.abs(kernel).max(axis=(0, 1, 2)) + 1e-30
    limits = np.full_like(limits, limits.max()) if shared_scale else limits
    if view == "channels" and kernel.shape[2] > 1:
        channels = range(min(kernel.shape[2], _CHANNELS))
        lines = [[_signed(kernel[:, :, c, u], limits[u]) for c in channels] for u in units[:_UNITS]]
    else:
        pictures = [_picture(kernel[..., u], limits[u], view, colours) for u in units]
        columns = _columns(len(pictures))
        lines = [pictures[i : i + columns] for i in range(0, len(pictures), columns)]
    scale = "one scale for all" if shared_scale else "each on its own scale"
    what = {
        "colour": "as colours, grey is zero",
        "norm": "size of the weights over all channels",
        "channels": "blue below zero, red above",
    }[view]
    firsts = range(len(lines)) if view == "channels" and kernel.shape[2] > 1 else range(
        0, len(units), len(lines[0])
    )  # fmt: skip
    return _sheet(lines, f"{title}: {what}, {scale}", [f"unit {k}" for k in firsts])


def _fitting(kernel: Array, colours: tuple[int, int, int] | None) -> str:
    if kernel.ndim != 4 or kernel.shape[0] == kernel.shape[1] == 1:
        return "matrix"
    if colours is not None:
        return "colour"
    return "channels" if kernel.shape[2] == 1 else "norm"


def _columns(count: int) -> int:
    return min(count, max(8, int(np.ceil(np.sqrt(count * 1.6)))))


def _picture(kernel: Array, limit: float, view: str, colours: tuple[int, int, int] | None) -> Array:
    """Return one kernel (y, x, channel) as a uint8 RGB picture."""
    if view == "colour":
        share = 0.5 + kernel[..., list(colours or (0, 1, 2))] / (2 * limit)
        return (np.clip(share, 0, 1) * 255).round().astype(np.uint8)
    if view == "norm":
        norm = np.linalg.norm(kernel, axis=-1)
        return paint(norm, limit=float(norm.max()) or 1.0, meaning=Meaning.MAGNITUDE)
    return _signed(kernel[..., 0], limit)


def _signed(values: Array, limit: float) -> Array:
    return paint(values, limit=float(limit))


def _sheet(lines: Sequence[Sequence[Array]], words: str, names: Sequence[str]) -> Figure:
    """Return pictures in lines with small gaps, a name beside each line."""
    height, width = lines[0][0].shape[:2]
    columns, gap = max(map(len, lines)), 4
    least, line_width = _PIXELS
    factor = max(-(-least // max(height, width)), line_width // (columns * width))
    step_y, step_x = height * factor + gap, width * factor + gap
    page = np.full((len(lines) * step_y + gap, columns * step_x + gap, 3), 255, np.uint8)
    for row, line in enumerate(lines):
        for column, picture in enumerate(line):
            y, x = gap + row * step_y, gap + column * step_x
            large = picture.repeat(factor, axis=0).repeat(factor, axis=1)
            page[y : y + large.shape[0], x : x + large.shape[1]] = large
    high = _WIDE * page.shape[0] / page.shape[1] + 0.6
    figure = Figure(figsize=(_WIDE, high), dpi=110, layout="constrained", facecolor="white")
    axes = figure.add_subplot()
    blank(axes)
    axes.imshow(page, interpolation="nearest")
    axes.set_yticks([gap + (k + 0.5) * step_y for k in range(len(lines))], names)
    axes.tick_params(labelsize=7, colors=INK, length=0)
    title(axes, words, width=130, loc="left")
    return figure


def _matrix(kernel: Array, words: str) -> Figure:
    """Return the weights as one signed picture: units across, what they read down."""
    flat = kernel.reshape(-1, kernel.shape[-1])
    limit = float(np.percentile(np.abs(flat), 99.5)) or float(np.abs(flat).max()) or 1.0
    figure = Figure(figsize=(_WIDE * 0.8, 5.0), dpi=110, layout="constrained", facecolor="white")
    axes = figure.add_subplot()
    image = axes.imshow(
        flat, cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto", interpolation="nearest"
    )
    axes.set_xlabel("unit", fontsize=8, color=INK)
    axes.set_ylabel("weight of", fontsize=8, color=INK)
    axes.tick_params(labelsize=7, colors=INK)
    bar = figure.colorbar(image, ax=axes)
    bar.ax.tick_params(labelsize=7, colors=INK)
    title(axes, f"{words}: every weight", width=100, loc="left")
    return figure


def histogram_figure(rows: Sequence[tuple[str, Array, Array]]) -> Figure:
    """Return a histogram for every (name, edges, counts), in rows of four."""
    columns = min(4, len(rows))
    lines = -(-len(rows) // columns)
    figure = Figure(
        figsize=(2.6 * columns, 1.5 * lines + 0.3), dpi=110, layout="constrained", facecolor="white"
    )
    for k, (name, edges, counts) in enumerate(rows):
        axes = figure.add_subplot(lines, columns, k + 1)
        axes.stairs(counts, edges, fill=True, color="#2a6fb5")
        axes.axvline(0, color="#8a90a0", linewidth=0.6)
        axes.set_yticks([])
        for side in ("top", "right", "left"):
            axes.spines[side].set_visible(False)
        axes.tick_params(labelsize=6, colors=INK)
        title(axes, name, width=34, fontsize=7)
    return figure
