"""ROAD: remove and debias, with holes that neighbours fill in (Rong et al. 2022)."""

from __future__ import annotations

import dataclasses
import functools
import itertools
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from kerascope.method import check
from kerascope.metrics.base import INFINITY, Family, Metric, Require
from kerascope.metrics.subject import Subject, ranking
from kerascope.perturb import is_tokens

if TYPE_CHECKING:
    from kerascope.types import Array

_DRAW = 2**28  # the draw of the noise, apart from those of methods


@dataclasses.dataclass(frozen=True, kw_only=True)
class Road(Metric):
    """Mean score with the most, or least, important positions filled in from their neighbours.

    What is filled in tells little of what was there, so that the score is not moved by the shape of
    the holes.

    shares: of the positions removed. order: "combined" is (least − most) / 2; "most" first is the
    paper's MoRF, negated so that large is good here too; "least" first its LeRF.
    noise: standard deviation of what is added to the filled in, of the sample's.
    """

    name = "road"
    title = "ROAD"
    reference = "rong2022road"
    family = Family.FAITHFULNESS
    higher = True
    bounds = (-INFINITY, INFINITY)
    requires = frozenset({Require.SCORES})
    shares: tuple[float, ...] = (0.2, 0.4, 0.6, 0.8)
    order: Literal["combined", "most", "least"] = "combined"
    noise: float = 0.01

    def __post_init__(self) -> None:
        object.__setattr__(self, "shares", tuple(self.shares))
        check(
            bool(self.shares) and all(0 < share < 1 for share in self.shares),
            f"road: shares={self.shares} must lie between 0 and 1, both excluded",
        )
        check(
            self.order in ("combined", "most", "least"),
            f"road: order='{self.order}' is not one of combined, most, least",
        )
        check(self.noise >= 0, f"road: noise={self.noise} must not be negative")

    def passes(self, positions: int) -> int:
        """Return one pass for every share, two where both orders are taken."""
        return len(self.shares) * (2 if self.order == "combined" else 1)

    def measure(self, subject: Subject) -> Array:
        """Return half the difference of both orders, or the mean score of one; see the class."""
        if any(is_tokens(subject.x[name]) for name in subject.maps):
            subject.notes.append("road: token ids have no values in between to fill in")
            return np.full(len(subject), np.nan)
        order = ranking(subject.flat)
        place = np.empty_like(order)
        np.put_along_axis(place, order, np.broadcast_to(np.arange(order.shape[1]), order.shape), 1)
        ways = {"most": (1,), "least": (-1,), "combined": (-1, 1)}[self.order]
        settings = [(way, share) for way in ways for share in self.shares]

        def rows_of(rows: Array, numbers: Array) -> dict[str, Array]:
            masks = np.ones((len(rows), order.shape[1]), bool)
            for mask, row, number in zip(masks, rows, numbers, strict=True):
                way, share = settings[number]
                count = round(share * order.shape[1])
                gone = place[row] < count if way > 0 else place[row] >= order.shape[1] - count
                mask[gone] = False
            return self._filled(subject, masks, rows, numbers)

        scores = subject.swept(len(settings), rows_of, self.name)
        if self.order != "combined":
            return -ways[0] * scores.mean(axis=1)
        half = len(self.shares)
        return (scores[:, :half] - scores[:, half:]).mean(axis=1) / 2

    def _filled(
        self, subject: Subject, flat: Array, rows: Array, numbers: Array
    ) -> dict[str, Array]:
        masks = subject.unflat(flat)
        found = {name: array[rows] for name, array in subject.x.items()}
        for name, shown in masks.items():
            channel = _channel(subject, name)
            for k, (row, number) in enumerate(zip(rows, numbers, strict=True)):
                draw = subject.run.generator(int(row), _DRAW + int(number))
                found[name][k] = imputed(
                    subject.x[name][row], shown[k], channel, noise=self.noise, draw=draw
                )
        return found


def imputed(
    sample: Array,
    shown: Array,
    channel: int | None,
    *,
    noise: float = 0.0,
    draw: np.random.Generator | None = None,
) -> Array:
    """Return a sample whose hidden positions are weighted means of their neighbours.

    All hidden positions solve one linear system; neighbours that share a face weigh twice as much
    as those that share an edge or corner (Rong et al. 2022, section 4.2). shown: (*spatial) bool.
    channel: axis of the channels in the sample. noise: of the sample's standard deviation.
    """
    from scipy.sparse import diags
    from scipy.sparse.linalg import splu

    values = sample[..., None] if channel is None else np.moveaxis(sample, channel, -1)
    flat = values.reshape(-1, values.shape[-1]).astype(np.float64)
    hidden = np.flatnonzero(~shown.ravel())
    if not len(hidden):
        return sample.copy()
    if len(hidden) == len(flat):
        flat = np.repeat(flat.mean(axis=0, keepdims=True), len(flat), axis=0)
    else:
        weights = neighbours(shown.shape)[hidden]
        known = np.flatnonzero(shown.ravel())
        totals = np.asarray(weights.sum(axis=1)).ravel()
        # Symmetric: what the weights of a position sum to, times it, minus its hidden neighbours.
        system = (diags(totals) - weights[:, hidden]).tocsc()
        right = weights[:, known] @ flat[known]
        # Symmetric and diagonally dominant: no pivots are needed, and the order keeps it sparse.
        factors = splu(
            system, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0,
            options={"SymmetricMode": True},
        )  # fmt: skip
        flat[hidden] = factors.solve(np.ascontiguousarray(right))
    if noise and draw is not None:
        flat[hidden] += draw.normal(0, noise * float(sample.std()), (len(hidden), flat.shape[1]))
    filled = flat.reshape(values.shape)
    back = filled[..., 0] if channel is None else np.moveaxis(filled, -1, channel)
    return back.astype(sample.dtype)


@functools.lru_cache(maxsize=8)
def neighbours(size: tuple[int, ...]) -> Any:
    """Return the sparse weights (position, position): 2 across a face, 1 across other contacts."""
    from scipy.sparse import csr_matrix

    places = np.stack(np.meshgrid(*map(np.arange, size), indexing="ij"), -1).reshape(-1, len(size))
    rows, columns, weights = [], [], []
    for offset in itertools.product((-1, 0, 1), repeat=len(size)):
        if not any(offset):
            continue
        near = places + offset
        inside = ((near >= 0) & (near < size)).all(axis=1)
        rows.append(np.flatnonzero(inside))
        columns.append(np.ravel_multi_index(tuple(near[inside].T), size))
        weights.append(np.full(inside.sum(), 2.0 if np.count_nonzero(offset) == 1 else 1.0))
    parts = (np.concatenate(weights), (np.concatenate(rows), np.concatenate(columns)))
    return csr_matrix(parts, shape=(len(places), len(places)))


def _channel(subject: Subject, name: str) -> int | None:
    axes = subject.view.axes(name, subject.x[name].shape[1:])
    return axes.index("channel") if "channel" in axes else None
