"""What a page needs to browse an audit: points, strategies and thumbnails, as plain values."""

from __future__ import annotations

from typing import Any

from kerascope.audit.classes import class_name
from kerascope.audit.collected import Collected
from kerascope.audit.drawing import drawn
from kerascope.audit.pictures import SIDE, Pictures, data_uri, thumbnail
from kerascope.audit.scatter import Scatter, scatter
from kerascope.audit.source import Source
from kerascope.audit.strategies import Strategies
from kerascope.checks import check_whole

_THUMBNAILS = 600  # about 2 kB each


def browser(
    collected: Collected, source: Source | None = None, *, strategies: Strategies | None = None,
    points: Scatter | None = None, thumbnails: int = _THUMBNAILS, side: int = SIDE, seed: int = 0,
) -> dict[str, Any]:  # fmt: skip
    """Return an audit for a front end, as JSON values.

    Args:
        collected: the rows.
        source: the data, for thumbnails; none without it.
        strategies: whose members are marked in the points; a number per point, from 0.
        points: where samples lie; made here by default.
        thumbnails: how many at most: of samples near the middle of a strategy first, then drawn.
        side: pixels of their longer side.
        seed: of all draws.
    """
    check_whole(0, thumbnails=thumbnails)
    check_whole(1, side=side)
    found = scatter(collected, seed=seed) if points is None else points
    names = collected.settings.get("classes")
    indices = sorted({*found.labels.tolist(), *found.predicted.tolist()} - {-1})
    return {
        "model": collected.settings.get("model"),
        "samples": collected.samples,
        "classes": {str(k): class_name(k, names) for k in indices},
        "words": found.words,
        "points": {**found.to_json(), "strategy": _numbers(found, strategies)},
        "strategies": None if strategies is None else strategies.to_json()["classes"],
        "thumbnails": _thumbnails(collected, source, found, strategies, thumbnails, side, seed),
    }


def _numbers(found: Scatter, strategies: Strategies | None) -> list[int | None]:
    """Return by point the number of its strategy within its class; None where there is none."""
    number: dict[int, int] = {}
    for one in () if strategies is None else strategies.classes:
        number |= dict(zip(one.ids.tolist(), one.assigned.tolist(), strict=True))
    return [number.get(i) for i in found.ids.tolist()]


def _thumbnails(
    collected: Collected, source: Source | None, found: Scatter, strategies: Strategies | None,
    most: int, side: int, seed: int,
) -> dict[str, str]:  # fmt: skip
    if source is None:
        return {}
    nearest = [
        i for one in (() if strategies is None else strategies.classes)
        for strategy in one.strategies for i in strategy.nearest
    ]  # fmt: skip
    first = list(dict.fromkeys(nearest))[:most]
    rest = [i for i in found.ids.tolist() if i not in set(first)]
    chosen = [*first, *drawn(rest, most - len(first), seed=seed).tolist()]
    pictures = Pictures(source, collected.settings)
    made = {i: pictures.rgb(i) for i in sorted(chosen)}
    return {
        str(i): data_uri(thumbnail(pixels, side=side))
        for i, pixels in made.items()
        if pixels is not None
    }
