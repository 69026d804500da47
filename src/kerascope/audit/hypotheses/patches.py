"""Stickers: the same small piece of picture, wherever it is, in many files of one class."""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy import fft

from kerascope.audit.hypotheses.excess import excess_z
from kerascope.audit.hypotheses.same_pixels import AGREE, Ground, Shared, common_area, sharp
from kerascope.audit.measures import luminance
from kerascope.types import Array

ALIKE = 0.9  # correlation of two pieces that are the same
LEAST_Z = 6.0  # of a piece's excess in a class: one in 10⁹ by chance
_FILES = 24  # of a class, whose pieces are looked for
_PIECES = 6  # of each
_SIDE = 7  # a piece's side, of the picture's: a seventh
_FEWEST = 4
_CHUNK = 128  # pictures worked on at a time
_LEAST_CONTRAST = 12.0  # levels, standard deviation: smoother pieces are alike by chance


class Search:
    """Pictures made ready for pieces of one size to be found in them.

    pictures: (picture, y, x, channel), 0 … 255.
    """

    def __init__(self, pictures: Array) -> None:
        self.pictures = pictures
        self.size = pictures.shape[1:3]
        self.side = max(5, round(min(self.size) / _SIDE))
        parts = [self._ready(pictures[i : i + _CHUNK]) for i in range(0, len(pictures), _CHUNK)]
        self.terms, self.scale = (np.concatenate(kept) for kept in zip(*parts, strict=True))

    def _ready(self, pictures: Array) -> tuple[Array, Array]:
        """Return Fourier terms and local standard deviations of luminances."""
        grey = luminance(pictures)
        mean, power = (_box(values, self.side) for values in (grey, grey**2))
        spread = np.sqrt(np.maximum(power - mean**2, 1e-3))
        # A smooth place is like any smooth place.
        scale = np.where(spread < _LEAST_CONTRAST / 2, np.inf, spread).astype(np.float16)
        return fft.rfft2(grey).astype(np.complex64), scale

    def matches(self, piece: Array, rows: Array) -> tuple[Array, Array]:
        """Return the best correlation with a (y, x) piece in each of some pictures, and where.

        Where is the number of the top left corner in `self.scale`.
        """
        away = np.conj(fft.rfft2(piece - piece.mean(), self.size)).astype(np.complex64)
        least = self.side**2 * max(float(piece.std()), 1e-3)
        found = [self._best(away, rows[i : i + _CHUNK]) for i in range(0, len(rows), _CHUNK)]
        best, top = (np.concatenate(kept) for kept in zip(*found, strict=True))
        return best / least, top

    def _best(self, away: Array, rows: Array) -> tuple[Array, Array]:
        high, wide = self.scale.shape[1:]
        sums = fft.irfft2(self.terms[rows] * away, self.size)[:, :high, :wide]
        flat = (sums / self.scale[rows]).reshape(len(rows), -1)
        top = flat.argmax(axis=1)
        return flat[np.arange(len(flat)), top], top

    def piece(self, row: int, corner: tuple[int, int]) -> Array:
        """Return a (y, x) piece of a picture."""
        y, x = corner
        return luminance(self.pictures[row : row + 1, y : y + self.side, x : x + self.side])[0]

    def corners(self, places: Array) -> Array:
        """Return (picture, 2) top left corners of places as `matches` numbers them."""
        return np.stack(np.unravel_index(places, self.scale.shape[1:]), axis=1)

    def around(self, rows: Array, corners: Array) -> Array:
        """Return uint8 crops of three sides, the piece in the middle; the edge goes on outside."""
        side = self.side
        wide = ((side, side), (side, side), (0, 0))
        return np.stack([
            np.pad(self.pictures[row], wide, "edge")[y : y + 3 * side, x : x + 3 * side]
            for row, (y, x) in zip(rows, corners, strict=True)
        ])  # fmt: skip


def _box(values: Array, side: int) -> Array:
    """Return means over all squares of a side."""
    wide = np.pad(values.astype(np.float64).cumsum(1).cumsum(2), ((0, 0), (1, 0), (1, 0)))
    sums = wide[:, side:, side:] - wide[:, :-side, side:] - wide[:, side:, :-side]
    return (sums + wide[:, :-side, :-side]) / side**2


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Sticker:
    """The same pixels at any place.

    piece: (y, x) luminance that finds them. shared: area and colours in a crop of three sides.
    carriers: bool (picture,), of all pictures searched; likely: those that may carry it, damaged
    or half outside. corners: (picture, 2) of the piece, where it fits best.
    """

    piece: Array
    shared: Shared
    carriers: Array
    likely: Array
    corners: Array

    def found_in(self, pictures: Array) -> Array:
        """Return bool (picture,): which of uint8 pictures carry it."""
        search = Search(pictures)
        best, places = search.matches(self.piece, np.arange(len(pictures)))
        near = np.flatnonzero(best >= ALIKE - 0.2)
        carried = np.zeros(len(pictures), bool)
        if len(near):
            carried[near] = self.shared.carried(search.around(near, search.corners(places)[near]))
        return carried


def stickers(search: Search, own: Array, others: Array, *, most: int = 2) -> list[Sticker]:
    """Return what pictures of a class share at any place and others do not, most frequent first.

    own, others: rows; pieces of the first rows of `own` are looked for. Like pieces alone are no
    sticker, as edges are alike everywhere: colours must agree up to a sharp edge.
    """
    ground = Ground(search.pictures[others])
    found: list[Sticker] = []
    seen: list[Array] = []
    for row in own[:_FILES]:
        for corner in _striking(search, row):
            piece = search.piece(row, corner)
            if piece.std() < _LEAST_CONTRAST or any(_same(piece, other) for other in seen):
                continue
            matches = search.matches(piece, own)[0] >= ALIKE
            if matches.sum() < _FEWEST:
                continue
            seen.append(piece)
            sticker = _sticker(search, piece, own[matches], own, others, ground)
            if sticker is not None and not any(_overlap(sticker, k) for k in found):
                found.append(sticker)
    return sorted(found, key=lambda sticker: -int(sticker.carriers[own].sum()))[:most]


def _sticker(
    search: Search, piece: Array, members: Array, own: Array, others: Array, ground: Ground
) -> Sticker | None:
    """Return the sticker that a piece belongs to; None where it is no such thing."""
    best, places = search.matches(piece, np.arange(len(search.pictures)))
    corners = search.corners(places)
    away = search.around(others, corners[others])
    crops = search.around(members, corners[members])
    shared, _ = common_area(crops, away, AGREE - 0.15, ground)
    if shared is None or shared.area.sum() < search.side**2 / 4:
        return None
    likely = np.flatnonzero(best >= ALIKE - 0.2)
    carriers = np.zeros(len(best), bool)
    carriers[likely] = shared.carried(search.around(likely, corners[likely]))
    mine = own[carriers[own]]
    if len(mine) < _FEWEST:
        return None
    shared, excess = common_area(search.around(mine, corners[mine]), away, AGREE, ground)
    if shared is None or not sharp(shared.area, excess):
        return None
    z = excess_z(len(mine), len(own), int(carriers[others].sum()), len(others))
    if z < LEAST_Z:
        return None
    near = carriers | (best >= ALIKE - 0.2)
    return Sticker(piece=piece, shared=shared, carriers=carriers, likely=near, corners=corners)


def _overlap(one: Sticker, two: Sticker) -> bool:
    """Say whether two stickers are in the same files: parts of one."""
    both = (one.carriers & two.carriers).sum()
    return bool(both > 0.5 * min(one.carriers.sum(), two.carriers.sum()))


def _striking(search: Search, row: int) -> list[tuple[int, int]]:
    """Return top left corners of the pieces with the most contrast, apart from each other."""
    scale = np.where(np.isinf(search.scale[row]), 0, search.scale[row]).astype(np.float32)
    half, found = search.side // 2, []
    for _ in range(_PIECES):
        y, x = np.unravel_index(scale.argmax(), scale.shape)
        if scale[y, x] <= 0:
            break
        found.append((int(y), int(x)))
        scale[max(0, y - half) : y + half + 1, max(0, x - half) : x + half + 1] = 0
    return found


def _same(one: Array, two: Array) -> bool:
    """Say whether two pieces show the same thing, shifted by up to a third."""
    by = len(one) // 3
    middle = one[by : len(one) - by, by : len(one) - by]
    views = np.lib.stride_tricks.sliding_window_view(two, middle.shape)
    views = views.reshape(-1, middle.size) - views.mean(axis=(2, 3)).reshape(-1, 1)
    centred = (middle - middle.mean()).reshape(-1)
    norms = np.linalg.norm(views, axis=1) * np.linalg.norm(centred)
    return bool((views @ centred / np.maximum(norms, 1e-3)).max() >= ALIKE)
