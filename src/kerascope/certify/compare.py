"""What the backends' results have in common, and what they have not."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kerascope import errors
from kerascope.attribution import Attribution
from kerascope.certify.job import Job, method_words
from kerascope.certify.result import Agreement, Certificate
from kerascope.errors import BadInput
from kerascope.labels import one_list
from kerascope.provenance import digest, predicted
from kerascope.types import Array, Tree

Reports = dict[str, dict[str, Any]]
Results = dict[str, Attribution]  # of one method, by backend
_LEAST = 1e-6  # of the largest value of all samples: a sample's map below is as good as empty


def loaded(job: Job, folder: Path, reports: Reports) -> list[Results]:
    """Return the results of a job by method.

    Raises:
        BadInput: fewer than two backends could load the model and the inputs, or gave a map.
    """
    good = _good(reports)
    if len(good) < 2:
        _give_up(reports)
    results = [_loaded(folder, k, good) for k in range(len(job.methods))]
    if all(len(found) < 2 for found in results):
        told = "; ".join(
            f"{method_words(job.methods[int(k)])}: {why}"
            for k, why in {k: w for r in good.values() for k, w in r["refused"].items()}.items()
        )
        raise BadInput(f"no method gave maps on two backends: {told}")
    return results


def certificate(
    job: Job, reports: Reports, results: list[Results], own: Mapping[int, float], limit: float,
    missing: tuple[str, ...],
) -> Certificate:  # fmt: skip
    """Return the certificate of a job.

    own: by number of the method, how far rounding moves its maps, where that was measured.
    """
    good = _good(reports)
    words = [method_words(data) for data in job.methods]
    agreements = tuple(
        agreement
        for k, found in enumerate(results)
        for agreement in agreements_of(words[k], found, own.get(k))
    )
    facts = next(iter(good.values()))
    shown = next(found for found in results if len(found) > 1)
    first = next(iter(shown.values()))
    findings = [
        *_turned(shown),
        *(f"{name}: {report['error']}" for name, report in reports.items() if name not in good),
        *_unlike(good, shown),
        *_refused_by_some(words, good),
        *_over(agreements, limit),
    ]
    return Certificate(
        model=Path(job.model).name,
        model_sha256=facts["model_sha256"],
        inputs=facts["inputs"]["words"],
        inputs_sha256=tuple(digest(first.inputs, i) for i in range(len(first))),
        methods=tuple(job.methods),
        target=job.target,
        score=job.score,
        seed=job.seed,
        limit=limit,
        versions={name: report["versions"] for name, report in good.items()},
        agreements=agreements,
        findings=tuple(findings),
        missing=missing,
        notes=(*_notes(words, good, missing), *_unstable(agreements, limit)),
    )


def _good(reports: Reports) -> Reports:
    return {name: report for name, report in reports.items() if "error" not in report}


def _give_up(reports: Reports) -> None:
    """Raise for what keeps fewer than two backends from being compared."""
    failed = {name: report for name, report in reports.items() if "error" in report}
    kinds = {report["kind"] for report in failed.values()}
    said = {report["error"] for report in failed.values()}
    if len(failed) == len(reports) and len(said) == 1 and "crash" not in kinds:
        raise getattr(errors, kinds.pop(), BadInput)(said.pop())
    told = "; ".join(f"{name}: {report['error']}" for name, report in failed.items())
    done = [name for name in reports if name not in failed]
    raise BadInput(f"nothing to compare, only {', '.join(done) or 'no backend'} ran; {told}")


def _loaded(folder: Path, k: int, good: Reports) -> Results:
    found = {}
    for name, report in good.items():
        if str(k) not in report["refused"]:
            result = Attribution.load(folder / name / f"{k}-0.safetensors")
            given = report["inputs"]["names"]
            found[name] = dataclasses.replace(result, names=tuple(given)) if given else result
    return found


def agreements_of(words: str, found: Results, own: float | None = None) -> Iterator[Agreement]:
    """Yield how far each pair of backends is apart in one method."""
    for one, two in itertools.combinations(found, 2):
        left, right = found[one], found[two]
        off = apart(left.values, right.values)
        worst = int(np.argmax(off))
        yield Agreement(
            method=words, backends=(one, two), maps=float(off[worst]), own=own,
            scores=float(apart(left.scores[None], right.scores[None])[0]),
            sample=left.names[worst],
        )  # fmt: skip


def apart(one: Tree, two: Tree) -> Array:
    """Return by sample the largest difference of two maps over their largest value: (sample,).

    Infinite where they are of other shapes.
    """
    left = one if isinstance(one, Mapping) else {"": one}
    right = two if isinstance(two, Mapping) else {"": two}
    samples = len(next(iter(left.values())))
    if {k: v.shape for k, v in left.items()} != {k: v.shape for k, v in right.items()}:
        return np.full(samples, np.inf)
    flat = lambda array: np.abs(array).reshape(samples, -1).max(axis=1)  # noqa: E731
    off = np.max([flat(left[name] - right[name]) for name in left], axis=0)
    scale = np.max([flat(array) for tree in (left, right) for array in tree.values()], axis=0)
    scale = np.maximum(scale, _LEAST * scale.max())
    return off / np.where(scale > 0, scale, 1)


def _turned(found: Results) -> Iterator[str]:
    """Name samples whose predicted class is not the same everywhere: what matters most."""
    if not found:
        return
    first = next(iter(found.values()))
    for i, name in enumerate(first.names):
        said = {b: predicted(result.predictions, i) for b, result in found.items()}
        if len({str(value) for value in said.values()}) > 1:
            told = ", ".join(f"{b} {_class(found[b], value)}" for b, value in said.items())
            yield f"{name}: the predicted class differs: {told}"


def _class(result: Attribution, index: Any) -> str:
    labels = one_list(result.labels)
    if labels and isinstance(index, int) and index < len(labels):
        return f"'{labels[index]}'"
    return f"class {index}"


def _unlike(good: Reports, found: Results) -> Iterator[str]:
    """Name what should be the same before any pass: model and inputs."""
    if len({report["model_sha256"] for report in good.values()}) > 1:
        told = ", ".join(f"{name} {report['model_sha256'][:12]}…" for name, report in good.items())
        yield f"the backends have loaded other weights or settings: sha256 {told}"
    marks = {tuple(digest(r.inputs, i) for i in range(len(r))) for r in found.values()}
    if len(marks) > 1:
        yield "the backends have read other inputs"


def _refused_by_some(words: list[str], good: Reports) -> Iterator[str]:
    for k, method in enumerate(words):
        said = {b: report["refused"].get(str(k)) for b, report in good.items()}
        told = [f"{b}: {why}" for b, why in said.items() if why]
        if told and len(told) < len(good):
            yield f"{method} is refused by some backends only: {'; '.join(told)}"


def _over(agreements: tuple[Agreement, ...], limit: float) -> Iterator[str]:
    for a in agreements:
        pair = " and ".join(a.backends)
        if not (a.maps <= limit or a.excused(limit)):
            yield f"{a.method}: maps of {a.sample} differ by {a.maps:.2g} between {pair}"
        if not a.scores <= limit:
            yield f"{a.method}: scores differ by {a.scores:.2g} between {pair}"


def _unstable(agreements: tuple[Agreement, ...], limit: float) -> Iterator[str]:
    for method, own in {a.method: a.own for a in agreements if a.excused(limit)}.items():
        yield (
            f"{method}: inputs moved by a millionth of themselves move its maps by {own:.2g} on "
            "one backend alone, so differences up to that say nothing of the backends"
        )


def _notes(words: list[str], good: Reports, missing: tuple[str, ...]) -> Iterator[str]:
    yield from dict.fromkeys(note for report in good.values() for note in report.get("notes", ()))
    for name in missing:
        yield f"{name} is not installed and was not checked"
    for k, method in enumerate(words):
        said = [report["refused"].get(str(k)) for report in good.values()]
        if all(said):
            yield f"{method} is refused by every backend: {said[0]}"
    halves = {name for report in good.values() for name in report["half"]}
    if halves:
        yield f"the model computes in {', '.join(sorted(halves))}, which rounds more coarsely"
