"""Overlays: the same pixels at the same place in many files of one class.

Watermarks, logos, captions, borders, lines. A real object never has the same pixels twice, so this
asks for what nature does not do: colours alike within a few levels, over an area with a sharp edge,
in many files of one class and in few of the others. No model is asked.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy import ndimage

from kerascope.audit.hypotheses.excess import excess_z
from kerascope.types import Array

FEWEST = 5  # files that must share the pixels, in the half that proposes
NEAR = 20  # levels, in every channel, that count as the same colour
ALIKE = 0.8  # share of the area in which a file that carries the overlay has its colours
_BIN = 32
_SHIFTS = (0, _BIN // 2)
_GROUND = 0.2  # share of a picture that a colour of the ground fills, at least
LEAST_Z = 5.0  # of a colour's excess at a pixel
AGREE = 0.85  # share of carriers that have the colour at each pixel of the area
_SEEDS = 8  # places tried per class
_LEAST_AREA = 0.0012  # of the picture: 5 pixels of 64 × 64
_SHARP = 0.4  # least fall of what carriers share beyond others, from the edge to two pixels out
_BESIDE = 0.3  # files right outside the tolerance, of those inside, from which it cuts a slice
_CELLS = 2**22  # counted at once


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Shared:
    """Pixels that files have in common.

    area: bool (y, x). colours: (y, x, channel), meant inside the area.
    """

    area: Array
    colours: Array

    def share(self, pictures: Array) -> Array:
        """Return (picture,) the share of the area in which each has these colours."""
        inside = pictures[:, self.area].astype(np.int16)
        far = np.abs(inside - self.colours[self.area].astype(np.int16)).max(axis=2)
        return (far <= NEAR).mean(axis=1)

    def carried(self, pictures: Array) -> Array:
        """Return bool (picture,): which carry them."""
        return self.share(pictures) >= ALIKE


def smallest(own: int, others: int) -> float:
    """Return the smallest share of a class's files whose overlay could be proposed.

    own, others: files of the class and of the rest, of which half propose. Above 1: none could.
    """
    n, m = own // 2, others // 2
    for k in range(FEWEST, n + 1):
        if m and excess_z(k, n, 0, m) >= LEAST_Z:
            return k / n
    return 2.0


def shared_pixels(own: Array, others: Array) -> list[Shared]:
    """Return what pictures of a class share with each other and not with those of other classes.

    own, others: uint8 (picture, y, x, channel). Strongest first.
    """
    if len(own) < FEWEST or not len(others):
        return []
    ground = Ground(others)
    excess, colour_of = _excess(own, others, ground)
    found: list[Shared] = []
    for _ in range(_SEEDS):
        y, x = np.unravel_index(excess.argmax(), excess.shape)
        if excess[y, x] < LEAST_Z:
            break
        shared = _grown(own, others, (int(y), int(x)), colour_of[y, x], ground)
        excess[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2] = 0
        if shared is not None:
            excess[ndimage.binary_dilation(shared.area, iterations=2)] = 0
            found.append(shared)
    return found


class Ground:
    """Colours that fill much of most pictures: an empty ground, which objects leave alike.

    pictures: of other classes.
    """

    def __init__(self, pictures: Array) -> None:
        self.codes: dict[int, Array] = {}
        kinds = _kinds(pictures.shape[-1])
        for shift in _SHIFTS:
            often = np.zeros(kinds)
            for picture in pictures:
                counts = np.bincount(_codes(picture[None], shift).reshape(-1), minlength=kinds)
                often += counts >= _GROUND * picture[..., 0].size
            self.codes[shift] = often >= len(pictures) / 2

    def where(self, colours: Array) -> Array:
        """Return bool (y, x): where colours are those of the ground."""
        whole = np.rint(colours)[None].astype(np.int32)
        return np.logical_or.reduce([self.codes[s][_codes(whole, s)[0]] for s in _SHIFTS])


def _kinds(channels: int) -> int:
    return (256 // _BIN + 1) ** int(channels)


def _excess(own: Array, others: Array, ground: Ground) -> tuple[Array, Array]:
    """Return by pixel the largest z of a colour's excess in the class, and that colour's code."""
    height, width = own.shape[1:3]
    best = np.zeros((height, width))
    code = np.zeros((height, width, 2), np.int32)
    for shift in _SHIFTS:
        kinds = _kinds(own.shape[-1])
        rows = max(1, _CELLS // (kinds * width))
        for y in range(0, height, rows):
            one, two = (_counts(_codes(p[:, y : y + rows], shift), kinds) for p in (own, others))
            z = excess_z(one, len(own), two, len(others))
            z[one < FEWEST] = 0
            z[:, :, ground.codes[shift]] = 0
            top = z.argmax(axis=-1)
            most = np.take_along_axis(z, top[..., None], -1)[..., 0]
            part = slice(y, y + rows)
            better = most > best[part]
            best[part][better] = most[better]
            code[part][better] = np.stack([top, np.full_like(top, shift)], -1)[better]
    return best, code


def _codes(pictures: Array, shift: int) -> Array:
    """Return (picture, y, x) numbers of the cells of colour space."""
    levels = (pictures.astype(np.int32) + shift) // _BIN
    side = 256 // _BIN + 1
    return levels @ (side ** np.arange(pictures.shape[-1], dtype=np.int32))


def _counts(codes: Array, kinds: int) -> Array:
    """Return (y, x, code) how many pictures have it there."""
    n, height, width = codes.shape
    places = np.arange(height * width, dtype=np.int64) * kinds
    flat = (codes.reshape(n, -1) + places).reshape(-1)
    return np.bincount(flat, minlength=height * width * kinds).reshape(height, width, kinds)


def _grown(
    own: Array, others: Array, place: tuple[int, int], code: Array, ground: Ground
) -> Shared | None:
    """Return the area that the files with a colour at a place share; None where nature does so."""
    y, x = place
    members = np.flatnonzero(_codes(own[:, y : y + 1, x : x + 1], int(code[1]))[:, 0, 0] == code[0])
    shared, excess = None, np.zeros(0)
    for agree in (AGREE - 0.15, AGREE, AGREE):
        if len(members) < FEWEST:
            return None
        shared, excess = common_area(own[members], others, agree, ground)
        if shared is None:
            return None
        members = np.flatnonzero(shared.carried(own))
    if shared is None or len(members) < FEWEST or not sharp(shared.area, excess):
        return None
    if _sliced(shared, own, others):
        return None
    z = excess_z(len(members), len(own), int(shared.carried(others).sum()), len(others))
    return shared if z >= LEAST_Z else None


def _sliced(shared: Shared, own: Array, others: Array) -> bool:
    """Say whether carriers are a slice of files whose colours lie close together anyway.

    Files with the same pixels are apart from all others; of files with like objects, as many lie
    right outside the tolerance as chance lets into it.
    """
    for count in (_distances, _shares):
        near, between = count(shared, own)
        rate = count(shared, others)[1] / len(others)
        if between - rate * len(own) > _BESIDE * near:
            return True
    return False


def _shares(shared: Shared, pictures: Array) -> tuple[int, int]:
    """Return how many pictures have the colours in most of the area, and how many in half of it."""
    share = shared.share(pictures)
    return int((share >= ALIKE).sum()), int(((share >= ALIKE / 2) & (share < ALIKE)).sum())


def _distances(shared: Shared, pictures: Array) -> tuple[int, int]:
    """Return how many pictures are within the tolerance over the area, and within twice of it."""
    inside = pictures[:, shared.area].astype(np.int16)
    far = np.abs(inside - shared.colours[shared.area].astype(np.int16)).max(axis=2)
    middle = np.median(far, axis=1)
    return int((middle <= NEAR).sum()), int(((middle > NEAR) & (middle <= 2 * NEAR)).sum())


def common_area(
    carriers: Array, others: Array, agree: float, ground: Ground
) -> tuple[Shared | None, Array]:
    """Return where carriers have one colour and others do not, and by pixel how much more often.

    agree: least share of carriers. ground: whose colours do not count. None where the area is too
    small to mean anything.
    """
    colours = np.median(carriers, axis=0)
    agreeing, elsewhere = _near(carriers, colours), _near(others, colours)
    apart = (agreeing >= agree) & (elsewhere <= 0.5 * agreeing)
    area = _connected(apart & ~ground.where(colours))
    excess = agreeing - elsewhere
    if area.sum() < max(5, _LEAST_AREA * area.size):
        return None, excess
    return Shared(area=area, colours=colours), excess


def _near(pictures: Array, colours: Array) -> Array:
    total = np.zeros(colours.shape[:2])
    for picture in pictures:
        total += np.abs(picture - colours).max(axis=-1) <= NEAR
    return total / len(pictures)


def _connected(area: Array) -> Array:
    """Return the area without crumbs: parts, gaps of a pixel bridged, below a tenth of the most."""
    labels, count = ndimage.label(ndimage.binary_dilation(area))
    if count < 2:
        return area
    sizes = ndimage.sum_labels(area, labels, np.arange(1, count + 1))
    kept = np.flatnonzero(sizes >= max(3, 0.1 * sizes.max())) + 1
    return area & np.isin(labels, kept)


def sharp(area: Array, excess: Array) -> bool:
    """Say whether what carriers share ends at the area's edge; what objects share fades out.

    excess: by pixel, the share of carriers with the colour less that of other files.
    """
    edge = area & ~ndimage.binary_erosion(area, border_value=1)
    outside = ndimage.binary_dilation(area, iterations=2) & ~ndimage.binary_dilation(area)
    if not edge.any() or not outside.any():
        return False
    return bool(np.median(excess[edge]) - np.median(excess[outside]) >= _SHARP)
