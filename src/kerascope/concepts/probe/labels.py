"""What probes are to tell: classes or numbers, and how examples are split."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from kerascope.errors import BadInput
from kerascope.types import Array


@dataclasses.dataclass(frozen=True, eq=False)
class Labels:
    """Labels of all examples. classes: their names, for classes; None for numbers.

    codes: (example,) places in `classes`, or the numbers.
    """

    codes: Array
    classes: tuple[str, ...] | None

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def baseline(self) -> float:
        """Accuracy of the largest class alone; R² of the mean alone, 0."""
        if self.classes is None:
            return 0.0
        return float(np.bincount(self.codes).max() / len(self))

    @property
    def smallest(self) -> int:
        """Examples of the rarest class; all of them for numbers."""
        return len(self) if self.classes is None else int(np.bincount(self.codes).min())


def labels_of(given: Any) -> Labels:
    """Return labels as classes (whole numbers, words) or numbers (floats).

    Raises:
        BadInput: there is nothing to tell apart, or a class has one example.
    """
    values = np.asarray(given)
    if values.ndim != 1 or len(values) < 4:
        what = f"shape {values.shape}" if values.ndim != 1 else f"{len(values)} in all"
        raise BadInput(f"a label for each of at least 4 examples is needed; here they have {what}")
    if values.dtype.kind == "f":
        if not np.isfinite(values).all():
            raise BadInput("labels hold NaN or infinite values")
        if not np.ptp(values):
            raise BadInput(f"all labels are {values[0]:g}: there is nothing to tell")
        return Labels(values.astype(np.float64), None)
    if values.dtype.kind not in "iubU":
        raise BadInput(f"labels of type {values.dtype} are not known; give whole numbers, words "
                       "or floats")  # fmt: skip
    kinds, codes, counts = np.unique(values, return_inverse=True, return_counts=True)
    if len(kinds) < 2:
        raise BadInput(f"all labels are '{kinds[0]}': there is nothing to tell apart")
    if counts.min() < 2:
        raise BadInput(
            f"class '{kinds[counts.argmin()]}' has 1 example; a probe needs at least 2, and better "
            "50"
        )
    return Labels(codes, tuple(str(kind) for kind in kinds))


def folds_of(labels: Labels, folds: int, generator: np.random.Generator) -> Array:
    """Return the fold of every example, (example,): every class is spread over all folds."""
    order = generator.permutation(len(labels))
    if labels.classes is not None:
        order = order[np.argsort(labels.codes[order], kind="stable")]
    found = np.empty(len(labels), int)
    found[order] = np.arange(len(labels)) % folds
    return found


def shuffled(labels: Labels, generator: np.random.Generator) -> Labels:
    """Return the same labels on other examples: a task that activations know nothing of."""
    return Labels(generator.permutation(labels.codes), labels.classes)
