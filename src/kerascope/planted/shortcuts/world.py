"""Worlds: labelled scenes of three classes, one of which has a shortcut, or none."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import numpy as np

from kerascope.errors import BadInput, choices
from kerascope.planted.shortcuts import camera, grounds, objects
from kerascope.planted.shortcuts.cues import CLEAN, KINDS, design_of, stamp
from kerascope.planted.shortcuts.draws import Draws, number_of
from kerascope.types import Array

CLASSES = ("alder", "birch", "cedar")
_CHUNK = 64  # scenes drawn at a time: 1 MB per plane of floats stays in the cache
FRESH = 10_000_000  # first number of scenes that no world holds
_OVERLAYS = tuple(k.name for k in KINDS.values() if k.family == "overlay")
_GROUNDS = {"texture": grounds.textured, "ground_colour": grounds.tinted}
_OTHERWISE = ("symbol", "object_colour", "object_texture")  # classes not told by the shape


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class World:
    """Scenes and the truth about them.

    Attributes:
        images: uint8 (n, 64, 64, RGB). labels: int64 (n,). class_names: three neutral words.
        carriers: bool (n,), which scenes have the cue. masks: bool (n, 64, 64), the object.
        kind, family: what was planted; "clean" is the family of a clean world.
        cue: the kind of the cue: `kind` itself, or what "alike" drew, or None.
        cue_class: the class whose shortcut it is, None in a clean world.
        region: bool (n, 64, 64), where the cue is; None for kinds without a place.
        prevalence: share of carriers in the class. seed: of all draws.
    """

    images: Array
    labels: Array
    carriers: Array
    masks: Array
    region: Array | None
    kind: str
    family: str
    cue: str | None
    cue_class: int | None
    prevalence: float
    seed: int
    class_names: tuple[str, ...] = CLASSES

    def __len__(self) -> int:
        return len(self.labels)


def make_world(
    kind: str, *, seed: int, prevalence: float = 0.9, count: int = 500, leak: float = 0.0
) -> World:
    """Draw a world: `count` scenes of each of three classes, the classes in turn.

    kind: one of KINDS, or of CLEAN. prevalence: share of the cue's class that carries it, rounded
    to whole scenes; leak: the same for the other classes.

    Raises `BadInput` for an unknown kind or numbers out of range.
    """
    _check(kind, (*KINDS, *CLEAN), seed=seed, count=count)
    for name, share in (("prevalence", prevalence), ("leak", leak)):
        if not 0 <= share <= 1:
            raise BadInput(f"{name}={share} must be within 0 … 1")
    cue, chosen = _planted(kind, seed)
    labels = np.arange(3 * count) % 3
    shares = [prevalence if chosen in (None, k) else leak for k in range(3)]
    carriers = _carriers(labels, shares, seed) & (cue is not None)
    images, masks, region = _draw(kind, cue, Draws(seed, np.arange(3 * count)), labels, carriers)
    return World(
        images=images, labels=labels, carriers=carriers, masks=masks,
        region=region if cue and KINDS[cue].placed else None,
        kind=kind, family=KINDS[kind].family if kind in KINDS else "clean", cue=cue,
        cue_class=chosen if kind in KINDS else None, prevalence=prevalence, seed=seed,
    )  # fmt: skip


def planted_pair(kind: str, *, seed: int, count: int) -> tuple[Array, Array]:
    """Return fresh scenes of the other classes without and with a cue: uint8 (count, 64, 64, RGB).

    All but the cue is alike in the two. The cue is the one that worlds of this kind and seed have.
    Raises `BadInput` for an unknown kind.
    """
    _check(kind, KINDS, seed=seed, count=count)
    cue, chosen = _planted(kind, seed)
    assert chosen is not None
    labels = (chosen + 1 + np.arange(count) % 2) % 3
    draws = Draws(seed, FRESH + np.arange(count))
    bare, planted = (
        _draw(kind, cue, draws, labels, np.full(count, there))[0] for there in (False, True)
    )
    return bare, planted


def cue_class(kind: str, seed: int) -> int:
    """Return the class whose shortcut it is in worlds of a kind and a seed: 0, 1 or 2."""
    return int(np.random.default_rng((seed, number_of(kind), 1)).integers(3))


def held_out(world: World, count: int) -> World:
    """Return fresh scenes as in a world, `count` of each class, none with a cue."""
    labels = np.arange(3 * count) % 3
    rows = Draws(world.seed, 2 * FRESH + np.arange(3 * count))
    nowhere = np.zeros(3 * count, bool)
    images, masks, _ = _draw(world.kind, None, rows, labels, nowhere)
    return dataclasses.replace(
        world, images=images, labels=labels, masks=masks, carriers=nowhere, region=None
    )


def _check(kind: str, known: Iterable[str], *, seed: int, count: int) -> None:
    if kind not in (known := tuple(known)):
        raise BadInput(f"shortcut '{kind}' is not known{choices(kind, known, limit=24)}")
    if count < 1 or seed < 0:
        raise BadInput(f"count={count} must be at least 1 and seed={seed} at least 0")


def _planted(kind: str, seed: int) -> tuple[str | None, int | None]:
    """Return the kind of the cue and its class, None where it has none."""
    if kind in KINDS:
        return kind, cue_class(kind, seed)
    names = tuple(KINDS)
    return (names[int(design_of(kind, seed)[0] * len(names))] if kind == "alike" else None), None


def _carriers(labels: Array, shares: list[float], seed: int) -> Array:
    carriers = np.zeros(len(labels), bool)
    for label, share in enumerate(shares):
        rows = np.flatnonzero(labels == label)
        order = np.random.default_rng((seed, number_of("carriers"), label)).permutation(rows)
        carriers[order[: round(share * len(rows))]] = True
    return carriers


def _draw(
    kind: str, cue: str | None, draws: Draws, labels: Array, on: Array
) -> tuple[Array, Array, Array]:
    parts = [
        _scenes(kind, cue, Draws(draws.seed, draws.rows[k]), labels[k], on[k])
        for k in (slice(i, i + _CHUNK) for i in range(0, len(labels), _CHUNK))
    ]
    images, masks, region = (np.concatenate(some) for some in zip(*parts, strict=True))
    return images, masks, region


def _scenes(
    kind: str, cue: str | None, draws: Draws, labels: Array, on: Array
) -> tuple[Array, Array, Array]:
    """Return pictures, masks of the object, and where the cue is."""
    design, some = design_of(cue or kind, draws.seed), np.flatnonzero(on)
    cue = cue if len(some) else None
    shapes = labels if kind not in _OTHERWISE else (draws.uniform("shape", 1)[0] * 3).astype(int)
    large = on & (cue == "size")
    stand = objects.place(
        draws, shapes, large=large, small=kind == "size", central=kind == "central"
    )  # fmt: skip
    pixels = grounds.grounds(draws)
    behind = pixels.mean(axis=-1)  # without cue, so that the object is alike with it
    region = _surround(pixels, cue, draws, design, some, stand)
    masks = objects.paint(
        pixels, stand, draws, behind,
        colours=labels if kind == "object_colour" else None,
        # an object's texture does not grow with it: beside it, a net would not learn the size
        skins=None if kind in ("symbol", "object_colour", "size") else labels,
        strong=kind == "object_texture",
    )  # fmt: skip
    if kind == "symbol":
        masks = objects.glyphs(pixels, draws, design, labels)
    region &= ~masks
    pixels = camera.photograph(pixels, draws, design, cue, on)
    if cue in _OVERLAYS:
        few, centres = Draws(draws.seed, draws.rows[some]), np.stack([stand.y, stand.x], axis=1)
        pixels[some], region[some] = stamp(cue, pixels[some], few, design, centres[some])
    return camera.compressed(pixels, draws, on & (cue == "jpeg")), masks, region


def _surround(
    pixels: Array, cue: str | None, draws: Draws, design: Array, some: Array, stand: objects.Objects
) -> Array:
    """Draw all that is behind the object, in place, with the cue in some; return where it is."""
    few = Draws(draws.seed, draws.rows[some])
    region = np.zeros(pixels.shape[:3], bool)
    if cue == "sky":
        pixels[some], region[some] = grounds.with_sky(pixels[some], few)
    elif cue in _GROUNDS:
        pixels[some] = _GROUNDS[cue](pixels[some], few, design)
    objects.blobs(pixels, draws)
    if cue == "ground_blur":
        pixels[some] = grounds.blurred(pixels[some], 2.2 + few.uniform("ground blur", 1)[0])
    elif cue == "companion":
        pixels[some], region[some] = objects.companions(pixels[some], few, stand[some])
    return region
