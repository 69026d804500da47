"""What is not as it was: settings, inputs, maps, scores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascope.provenance import Provenance, digest, samples_of
from kerascope.replay.result import Replayed

if TYPE_CHECKING:
    from kerascope.attribution import Attribution
    from kerascope.replay.stamps import Record
    from kerascope.types import Tree


def changes(then: Provenance, now: Provenance) -> Iterator[str]:
    """Yield in words what is not as it was recorded."""
    if then.model_sha256 != now.model_sha256:
        yield (
            f"model: other weights or settings (sha256 {then.model_sha256[:12]}… then, "
            f"{now.model_sha256[:12]}… now)"
        )
    if then.backend != now.backend:
        yield f"backend: {then.backend} {then.backend_version} then, {now.backend} now"
    elif then.backend_version != now.backend_version:
        yield f"{then.backend}: {then.backend_version} then, {now.backend_version} now"
    for name in ("kerascope", "keras"):
        if getattr(then, name) != getattr(now, name):
            yield f"{name}: {getattr(then, name)} then, {getattr(now, name)} now"
    for name, version in then.packages.items():
        if now.packages.get(name) != version:
            yield f"{name}: {version} then, {now.packages.get(name)} now"
    if then.device and then.device != now.device and then.backend == now.backend:
        yield f"device: {then.device} then, {now.device} now"


def compared(
    record: Record, sample: int, now: Attribution, place: int, stored: Tree | None
) -> Replayed:
    """Return what one sample is now beside what it was.

    place: of the sample in `now`. stored: the recorded map, first axis 1, where there is one.
    """
    then, here = record.samples[sample], samples_of(now)[place]
    same = then["values"] == here["values"]
    mine = now[place].values
    distance = 0.0 if same else None if stored is None else relative(stored, mine)
    differs: list[str] = []
    if stored is not None and digest(stored, 0) != then["values"]:
        differs.append("the stored map is not the one recorded: it was changed afterwards")
    if then["inputs"] != here["inputs"]:
        differs.append("inputs: not the bits that were recorded")
    if not same:
        differs.append(_map_words(distance, stored))
    if then.get("predicted") != here["predicted"]:
        differs.append(f"predicted class: {then.get('predicted')} then, {here['predicted']} now")
    if then.get("scores") != here["scores"]:
        differs.append(
            f"score: {_numbers(then.get('scores'))} then, {_numbers(here['scores'])} now"
        )
    return Replayed(
        name=record.names[sample],
        method=record.title,
        same=same,
        differs=tuple(differs),
        distance=distance,
        explained=(record.explained[sample], now.explained[place]),
    )


def _numbers(scores: Any) -> str:
    return ", ".join(f"{score:.7g}" for score in np.ravel(scores)) if scores is not None else "none"


def _map_words(distance: float | None, stored: Tree | None) -> str:
    if distance is not None:
        return f"map: differs by up to {distance:.2g} of its largest value"
    if stored is not None:
        return "map: of another shape"
    return "map: other bits; how far off only its .safetensors tells"


def relative(one: Tree, two: Tree) -> float | None:
    """Return the largest difference of two maps over the largest value of the first.

    None where their shapes or names differ; infinite where the first is zero and the second is not.
    """
    left = one if isinstance(one, Mapping) else {"": one}
    right = two if isinstance(two, Mapping) else {"": two}
    if left.keys() != right.keys() or any(left[k].shape != right[k].shape for k in left):
        return None
    worst = max(float(np.abs(left[k] - right[k]).max(initial=0)) for k in left)
    scale = max(float(np.abs(array).max(initial=0)) for array in left.values())
    return worst / scale if scale else float("inf") if worst else 0.0
