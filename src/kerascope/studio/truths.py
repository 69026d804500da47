"""The right classes: what a column says, or the name of a folder, where a model knows it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from kerascope.facts import classes_named
from kerascope.studio.nets import OpenNet
from kerascope.studio.shelf import Sample, described


def truths(samples: Sequence[Sample], nets: Iterable[OpenNet]) -> list[str | None]:
    """Return the right class of every sample, as the first model that knows it spells it."""
    labels = [label for net in nets for label in net.facts.get("labels") or ()]
    named = classes_named([sample.folder for sample in samples], labels)
    return [sample.truth or name for sample, name in zip(samples, named, strict=True)]


def labelled(nets: Iterable[OpenNet]) -> int:
    """Return how many models say which classes they have: right classes hang on that."""
    return sum(bool(net.facts.get("labels")) for net in nets)


def rows(samples: Sequence[Sample], nets: Iterable[OpenNet]) -> list[dict[str, Any]]:
    """Return samples as documents hold them, without their pictures."""
    found = truths(samples, nets)
    return [described(sample, truth) for sample, truth in zip(samples, found, strict=True)]
