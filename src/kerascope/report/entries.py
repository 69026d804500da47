"""What a document says of models, methods, samples and predictions: one JSON value each."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from kerascope.labels import Labels
from kerascope.plot.colour import fit
from kerascope.plot.forecasts import forecast_of
from kerascope.plot.found import areas_of, boxes_of, is_scene
from kerascope.plot.maps import axes_of, maps_of, target_count
from kerascope.plot.picture import picture_of
from kerascope.plot.predictions import prediction_words, ranking
from kerascope.plot.stamp import without_folders
from kerascope.plot.words import layer_words, sample_name
from kerascope.report.blobs import Blobs
from kerascope.report.cells import fields_of
from kerascope.report.found_entries import found_entry
from kerascope.report.held import held_entry
from kerascope.report.inputs import forecast_entry, input_entry
from kerascope.targets.found import MOST
from kerascope.wording import number

if TYPE_CHECKING:
    from kerascope.attribution import Attribution
    from kerascope.method import AttributionMethod
    from kerascope.timeline import Timeline
    from kerascope.types import Array, Tree

SMALLEST = 240  # pixels of a picture's longest side, below which it grows by a whole factor
THUMB = 96  # pixels of a small picture's longest side
_ADDITIVE = ("sum", "mean")  # reductions over channels that leave sums sums

Entry = dict[str, Any]


def name_of(letter: str, *parts: Any) -> str:
    """Return a name made of contents: equal parts, equal names."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return letter + hashlib.sha256(text.encode()).hexdigest()[:12]


def model_id(result: Attribution) -> str:
    """Return the name of a result's model in documents."""
    return name_of("m", result.provenance.model_sha256, result.provenance.model)


def method_id(result: Attribution) -> str:
    """Return the name of a result's method, as it was set, in documents."""
    score = result.provenance.score
    return name_of("k", model_id(result), result.method.to_json(), result.layer, score)


def model_entry(result: Attribution) -> Entry:
    """Return what a document says of a result's model."""
    made = result.provenance
    facts = {
        "Preprocessing": made.preprocessing or "none known",
        "Made with": f"Kerascope {made.kerascope}, Keras {made.keras} on {made.backend} "
        f"{made.backend_version}",
    }
    return {
        "id": model_id(result),
        "name": without_folders(made.model),
        "sha256": made.model_sha256,
        "facts": [[name, without_folders(words)] for name, words in facts.items()],
    }


def method_entry(result: Attribution) -> Entry:
    """Return what a document says of a result's method."""
    method = result.method
    return {
        "id": method_id(result),
        "model": model_id(result),
        "name": method.name,
        "title": method.title,
        "layer": without_folders(layer_words(result)),
        "score": result.provenance.score,
        "fields": [list(pair) for pair in fields_of(result)],
        "settings": without_folders(method.to_json()["fields"]),
        "linear": linear(result),
        "signed": method.signed,
        "reference": method.reference,
        "seconds": f"{number(result.provenance.seconds)} s",
        "notes": list(without_folders(list(result.notes))),
        "cost": cost_of(method, _shapes(result), target_count(result)),
        "python": without_folders(python_of(result)),
    }


def linear(result: Attribution) -> bool:
    """Return whether maps of a difference of targets are differences of the maps shown.

    False where the method is not linear, or where sizes are taken of its channels.
    """
    several = any("channel" in axes_of(result, name) for name in result.input_names)
    return result.method.is_linear() and (not several or result.method.reduce in _ADDITIVE)


def _shapes(result: Attribution) -> dict[str, tuple[int, ...]]:
    given = result.inputs
    trees = given if isinstance(given, Mapping) else {next(iter(result.input_axes)): given}
    return {name: tuple(np.shape(array)[1:]) for name, array in trees.items()}


def cost_of(
    method: AttributionMethod, shapes: Mapping[str, tuple[int, ...]], targets: int
) -> Entry | None:
    """Return the passes over one sample; None where they hang on the layer's channels."""
    one, two = (method.passes(shapes, targets, channels) for channels in (1, 2))
    return dataclasses.asdict(one) if one == two else None


def python_of(result: Attribution) -> str:
    """Return the call of `ks.explain` that makes a result, as Python."""
    made, method = result.provenance, result.method
    given = [
        f"{field.name}={value!r}"
        for field in dataclasses.fields(method)
        if (value := getattr(method, field.name)) != field.default
    ]
    asked = "" if made.asked is None else f"target={made.target!r}"
    score = "" if made.score == "logit" else f"score={made.score!r}"
    seed = "" if not made.seed else f"seed={made.seed}"
    rest = [text for text in (asked, score, seed, *given) if text]
    return f"ks.explain({', '.join(['model', _held(result), repr(method.name), *rest])})"


def _held(result: Attribution) -> str:
    """Return what Python calls the inputs of a result: the page says how they are loaded."""
    axes = [set(axes) - {"sample", "channel"} for axes in result.input_axes.values()]
    if len({frozenset(one) for one in axes}) > 1:
        return "inputs"
    if result.columns or result.tokens(0):
        return "table" if result.columns else "texts"
    return {3: "volumes"}.get(len(axes[0]), "series" if axes[0] == {"time"} else "images")


def sample_entries(
    results: Sequence[Attribution],
    *,
    ids: Sequence[str],
    blobs: Blobs,
    longest: int,
    truths: Sequence[str | None] = (),
    facets: Sequence[Mapping[str, Any]] = (),
) -> list[Entry]:
    """Return what a document says of the samples that all results share.

    longest: pixels of a picture's longest side at most.
    """
    shown = {item.input: (r, item) for r in reversed(results) for item in maps_of(r, samples=[0])}
    found = []
    for index, sample in enumerate(ids):
        inputs: list[Entry] = []
        thumb = None
        for name, (result, item) in shown.items():
            picture = picture_of(result, index, name)
            entry: Entry = {"name": name, "kind": item.kind.value, "picture": None}
            entry |= {"width": None, "height": None, **held_entry(result, item.kind, name, index)}
            entry |= input_entry(result, index, name, blobs)
            if picture is not None:
                small = fit(picture, longest=longest, smallest=min(SMALLEST, longest))
                entry["picture"] = blobs.picture(small)
                entry["height"], entry["width"] = picture.shape[:2]
                thumb = thumb or blobs.picture(fit(small, longest=THUMB, smallest=THUMB // 2))
            inputs.append(entry)
        found.append(
            {
                "id": sample,
                "name": sample_name(results[0], index),
                "truth": truths[index] if index < len(truths) else None,
                "facets": dict(facets[index]) if index < len(facets) else {},
                "thumb": thumb,
                "inputs": inputs,
            }
        )
    return found


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Predicted:
    """What a model gave for some samples, without an explanation of it.

    predictions: (sample, class), by output where there are several. extras: what was found in
        pictures, see `targets.found`; size: (height, width) of those. inputs, input_axes, features:
        of series that are forecast, as an `Attribution` has them.
    """

    predictions: Tree
    labels: Labels | None = None
    extras: dict[str, Array] = dataclasses.field(default_factory=dict)
    size: tuple[int, ...] = ()
    inputs: Tree | None = None
    input_axes: dict[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    features: dict[str, tuple[Any, ...]] = dataclasses.field(default_factory=dict)

    @property
    def input_names(self) -> tuple[str, ...]:
        """Names of the inputs."""
        return tuple(self.input_axes)

    def timeline(self, sample: int, name: str) -> Timeline:
        """Return what is known of a series."""
        return self.features[name][sample]


def prediction_entry(
    result: Attribution | Predicted,
    index: int,
    *,
    sample: str,
    model: str,
    epoch: float | None = None,
    blobs: Blobs | None = None,
) -> Entry:
    """Return what a document says of one sample's prediction.

    index: of the sample in the result; sample, model: their names in the document. blobs: where a
    forecast is kept; None leaves it out.
    """
    held = cast("Attribution", result)  # only what it predicts is read
    outputs: list[Entry] = []
    ahead = forecast_of(held, index)
    forecast = None if blobs is None else forecast_entry(held, index, blobs)
    listed = {"top": MOST} if boxes_of(result, index) else {}  # of things found, each is asked for
    for output, ranked in ranking(held, index, **listed).items():
        total = _count(result, output, index)
        bars = [
            {"label": r.label, "index": r.index, "value": _finite(r.value), "words": r.words,
             "share": r.share,
             **({"ask": r.ask} if r.ask else {}), **({"at": r.at} if r.at else {})}
            for r in ranked
        ]  # fmt: skip
        rest = total - len(bars)
        what = ("box", "boxes") if boxes_of(result, index) else ("class", "classes")
        unit = "steps" if ahead else what[rest > 1]
        more = f"{rest:,} more {unit}" if rest > 0 else ""
        outputs.append({"name": output, "bars": bars, "more": more})
    first = outputs[0]["bars"] if outputs else []
    shares = [bar["share"] for bar in first[:2]]
    # Shares of a picture, and of boxes beside each other, tell nothing of how sure it is of one.
    sure = len(shares) == 2 and None not in shares and not is_scene(result)
    return {
        "sample": sample,
        "model": model,
        "epoch": epoch,
        "verdict": prediction_words(held, index),
        "top": ahead.words(truth=False) if ahead else first[0]["label"] if first else None,
        "share": first[0]["share"] if first and not areas_of(result, index) else None,
        "margin": shares[0] - shares[1] if sure else None,
        "outputs": outputs,
        **({"forecast": forecast} if forecast else {}),
        **found_entry(result, index),
    }


def _count(result: Attribution | Predicted, output: str, index: int) -> int:
    """Return how many classes, areas or boxes an output has in a sample."""
    if is_scene(result):
        return len(areas_of(result, index)) + len(boxes_of(result, index))
    tree = result.predictions
    return int(np.asarray(tree[output] if isinstance(tree, Mapping) else tree)[index].size)


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
