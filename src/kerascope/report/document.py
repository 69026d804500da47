"""The document: all that a page shows of explanations, as one JSON value; see docs/front-end.md."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kerascope.attribution import heatmap_of
from kerascope.errors import BadInput
from kerascope.method import AttributionMethod
from kerascope.plot.colour import fit
from kerascope.plot.export import drawn
from kerascope.plot.maps import Kind, Map, axes_of, limit_of, maps_of, picture_of
from kerascope.plot.stamp import stamp, without_folders
from kerascope.plot.words import (
    broken_words,
    describe,
    empty_words,
    grade_of,
    layer_words,
    number,
    prediction_words,
    ranking,
    sample_name,
    sentence,
    subject,
)
from kerascope.report.blobs import Blobs
from kerascope.report.cells import fields_of, gap_words
from kerascope.report.surprise import surprises

if TYPE_CHECKING:
    from kerascope.attribution import Attribution
    from kerascope.types import Array

SCHEMA = 1
LONGEST = 640  # pixels of a picture's longest side
SMALLEST = 240  # below it pictures grow by a whole factor

Document = dict[str, Any]


def document_of(
    results: Sequence[Attribution],
    *,
    title: str = "",
    samples: Sequence[str] = (),
    truths: Sequence[str | None] = (),
    epoch: int | None = None,
    shared_scale: bool = True,
) -> Document:
    """Return the document of results of the same samples.

    samples: ids of the samples; by default "s0", "s1" … truths: the right class of each, where it
        is known.
    epoch: of the training run that the model had then.
    shared_scale: one scale for all maps of a method and input; else one for every sample.

    Names are made of contents, so that documents of the same samples can be put together: see
    `merged`. Raises `BadInput` for results of unequal numbers of samples.
    """
    if any(len(result) != len(results[0]) for result in results):
        raise BadInput(
            f"results of {sorted({len(r) for r in results})} samples are no one document"
        )
    ids = list(samples) or [f"s{index}" for index in range(len(results[0]) if results else 0)]
    if results and len(ids) != len(results[0]):
        raise BadInput(f"{len(ids)} names of samples for {len(results[0])} samples")
    made = _Made(blobs=Blobs(), ids=ids, epoch=epoch, shared_scale=shared_scale)
    found = empty(title)
    for result in results:
        found["models"].append(_model(result))
        found["methods"].append(_method(result))
        found["samples"] += _samples(made, result, truths)
        found["predictions"] += _predictions(made, result)
        found["maps"] += _maps(made, result)
        found["stamps"].append(stamp(result))
    found["blobs"] = made.blobs.held
    for name in ("models", "methods", "samples", "predictions", "maps"):
        found[name] = _once(found[name])
    return found


def empty(title: str = "") -> Document:
    """Return a document that holds nothing yet."""
    lists: Document = {
        name: [] for name in ("models", "methods", "samples", "predictions", "maps", "stamps")
    }
    return {"schema": SCHEMA, "title": title, **lists, "dataset": None, "film": None, "blobs": {}}


def merged(documents: Sequence[Document]) -> Document:
    """Return documents put together; where two hold the same thing, the later one's counts."""
    found = empty(next((d["title"] for d in documents if d["title"]), ""))
    for name in ("models", "methods", "samples", "predictions", "maps"):
        found[name] = _once([item for document in documents for item in document[name]])
    found["stamps"] = [stamp_ for document in documents for stamp_ in document["stamps"]]
    for document in documents:
        found["blobs"] |= document["blobs"]
        found["dataset"] = document["dataset"] or found["dataset"]
        found["film"] = document["film"] or found["film"]
    return found


@dataclasses.dataclass(kw_only=True)
class _Made:
    blobs: Blobs
    ids: list[str]
    epoch: int | None
    shared_scale: bool


def _name(letter: str, *parts: Any) -> str:
    text = json.dumps(parts, sort_keys=True, default=str)
    return letter + hashlib.sha256(text.encode()).hexdigest()[:12]


def model_id(result: Attribution) -> str:
    """Return the name of a result's model in documents."""
    return _name("m", result.provenance.model_sha256, result.provenance.model)


def method_id(result: Attribution) -> str:
    """Return the name of a result's method, as it was set, in documents."""
    return _name("k", model_id(result), result.method.to_json(), result.layer, _score(result))


def _score(result: Attribution) -> str:
    return result.provenance.score


def _once(items: list[Document]) -> list[Document]:
    """Keep the last of those with one name, in the order of the first."""
    keys = ("id",) if items and "id" in items[0] else ("sample", "model", "epoch")
    return list({tuple(item[key] for key in keys): item for item in items}.values())


def _model(result: Attribution) -> Document:
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


def _method(result: Attribution) -> Document:
    method = result.method
    return {
        "id": method_id(result),
        "model": model_id(result),
        "name": method.name,
        "title": method.title,
        "layer": layer_words(result),
        "score": _score(result),
        "fields": [list(pair) for pair in fields_of(result)],
        "linear": method.linear,
        "signed": method.signed,
        "reference": method.reference,
        "seconds": f"{number(result.provenance.seconds)} s",
        "notes": list(without_folders(list(result.notes))),
        "python": python_of(result),
    }


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
    return f"ks.explain({', '.join(['model', 'images', repr(method.name), *rest])})"


def _samples(made: _Made, result: Attribution, truths: Sequence[str | None]) -> list[Document]:
    found = []
    for index, name in enumerate(made.ids):
        inputs = []
        for given in result.input_names:
            picture = picture_of(result, index, given)
            shown = None if picture is None else fit(picture, longest=LONGEST, smallest=SMALLEST)
            inputs.append(
                {
                    "name": given,
                    "picture": None if shown is None else made.blobs.picture(shown),
                    "width": None if picture is None else picture.shape[1],
                    "height": None if picture is None else picture.shape[0],
                }
            )
        truth = truths[index] if index < len(truths) else None
        found.append(
            {"id": name, "name": sample_name(result, index), "truth": truth, "inputs": inputs}
        )
    return found


def _predictions(made: _Made, result: Attribution) -> list[Document]:
    found = []
    for index, name in enumerate(made.ids):
        outputs: list[Document] = []
        for output, ranked in ranking(result, index).items():
            tree = result.predictions
            total = np.asarray(tree[output] if isinstance(tree, Mapping) else tree)[index].size
            bars = [
                {"label": r.label, "index": r.index, "value": r.value, "words": r.words,
                 "share": r.share}
                for r in ranked
            ]  # fmt: skip
            more = f"{total - len(bars):,} more classes" if total > len(bars) else ""
            outputs.append({"name": output, "bars": bars, "more": more})
        first = outputs[0]["bars"] if outputs else []
        shares = [bar["share"] for bar in first[:2]]
        sure = len(shares) == 2 and None not in shares
        found.append(
            {
                "sample": name,
                "model": model_id(result),
                "epoch": made.epoch,
                "verdict": prediction_words(result, index),
                "top": first[0]["label"] if first else None,
                "share": first[0]["share"] if first else None,
                "margin": shares[0] - shares[1] if sure else None,
                "outputs": outputs,
            }
        )
    return found


def _maps(made: _Made, result: Attribution) -> list[Document]:
    items = maps_of(result)
    odd = _odd(made, result, items)
    found = []
    for item, surprise in zip(items, odd, strict=True):
        scope = [
            other
            for other in items
            if other.input == item.input and (made.shared_scale or other.sample == item.sample)
        ]
        found.append({**_map(made, result, item, limit_of(scope)), "surprise": surprise})
    return found


def _odd(made: _Made, result: Attribution, items: list[Map]) -> list[float | None]:
    """Return the surprise of every map: pictures' first targets only."""
    tops = [item["top"] or "" for item in _predictions(made, result)]
    first = [i for i, item in enumerate(items) if item.kind is Kind.PICTURE and item.target == 0]
    named = [(f"{items[i].input}\n{tops[items[i].sample]}", items[i].values) for i in first]
    known = dict(zip(first, surprises(named), strict=True))
    return [known.get(index) for index in range(len(items))]


def _map(made: _Made, result: Attribution, item: Map, limit: float) -> Document:
    sample = made.ids[item.sample]
    who = subject(item.explained)
    grade = grade_of(result, item)
    flat = item.kind is Kind.PICTURE
    words = [empty_words(result, item) if item.empty else "", broken_words(item)]
    score = np.reshape(np.asarray(result.scores[item.sample]), -1)[item.target]
    return {
        "id": _name("a", sample, method_id(result), who, item.input, made.epoch),
        "sample": sample,
        "model": model_id(result),
        "method": method_id(result),
        "epoch": made.epoch,
        "input": item.input,
        "target": {
            "key": who,
            "place": item.target,
            "words": item.explained,
            "subject": who,
            "score": float(score) if np.isfinite(score) else None,
        },
        "kind": item.kind.value,
        "meaning": item.meaning.value,
        "values": made.blobs.array(_native(result, item)) if flat else None,
        "signed": _signed(made, result, item) if flat else None,
        "figure": None if flat else made.blobs.picture(drawn(result, item, limit=limit)),
        "size": list(item.values.shape),
        "limit": limit,
        "gap": gap_words(result, item.sample, item.target),
        "message": "; ".join(filter(None, words)),
        "grade": None if grade is None else grade.to_json(),
        "alt": describe(result, item),
        "caption": sentence(result, item),
    }


def _native(result: Attribution, item: Map) -> Array:
    """Return a map at the method's own resolution, where stretching it is plain interpolation."""
    if type(result.method).project is not AttributionMethod.project:
        return item.values
    values, axes = _row(result, item)
    if "channel" in axes:
        known = result.input_axes[item.input]
        kept = tuple(a for a in axes if a not in ("sample", "target", "channel"))
        # at its own size: what `heatmap_of` stretches stays as it is
        sizes = dict(zip(axes, values.shape, strict=True))
        shape = tuple(sizes.get(a, 1) if a in kept else 1 for a in known)
        values = heatmap_of(result.method, values, axes, known, shape, result.method.reduce)
    return np.nan_to_num(np.squeeze(values, axis=0), nan=0, posinf=0, neginf=0)


def _row(result: Attribution, item: Map) -> tuple[Array, tuple[str, ...]]:
    """Return the values of one sample and target, sample axis kept, and their axes."""
    tree = result.values
    values = np.asarray(tree[item.input] if isinstance(tree, Mapping) else tree)
    axes = axes_of(result, item.input)
    values = values[item.sample : item.sample + 1]
    if "target" in axes:
        values = values[:, item.target]
        axes = tuple(a for a in axes if a != "target")
    return np.asarray(values, np.float32), axes


def _signed(made: _Made, result: Attribution, item: Map) -> Document | None:
    """Return the map before its ReLU, where the method kept it."""
    kept = result.extras.get("signed", result.extras.get(f"signed:{item.input}"))
    if kept is None:
        return None
    row = np.asarray(kept[item.sample], np.float32)
    if "target" in axes_of(result, item.input):
        row = row[item.target]
    if row.ndim != 2 or not np.isfinite(row).all():
        return None
    return made.blobs.array(row)
