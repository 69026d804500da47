"""The data set of an audit as the drawer shows it: points, clusters, findings, slices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from kerascope.audit.classes import UNLABELLED, class_name
from kerascope.audit.once import once
from kerascope.audit.result import Audit
from kerascope.audit.scatter import Scatter

_LISTED = 5000  # files of one slice


def dataset_of(found: Audit, points: Scatter, names: Mapping[int, str]) -> dict[str, Any]:
    """Return `dataset` of a document; names: of the samples that are shown, by number."""
    return {
        "words": points.words,
        "points": _points(points, names, found),
        "clusters": _clusters(found, names),
        "findings": _findings(found, names),
        "slices": _slices(found, names),
    }


def _points(points: Scatter, names: Mapping[int, str], found: Audit) -> list[dict[str, Any]]:
    cluster = _cluster_of(found)
    places = (np.asarray(points.xy, float) + 1) / 2
    return [
        {"sample": names[i], "x": round(float(x), 4), "y": round(float(y), 4),
         "cluster": cluster.get(i)}
        for i, (x, y) in zip(points.ids.tolist(), places, strict=True)
        if i in names
    ]  # fmt: skip


def _cluster_of(found: Audit) -> dict[int, str]:
    """Return the cluster of every sample that was looked at."""
    return {
        int(i): f"c{way.label}-{k}"
        for way in (() if found.strategies is None else found.strategies.classes)
        for i, k in zip(way.ids.tolist(), way.assigned.tolist(), strict=True)
    }


def _clusters(found: Audit, names: Mapping[int, str]) -> list[dict[str, Any]]:
    clusters = []
    for way in () if found.strategies is None else found.strategies.classes:
        for k, one in enumerate(way.strategies):
            which = f", way {k + 1} of {len(way.strategies)}" if len(way.strategies) > 1 else ""
            members = [names[i] for i in map(int, one.members) if i in names]
            words = f"{way.name}{which}: {one.share:.0%} of {len(way.ids)} maps"
            clusters.append({"id": f"c{way.label}-{k}", "words": words, "samples": members})
    return clusters


def _findings(found: Audit, names: Mapping[int, str]) -> list[dict[str, Any]]:
    """Return the findings; each has a page of its own, behind the first one."""
    return [
        {
            "title": f"{number}. {one.label}: {one.cue}",
            "words": one.sentence,
            "page": f"page-{number + 1}",
            "samples": [names[i] for i in dict.fromkeys((*one.shown, *one.ids)) if i in names],
        }
        for number, one in enumerate(found.findings, 1)
    ]


def _slices(found: Audit, names: Mapping[int, str]) -> list[dict[str, Any]]:
    """Return lists of files to take along: those that carry a cue, and those that are wrong."""
    cues = {i: one for i, one in enumerate(found.findings, 1) if one.ids}
    members: dict[int, list[Any]] = {0: [], **{i: [] for i in cues}}
    counts: Counter[int] = Counter()
    carriers = {i: set(one.ids) for i, one in cues.items()}
    classes = found.collected.settings.get("classes")
    columns = ["id", "label_index", "predicted_index", "path"]
    for batch in once(found.collected, columns):
        for row in batch.to_pylist():
            label, said = row["label_index"], row["predicted_index"]
            wrong = None not in (label, said) and label not in (UNLABELLED, said)
            for key in ([0] if wrong else []) + [i for i in cues if row["id"] in carriers[i]]:
                counts[key] += 1
                if len(members[key]) < _LISTED:
                    members[key].append(_listed(row, classes, names))
    titles = {0: "Wrong", **{i: f"Carry {one.cue} ({one.label})" for i, one in cues.items()}}
    return [
        {"title": titles[key], "words": _count_words(counts[key]), "samples": held}
        for key, held in members.items()
        if held
    ]


def _listed(row: dict[str, Any], classes: Any, names: Mapping[int, str]) -> str | dict[str, Any]:
    if row["id"] in names:
        return names[row["id"]]
    label, said = row["label_index"], row["predicted_index"]
    return {
        "name": row["path"] or f"sample {row['id']}",
        "truth": None if label in (None, UNLABELLED) else class_name(label, classes),
        "top": None if said is None else class_name(said, classes),
    }


def _count_words(count: int) -> str:
    files = f"{count:,} file{'' if count == 1 else 's'}"
    return files if count <= _LISTED else f"{files}; the first {_LISTED:,} are listed"
