"""Draw series: a lane for every channel with its line on a coloured band; the forecast beside."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from kerascope.plot.canvas import draw_bar
from kerascope.plot.colour import paint
from kerascope.plot.figures import Figure
from kerascope.plot.forecasts import Forecast, forecast_of
from kerascope.plot.ink import INK, LINE, frame, title
from kerascope.plot.maps import Map, Meaning, as_drawn, input_of
from kerascope.plot.predictions import prediction_words
from kerascope.plot.words import grade_words, sample_name, sentence
from kerascope.wording import number, one_line, short

if TYPE_CHECKING:
    from kerascope.attribution import Attribution
    from kerascope.types import Array

MOST = 12  # lanes: of more channels, those with the most evidence
_HEIGHT = {1: 1.5, 2: 1.9}  # inches of so many lanes
_LANE = 0.62  # inches of each, of more
_WIDTH, _BESIDE = 6.4, 2.9  # inches of lanes, of a forecast
_ROOM = 0.12  # of a lane, above and below its line
_TRUTH = "#1a7f4b"


def curves_of(result: Attribution, sample: int, name: str) -> Array:
    """Return the series that maps of an input lie on: (channel, time) float64."""
    known = result.input_axes[name][1:]
    data = np.asarray(input_of(result, name), np.float64)[sample]
    if "channel" not in known:
        return data.reshape(1, -1)
    return np.moveaxis(data, known.index("channel"), 0)


def lanes_of(values: Array, curves: Array) -> list[int]:
    """Return the channels that are drawn, in their order."""
    if len(curves) <= MOST:
        return list(range(len(curves)))
    strength = np.abs(values).sum(axis=1) if len(values) == len(curves) else np.ptp(curves, axis=1)
    return sorted(np.argsort(-strength, kind="stable")[:MOST].tolist())


def draw_lanes(
    axes: Any, result: Attribution, item: Map, *, limit: float | None, alpha: float = 1.0
) -> None:
    """Draw a series, the first channel on top; with no limit, without its map."""
    shown = as_drawn(result, item)
    curves = curves_of(result, item.sample, item.input)
    lanes = lanes_of(shown.values, curves)
    last = len(curves[0]) - 0.5
    for line, channel in enumerate(lanes):
        top = len(lanes) - line
        if limit is not None:
            row = shown.values[channel if len(shown.values) == len(curves) else 0]
            band = paint(row[None], limit=limit, meaning=shown.meaning)
            axes.imshow(
                band, extent=(-0.5, last, top - 1, top), aspect="auto", zorder=0,
                alpha=alpha * (0.8 if shown.meaning is Meaning.SIGNED else 0.5),
                interpolation="nearest",
            )  # fmt: skip
        low, high = curves[channel].min(), curves[channel].max()
        share = (curves[channel] - low) / ((high - low) or 1.0) if high > low else 0.5
        height = top - 1 + _ROOM + (1 - 2 * _ROOM) * share * np.ones(len(curves[channel]))
        axes.plot(np.arange(len(height)), height, color=INK, linewidth=1.0)
    _label(axes, result, item, curves, lanes)
    axes.set_xlim(-0.5, last)
    axes.set_ylim(0, len(lanes))
    frame(axes)


def _label(axes: Any, result: Attribution, item: Map, curves: Array, lanes: list[int]) -> None:
    """Name every lane with its range, and the steps by their times where they are known."""
    known = result.timeline(item.sample, item.input)
    said = []
    for channel in lanes:
        low, high = (number(float(v)) for v in (curves[channel].min(), curves[channel].max()))
        name = short(known.channel(channel), 16) if len(curves) > 1 or known.channels else ""
        said.append("\n".join(filter(None, [name, f"{low} … {high}"])))
    places = [len(lanes) - line - 0.5 for line in range(len(lanes))]
    axes.set_yticks(places, said, fontsize=7, parse_math=False)
    for top in range(1, len(lanes)):
        axes.axhline(top, color=LINE, linewidth=0.5)
    steps = len(curves[0])
    ticks = np.unique(np.linspace(0, steps - 1, min(steps, 4)).round().astype(int))
    words = [short(known.times[t], 18) if known.times else str(t + 1) for t in ticks]
    axes.set_xticks(ticks, words, parse_math=False)


def series_figure(
    result: Attribution, maps: Sequence[Map], *, limits: Sequence[float], alpha: float = 1.0
) -> Figure:
    """Return a figure: a row per map, its lanes, and predicted against true where it is known."""
    forecasts = [forecast_of(result, item.sample) for item in maps]
    curves = [curves_of(result, item.sample, item.input) for item in maps]
    heights = [_HEIGHT.get(len(c), _LANE * min(len(c), MOST) + 0.6) for c in curves]
    beside = any(forecasts)
    total = sum(heights) + 1.15 * len(maps) + 0.7
    figure = Figure(
        figsize=(_WIDTH + _BESIDE * beside, total), dpi=110, layout="constrained",
        facecolor="white",
    )  # fmt: skip
    grid = figure.add_gridspec(
        len(maps) + 1, 1 + beside, height_ratios=[*heights, 0.11],
        width_ratios=[_WIDTH, _BESIDE][: 1 + beside],
    )  # fmt: skip
    for line, item in enumerate(maps):
        axes = figure.add_subplot(grid[line, 0])
        draw_lanes(axes, result, item, limit=limits[line], alpha=alpha)
        head = f"{sample_name(result, item.sample)}: {item.explained}"
        title(axes, head, width=88)
        said = one_line(sentence(result, item, graded=False))
        below = [short(said, 220), grade_words(result, item)]
        axes.set_xlabel(
            _wrapped("; ".join(filter(None, below)), 104), fontsize=7.5, color="#5a6070",
            loc="left", parse_math=False,
        )  # fmt: skip
        found = forecasts[line]
        if found is not None:
            draw_forecast(figure.add_subplot(grid[line, 1]), found, item)
            continue
        if beside:
            figure.add_subplot(grid[line, 1]).set_axis_off()
    bar = figure.add_subplot(grid[len(maps), 0])
    draw_bar(bar, [as_drawn(result, item) for item in maps], max(limits), lying=True)
    figure.suptitle(
        f"{result.method.title}: {short(prediction_words(result, maps[0].sample), 70)}"
        if len({item.sample for item in maps}) == 1
        else result.method.title,
        fontsize=10, color=INK, parse_math=False,
    )  # fmt: skip
    return figure


def _wrapped(text: str, width: int) -> str:
    import textwrap

    return "\n".join(textwrap.wrap(text, width, max_lines=3, placeholder=" …"))


def draw_forecast(axes: Any, found: Forecast, item: Map) -> None:
    """Draw what was known last, what is predicted, and what came, of the channel explained."""
    channel = found.channel_of(item.explained)
    known, ahead = found.known[:, channel], found.values[:, channel]
    shown = known[-max(3 * len(ahead), 8) :]
    past = np.arange(-len(shown) + 1, 1)
    future = np.arange(1, len(ahead) + 1)
    axes.plot(past, shown, color=INK, linewidth=1.0)
    axes.axhline(shown[-1], color=LINE, linewidth=0.7, linestyle=":")
    axes.axvline(0.5, color=LINE, linewidth=0.7)
    axes.plot(future, ahead, "o-", color="#b2182b", linewidth=1.2, markersize=3, label="predicted")
    if len(found.truth):
        true = found.truth[:, channel]
        axes.plot(
            future[: len(true)], true, "s--", color=_TRUTH, linewidth=1.2, markersize=3,
            label="true",
        )  # fmt: skip
    step = re.search(r"(\d+) steps? ahead", item.explained)
    if step is not None and " steps ahead minus forecast" not in item.explained:
        axes.axvspan(int(step[1]) - 0.4, int(step[1]) + 0.4, color="#f6c445", alpha=0.35, zorder=0)
    axes.legend(fontsize=7, frameon=False, loc="best")
    axes.set_xlabel("steps ahead", fontsize=7.5, color="#5a6070", loc="left")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    title(axes, found.words(channel), width=34, fontweight="bold")
    frame(axes)
