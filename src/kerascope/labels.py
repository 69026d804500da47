"""Class names of a model: one list, or a list for each of its outputs."""

from __future__ import annotations

from collections.abc import Mapping

Labels = tuple[str, ...] | Mapping[str, tuple[str, ...]]
"""Names in the order of an output; by the outputs' names where they differ."""


def names_for(labels: Labels | None, output: str) -> tuple[str, ...] | None:
    """Return the class names of an output; one list is for every output.

    output: its name, "" for the only one. None where nothing is known of it.
    """
    if not isinstance(labels, Mapping):
        return labels
    return labels.get(output) if output else one_list(labels)


def one_list(labels: Labels | None) -> tuple[str, ...] | None:
    """Return the only list of class names; None where outputs have lists of their own."""
    if not isinstance(labels, Mapping):
        return labels
    return next(iter(labels.values())) if len(labels) == 1 else None


def all_names(labels: Labels | None) -> tuple[str, ...]:
    """Return the class names of all outputs, one after another."""
    if not isinstance(labels, Mapping):
        return labels or ()
    return tuple(name for names in labels.values() for name in names)
