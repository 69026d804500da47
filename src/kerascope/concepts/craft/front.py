"""`craft`: the concepts that a class is seen by at a layer."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import kerascope
from kerascope.checks import check_score, check_whole
from kerascope.concepts.craft.bank import coefficients, concept_bank, relative_error
from kerascope.concepts.craft.importance import Rebuilt, total_importances
from kerascope.concepts.craft.result import Craft
from kerascope.concepts.craft.windows import Windows, windows_of
from kerascope.concepts.examples import Reader
from kerascope.concepts.made import provenance
from kerascope.errors import BadLayer, BadModel, BadTarget
from kerascope.hooks import HookedModel, Site
from kerascope.inside.net import net_of
from kerascope.memory import budget
from kerascope.run import Run
from kerascope.targets import Targets, resolve_targets
from kerascope.types import Array

_LARGE = 0.5  # of the activations: an error of the bank that a note tells
_RECTIFIED = ("relu", "relu6", "sigmoid", "softplus", "exponential", "hard_sigmoid")


def craft(
    model: Any,
    images: Any,
    target: Any,
    layer: Any,
    *,
    concepts: int = 10,
    crop: float | None = 0.3,
    designs: int = 32,
    score: str = "logit",
    preprocess: Any = "auto",
    seed: int = 0,
    batch_size: int | None = None,
    memory: int | str | None = None,
) -> Craft:
    """Find the concepts of a layer in crops of pictures, and rank them (CRAFT, Fel et al. 2023).

    Activations of crops, averaged over positions, are factorised into a bank of concepts; the
    pictures' own activations are written as sums of it at every position. A concept's importance
    is its Sobol total index: the share of the score's variance that goes through it as all
    concepts of a picture are kept to random degrees, averaged over the pictures.

    The recursive step: `craft(model, result.top(0, 30), target, EARLIER_LAYER, crop=None)`
    takes a concept apart by an earlier layer, whose own crops are its pictures.

    Args:
        model: any Keras 3 model, untouched, or a `HookedModel`.
        images: pictures of the class: a folder, what `load_images` returns, or inputs.
        target: one class, or any other target, as in `explain`.
        layer: a path, a unique end of one, an index or a `Site`; its output must not be negative.
        concepts: how many.
        crop: side of a crop, as a share of the picture's; crops lie 0.8 of it apart at most. None:
            every picture is one crop.
        designs: places in the Sobol design; each takes a pass through the upper part of the
            network per picture and concept, and one more.
        score: "logit" or "probability".
        preprocess: of pictures in files, as in `load_images`.
        seed: drives all sampling.
        batch_size: rows per pass.
        memory: bytes, or words such as "512MB", that bound the rows per pass.

    Raises:
        BadLayer: no such layer, or one with negative values, which no sum of concepts can be.
        BadInput: what is given does not fit the model.
    """
    started = time.perf_counter()
    check_score(score)
    check_whole(1, batch_size=batch_size, concepts=concepts)
    check_whole(2, designs=designs)
    net = net_of(model)
    view = HookedModel(net, score=score, batch_size=batch_size)
    reader = Reader(view, [layer], "mean", budget(memory))
    given = _given(net, images, preprocess)
    x = reader.read(given, "images")
    samples, site = len(next(iter(x.values()))), reader.sites[0]
    targets = _target(view, target, samples)
    windows = windows_of({name: view.axes(name, a.shape[1:]) for name, a in x.items()}, x, crop)
    run = Run(seed=seed, batch=view.batch)
    rows = np.concatenate(list(_crop_rows(reader, site, x, windows, run)))
    bank, notes = concept_bank(rows, concepts, seed)
    found = [_positions(reader, site, values) for values in _whole(reader, site, x, run)]
    local = np.concatenate(found)
    flat = coefficients(local.reshape(-1, local.shape[-1]), bank)
    rebuilt = Rebuilt(
        view, x, targets, site, reader.layouts[site], reader.shapes[site],
        flat.reshape(*local.shape[:2], concepts), bank,
    )  # fmt: skip
    indices = total_importances(rebuilt, designs, run)
    error = relative_error(local.reshape(-1, local.shape[-1]), flat, bank)
    fields = {"concepts": concepts, "crop": crop, "designs": designs}
    made = provenance(view, "craft", fields, target, seed, started)
    return _result(rebuilt, rows, windows, indices, given, error, notes, made)


def _given(net: Any, images: Any, preprocess: Any) -> Any:
    """Return pictures in files as `load_images` reads them, all else as it is."""
    if isinstance(images, (str, os.PathLike)) and Path(images).suffix in (".npy", ".npz"):
        return kerascope.load_inputs(images, net)
    files = isinstance(images, (str, os.PathLike)) or (
        isinstance(images, (list, tuple))
        and all(isinstance(item, (str, os.PathLike)) or hasattr(item, "convert") for item in images)
    )
    # By its public name: loading lies above this room.
    return kerascope.load_images(images, net, preprocess=preprocess) if files else images


def _target(view: HookedModel, target: Any, samples: int) -> Targets:
    targets = resolve_targets(target, view.spec(), samples)
    if len(targets) != 1:
        raise BadTarget(f"CRAFT is of one target; {target!r} is {len(targets)}")
    return targets


def _crop_rows(
    reader: Reader, site: Site, x: dict[str, Array], windows: Windows, run: Run
) -> Iterator[Array]:
    """Yield activations of crops, (crop, channel): means over positions."""
    for samples, which in run.pairs(len(next(iter(x.values()))), len(windows), "crops"):
        given = windows.cut(x, samples, which)
        values = reader.view.activations(given, [site], pad=run.chunk)[site]
        yield reader.rows(reader.layouts[site], _checked(reader, site, values))


def _whole(reader: Reader, site: Site, x: dict[str, Array], run: Run) -> Iterator[Array]:
    """Yield the layer's output for whole pictures."""
    for samples, _ in run.pairs(len(next(iter(x.values()))), 1, "pictures"):
        given = {name: array[samples] for name, array in x.items()}
        values = reader.view.activations(given, [site], pad=run.chunk)[site]
        yield _checked(reader, site, values)


def _positions(reader: Reader, site: Site, values: Array) -> Array:
    """Return a layer's output as (sample, position, channel)."""
    moved = np.moveaxis(values, reader.layouts[site].channel, -1)
    return moved.reshape(len(moved), -1, moved.shape[-1])


def _checked(reader: Reader, site: Site, values: Array) -> Array:
    """Return the values; raise `BadLayer` when some are negative, `BadModel` when not finite."""
    if not np.isfinite(values).all():
        raise BadModel(f"layer '{site}' gives NaN or infinite values on these pictures")
    if values.min() < 0:
        near = _rectifiers(reader.view, site)
        raise BadLayer(
            f"layer '{site}' has negative values (down to {values.min():.3g}), which no sum of "
            f"concepts can be; take a layer that ends in a ReLU{': ' if near else ''}"
            f"{', '.join(near)}"
        )
    return values


def _rectifiers(view: HookedModel, site: Site) -> list[str]:
    """Return the nearest layers before and after a site that end in a ReLU or the like."""
    calls = [call.site for call in view.survey.calls if call.leaf]
    here = next((k for k, other in enumerate(calls) if other == site), len(calls))
    ends = []
    for k, other in enumerate(calls):
        layer = view.table[other.path]
        activation = getattr(getattr(layer, "activation", None), "__name__", "")
        if type(layer).__name__ in ("ReLU", "Softplus") or activation in _RECTIFIED:
            ends.append((k, str(other)))
    before = [name for k, name in ends if k < here][-2:]
    return [*before, *(name for k, name in ends if k > here)][:3]


def _result(
    rebuilt: Rebuilt,
    rows: Array,
    windows: Windows,
    indices: tuple[Array, Array],
    given: Any,
    error: float,
    notes: list[str],
    made: Any,
) -> Craft:
    """Return the result, the most important concept first."""
    view, samples = rebuilt.view, len(rebuilt.coefficients)
    each, errors = indices
    if not np.isfinite(each).all():
        raise BadModel("the score is NaN or infinite on activations made of concepts")
    if samples > 1:
        errors = each.std(axis=0, ddof=1, keepdims=True) / np.sqrt(samples)
    order = np.argsort(-each.mean(axis=0), kind="stable")
    found = coefficients(rows, rebuilt.bank)
    scores = view.scores(rebuilt.x, rebuilt.targets)
    target = next(iter(rebuilt.targets.pin(scores.logits)))
    words = {target.words(i) for i in range(samples)}
    names = getattr(given, "names", None) or tuple(f"sample {i}" for i in range(samples))
    axes = view.axes(windows.input, rebuilt.x[windows.input].shape[1:])
    return Craft(
        importances=each.mean(axis=0)[order].astype(np.float32),
        errors=errors[0, order].astype(np.float32),
        importances_of=each[:, order].astype(np.float32),
        bank=rebuilt.bank[order].astype(np.float32),
        coefficients=found[:, order].astype(np.float32),
        maps=rebuilt.maps(order),
        error=relative_error(rows, found, rebuilt.bank),
        map_error=error,
        scores=scores.values[:, 0],
        rebuilt_scores=rebuilt.scores(np.arange(samples), np.ones((samples, len(order)))),
        inputs=dict(rebuilt.x),
        structure=view.structure,
        windows=windows,
        channels_first=axes[0] == "channel",
        display=getattr(given, "display", None),
        names=tuple(names),
        layer=str(rebuilt.site),
        explained=words.pop() if len(words) == 1 else f"{made.target} of each picture",
        notes=(*view.notes, *notes, *_notes(each, error)),
        provenance=made,
    )


def _notes(importances: Array, error: float) -> list[str]:
    notes = []
    if error > _LARGE:
        notes.append(
            f"the concepts leave out {error:.0%} of the activations at the pictures' positions: "
            "more of them leave out less"
        )
    if not importances.any():
        notes.append("the score does not change with any concept: all importances are zero")
    return notes
