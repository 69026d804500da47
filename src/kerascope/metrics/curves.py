"""Scores along the way from the whole input to nothing, or back, in the order of a map."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kerascope.metrics.subject import Subject, ranking

if TYPE_CHECKING:
    from kerascope.perturb import Canvas
    from kerascope.types import Array


def removal_curve(
    subject: Subject, canvas: Canvas, steps: int, *, insert: bool = False, what: str = "curves"
) -> tuple[Array, Array]:
    """Return the shares of positions gone, (steps + 1,), and the scores there, (sample, steps + 1).

    The highest values of the map go first; with `insert` they come first, into what covers.
    """
    order = ranking(subject.flat)
    count = order.shape[1]
    steps = min(steps, count)
    gone = np.rint(np.linspace(0, count, steps + 1)).astype(int)
    place = np.empty_like(order)  # of every position in the order
    np.put_along_axis(place, order, np.broadcast_to(np.arange(count), order.shape), axis=1)

    def rows_of(rows: Array, numbers: Array) -> dict[str, Array]:
        before = place[rows] < gone[numbers][:, None]
        return subject.shown(canvas, before if insert else ~before, rows, numbers)

    return gone / count, subject.swept(steps + 1, rows_of, what)


def area(shares: Array, scores: Array) -> Array:
    """Return the area under curves (sample, step) by the trapezoid rule: (sample,)."""
    widths = np.diff(shares)
    return ((scores[:, 1:] + scores[:, :-1]) / 2 * widths).sum(axis=1)
