"""From a checked request to a job: its rank, what the worker is sent, and the key of its result."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import kerascope
from kerascope.backend import choose
from kerascope.studio.erase import mask_of
from kerascope.studio.errors import Problem
from kerascope.studio.forms import cost_of, method_of
from kerascope.studio.kept import key_of
from kerascope.studio.shelf import Sample, facets_of

if TYPE_CHECKING:
    from kerascope.method import AttributionMethod
    from kerascope.studio.nets import OpenNet

_GRADE = 250  # passes that a grade takes on top
_PATH = "integrated_gradients"
_PARTS = 12  # maps along a path
_LOOK = 8  # passes that an audit makes of each picture, about
_SUITED = 64  # about what the method costs that suits an input


@dataclasses.dataclass(frozen=True, kw_only=True)
class Asked:
    """A job as it was asked for.

    made: JSON values that its result hangs on, beside model and pictures; None: never kept.
    others: samples that its target names.
    """

    kind: str
    net: OpenNet
    samples: tuple[Sample, ...]
    rank: int
    request: dict[str, Any]
    made: Any = None
    others: tuple[Sample, ...] = ()

    def key(self, net: OpenNet) -> str:
        """Return the name of the result among those kept; "" where it is not to be kept.

        Reads the pictures' files. Raises `OSError` where one is gone.
        """
        told_of = [*self.request["samples"], *self.request.get("others", ())]
        pairs = list(zip(told_of, [*self.samples, *self.others], strict=True))
        for told, sample in pairs:
            told["mark"] = sample.mark()
        if self.made is None or not net.mark:
            return ""
        pictures = [
            [told["id"], told["name"], told["truth"], sample.sha256()] for told, sample in pairs
        ]
        return key_of([*made_by(net), self.kind, self.made, pictures])


@functools.cache
def backend_name() -> str:
    """Return the backend that the models run on: asked once, before anything imports Keras."""
    return choose()


def made_by(net: OpenNet) -> list[str]:
    """Return what all results of a model hang on: this code, the backend, the model's files."""
    return [
        kerascope.__version__, code_mark(), backend_name(), net.id, net.opening.name, net.mark,
    ]  # fmt: skip


@functools.cache
def code_mark() -> str:
    """Return what changes when this package's code does: results of other code are not ours."""
    root = Path(__file__).parents[1]
    files = sorted((file, file.stat()) for file in root.rglob("*.py"))
    rows = [f"{file.relative_to(root)} {stat.st_size} {stat.st_mtime_ns}" for file, stat in files]
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()


def asked(
    given: dict[str, Any], net: OpenNet, samples: list[Sample], truths: list[Any],
    others: Sequence[Sample] = (),
) -> Asked:  # fmt: skip
    """Return the job of a checked request; raise `BadMethod`, `BadInput` or `Problem`.

    truths: of the samples; others: samples that the target names.
    """
    kind = given["kind"]
    request = {
        "samples": [_told(*pair) for pair in zip(samples, truths, strict=True)],
        "others": [_told(sample) for sample in others],
        "target": given.get("target"),
        "score": given.get("score", "logit"),
        "seed": given.get("seed", 0),
    }
    made: Any = [request["target"], request["score"], request["seed"]]
    if kind == "erase" and any(sample.lot is not None for sample in samples):
        raise Problem(400, f"{kind} is of pictures, and '{samples[0].name}' is none")
    if kind == "predict":
        rank, made = len(samples), []
    elif kind == "audit":
        rank = _LOOK * len(samples)
    elif kind == "erase":
        rank, made = _erase(given, request), None
    elif kind == "explain" and "method" not in given:
        rank, made = len(samples) * _SUITED, [*made, "what suits the input"]
    else:
        method, fields = _method(given)
        request |= {"method": method.name, "fields": fields}
        rank = len(samples) * (cost_of(method) + (_GRADE if kind == "grade" else 0))
        made = [*made, method.to_json()]
    return Asked(
        kind=kind, net=net, samples=tuple(samples), rank=rank, request=request, made=made,
        others=tuple(others),
    )  # fmt: skip


def _told(sample: Sample, truth: str | None = None) -> dict[str, Any]:
    """Return what a model's process must know of a sample."""
    lot = {} if sample.lot is None else {"lot": sample.lot.told(), "place": sample.place}
    return {
        "id": sample.id, "name": sample.name, "path": str(sample.path), "truth": truth,
        "facets": facets_of(sample), **lot,
    }  # fmt: skip


def _erase(given: dict[str, Any], request: dict[str, Any]) -> int:
    if "mask" not in given:
        raise Problem(400, "erase needs a mask")
    mask_of(given["mask"])
    request |= {"mask": given["mask"], "how": given.get("how", "blur")}
    return 0  # somebody holds the brush


def _method(given: dict[str, Any]) -> tuple[AttributionMethod, dict[str, Any]]:
    """Return the method and the fields that are set; a path keeps maps on its way."""
    kind, name = given["kind"], given.get("method")
    fields = dict(given.get("fields") or {})
    if kind == "path":
        name, fields = name or _PATH, {"keep": _PARTS, **fields}
    if name is None:
        raise Problem(400, f"{kind} needs a method")
    return method_of(name, fields), fields
