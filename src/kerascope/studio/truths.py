"""The right classes of samples: the names of their folders, where a model knows such a class."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from kerascope.studio.nets import OpenNet
from kerascope.studio.shelf import Sample, described


def truths(samples: Sequence[Sample], nets: Iterable[OpenNet]) -> list[str | None]:
    """Return the right class of every sample, as the first model that knows it spells it."""
    labels = [net.facts.get("labels") or () for net in nets]
    known = {label.lower(): label for names in reversed(labels) for label in names}
    return [known.get(sample.folder.lower()) if sample.folder else None for sample in samples]


def labelled(nets: Iterable[OpenNet]) -> int:
    """Return how many models say which classes they have: right classes hang on that."""
    return sum(bool(net.facts.get("labels")) for net in nets)


def rows(samples: Sequence[Sample], nets: Iterable[OpenNet]) -> list[dict[str, Any]]:
    """Return samples as documents hold them, without their pictures."""
    found = truths(samples, nets)
    return [described(sample, truth) for sample, truth in zip(samples, found, strict=True)]
