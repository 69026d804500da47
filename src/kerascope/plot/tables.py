"""Pictures of attributions to named columns: one row as a waterfall, many as a beeswarm or bars."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize

from kerascope.errors import BadInput, choices
from kerascope.plot.columns import AGAINST, FOR, GREY, tidy
from kerascope.plot.figures import Figure
from kerascope.plot.ink import INK, title
from kerascope.plot.maps import cells_of, inputs_of, words_of
from kerascope.plot.predictions import prediction_words
from kerascope.plot.words import sample_name
from kerascope.wording import number, short

if TYPE_CHECKING:
    from kerascope.attribution import Attribution
    from kerascope.columns import Column
    from kerascope.types import Array

KINDS = ("waterfall", "beeswarm", "summary")
_LONGEST = 26  # characters of a name
_SWARM = 22  # rows of a beeswarm that may lie over each other


def table_figure(
    result: Attribution,
    *,
    kind: str | None = None,
    sample: int = 0,
    target: int = 0,
    most: int = 12,
) -> Figure:
    """Return a "waterfall" of a row, or a "beeswarm" or "summary" of all; None: by their number."""
    kind = kind or ("waterfall" if len(result) == 1 else "beeswarm")
    if kind == "waterfall":
        return waterfall(result, sample, target=target, most=most)
    if kind not in KINDS:
        raise BadInput(f"kind='{kind}' is not known{choices(kind, KINDS)}")
    return (beeswarm if kind == "beeswarm" else summary)(result, target=target, most=most)


def waterfall(result: Attribution, sample: int = 0, *, target: int = 0, most: int = 10) -> Figure:
    """Return a figure: how the columns of one row lead from the baseline's score to the row's.

    Where the method's values do not sum to the score difference, the bars start at zero and the
    rest is a bar of its own, "not accounted for". most: columns shown; the others are one bar.
    """
    values, names, numbers = _row(result, sample, target)
    order = np.argsort(-np.abs(values), kind="stable")
    shown = order if len(order) <= most else order[: most - 1]
    labels = [f"{short(names[i], _LONGEST)} = {short(numbers[i], 14)}" for i in shown]
    steps = [float(values[i]) for i in shown]
    if len(shown) < len(order):
        rest = order[len(shown) :]
        labels.append(f"{len(rest)} other columns")
        steps.append(float(values[rest].sum()))
    score = float(np.asarray(result.scores).reshape(len(result), -1)[sample, target])
    base = base_of(result, sample, target)
    sums, start = base is not None, base or 0.0
    gap = score - start - float(values.sum()) if sums else 0.0
    if abs(gap) > 0.005 * max(abs(score - start), 1e-12):
        labels.append("not accounted for")
        steps.append(gap)
    figure, axes = _page(0.34 * len(steps) + 1.25, 6.6)
    _steps(axes, steps, labels, start)
    _ends(axes, start, start + sum(steps), sums=sums)
    axes.set_xlabel(_unit(words_of(result, sample, target)), fontsize=8, color=INK)
    what = f"{sample_name(result, sample)}: {words_of(result, sample, target)}"
    title(axes, f"{what} — predicted {prediction_words(result, sample)}", width=84, pad=20)
    figure.text(0.995, 0.005, result.method.title, fontsize=6.5, color=GREY, ha="right")
    return figure


def _row(result: Attribution, sample: int, target: int) -> tuple[Array, list[str], list[str]]:
    """Return a row's values, the columns' names and what the row holds, in words."""
    if not 0 <= sample < len(result):
        raise BadInput(
            f"sample {sample} is not there; the result has samples 0 … {len(result) - 1}"
        )
    values = np.asarray(result.by_column(), np.float64)[sample]
    values = values if values.ndim == 1 else values[target]
    return values, [column.name for column in result.columns], cells_of(result, sample)


def base_of(result: Attribution, sample: int, target: int) -> float | None:
    """Return the score that a row's values start from; None where they do not sum to the score."""
    if result.gap is None:
        return None
    at = lambda array: np.asarray(array, np.float64).reshape(len(result), -1)[sample, target]  # noqa: E731
    columns = np.asarray(result.by_column(), np.float64).sum(axis=-1)
    return float(at(result.scores) - at(columns) - at(result.gap))


def _unit(explained: str) -> str:
    return explained.split(" (", maxsplit=1)[0]


def _page(height: float, width: float) -> tuple[Figure, Any]:
    figure = Figure(figsize=(width, height), dpi=110, layout="constrained", facecolor="white")
    axes = figure.add_subplot()
    tidy(axes)
    return figure, axes


def _steps(axes: Any, steps: list[float], labels: list[str], start: float) -> None:
    """Draw bars that begin where the one before ended, the first on top."""
    ends = start + np.cumsum(steps)
    span = max(float(np.ptp([start, *ends])), 1e-12)
    for line, (step, end) in enumerate(zip(steps, ends, strict=True)):
        colour = GREY if labels[line] == "not accounted for" else FOR if step >= 0 else AGAINST
        axes.barh(line, step, left=end - step, color=colour, height=0.62)
        ahead = max(end, end - step) + 0.012 * span
        text = ("+" if step >= 0 else "") + number(step)
        axes.text(ahead, line, text, va="center", fontsize=7.5, color=INK)
        if line:
            axes.plot([end - step] * 2, [line - 1, line], color=GREY, linewidth=0.6, zorder=0)
    axes.set_yticks(range(len(labels)), labels, parse_math=False)
    axes.set_ylim(len(steps) - 0.4, -0.6)
    low, high = min(start, *ends), max(start, *ends)
    axes.set_xlim(low - 0.06 * span, high + 0.16 * span)


def _ends(axes: Any, start: float, end: float, *, sums: bool) -> None:
    """Say where the way begins and ends."""
    before = f"baseline {number(start)}" if sums else "0"
    after = f"this row {number(end)}" if sums else f"sum {number(end)}"
    for place, words, ahead in ((start, before, start > end), (end, after, end >= start)):
        axes.axvline(place, color=GREY, linewidth=0.8, linestyle=":", zorder=0)
        axes.annotate(
            words, (place, 1.0), xycoords=("data", "axes fraction"), xytext=(0, 3),
            textcoords="offset points", ha="left" if ahead else "right", fontsize=7.5, color=INK,
        )  # fmt: skip


def beeswarm(result: Attribution, *, target: int = 0, most: int = 15) -> Figure:
    """Return a figure: every row's value of every column, coloured by what the row holds.

    Columns by mean size, the largest on top. Categories and values that do not vary are grey.
    """
    values, columns = _all(result, target)
    if len(result) < 2:
        raise BadInput("a beeswarm shows many rows, and the result has one: take waterfall")
    order = np.argsort(-np.abs(values).mean(axis=0), kind="stable")[:most]
    x = inputs_of(result)
    figure, axes = _page(0.36 * len(order) + 1.1, 7.0)
    axes.axvline(0, color=GREY, linewidth=0.8, zorder=0)
    for line, i in enumerate(order):
        held = columns[i].read(x).astype(np.float64)
        colours = _shades(held, columns[i])
        height = _pile(values[:, i])
        axes.scatter(values[:, i], line + height, c=colours, s=9, linewidths=0, alpha=0.9)
    labels = [short(columns[i].name, _LONGEST) for i in order]
    axes.set_yticks(range(len(order)), labels, parse_math=False)
    axes.set_ylim(len(order) - 0.4, -0.6)
    axes.set_xlabel(f"against … for: {_scale(result, target)}", fontsize=8, color=INK)
    bar = figure.colorbar(
        ScalarMappable(Normalize(0, 1), colormaps["viridis"]), ax=axes, aspect=36, pad=0.02,
        ticks=[0, 1],
    )  # fmt: skip
    bar.ax.set_yticklabels(["low", "high"], fontsize=7.5)
    bar.set_label("value of the column (grey: a category)", fontsize=7.5, color=INK)
    bar.outline.set_visible(False)
    title(axes, f"{result.method.title} of {len(result)} rows", width=84)
    return figure


def _all(result: Attribution, target: int) -> tuple[Array, tuple[Column, ...]]:
    values = np.asarray(result.by_column(), np.float64)
    return (values if values.ndim == 2 else values[:, target]), result.columns


def _scale(result: Attribution, target: int) -> str:
    words = {_unit(words_of(result, i, target)) for i in range(len(result))}
    return words.pop() if len(words) == 1 else "the score of each row's own class"


def _shades(held: Array, column: Column) -> Any:
    """Return a colour by rank for each row: ranks show order where values are skewed."""
    if (column.categories and len(column.categories) > 2) or np.ptp(held) == 0:
        return GREY
    _, rank = np.unique(held, return_inverse=True)
    return colormaps["viridis"](rank / max(rank.max(), 1))


def _pile(values: Array) -> Array:
    """Return heights that part points of like value, within ±0.4: alternating, by bin."""
    span = max(float(np.ptp(values)), 1e-12)
    bins = np.floor((values - values.min()) / span * 60).astype(int)
    heights = np.zeros(len(values))
    for one in np.unique(bins):
        mine = np.flatnonzero(bins == one)
        place = np.arange(len(mine))
        heights[mine] = np.where(place % 2, 1, -1) * ((place + 1) // 2)
    return 0.4 * heights / max(np.abs(heights).max(), _SWARM / 2)


def summary(result: Attribution, *, target: int = 0, most: int = 15) -> Figure:
    """Return a figure: the mean size of every column's values, with for and against told apart."""
    values, columns = _all(result, target)
    order = np.argsort(-np.abs(values).mean(axis=0), kind="stable")[:most]
    figure, axes = _page(0.32 * len(order) + 1.0, 6.6)
    for line, i in enumerate(order):
        plus = np.maximum(values[:, i], 0).mean()
        minus = np.maximum(-values[:, i], 0).mean()
        axes.barh(line, plus, color=FOR, height=0.6)
        axes.barh(line, minus, left=plus, color=AGAINST, height=0.6)
        axes.text(
            plus + minus, line, f" {number(plus + minus)}", va="center", fontsize=7.5, color=INK
        )
    labels = [short(columns[i].name, _LONGEST) for i in order]
    axes.set_yticks(range(len(order)), labels, parse_math=False)
    axes.set_ylim(len(order) - 0.4, -0.6)
    axes.margins(x=0.1)
    axes.set_xlabel(
        f"mean size over {len(result)} rows (red: for, blue: against) of {_scale(result, target)}",
        fontsize=8, color=INK,
    )  # fmt: skip
    title(axes, f"{result.method.title}: what the columns are worth", width=84)
    return figure


def table_words(names: Sequence[str], values: Array) -> str:
    """Return the strongest columns in words, for who does not see a picture."""
    order = np.argsort(-np.abs(values), kind="stable")[:5]
    said = [f"{names[i]} {'+' if values[i] >= 0 else ''}{number(float(values[i]))}" for i in order]
    return ", ".join(said)
