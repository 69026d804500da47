"""The pictures that a training is watched on, with what is known of them."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kerascope.errors import BadImage, BadInput
from kerascope.explain import taken
from kerascope.facts import facts_of, remember
from kerascope.loading import load_images
from kerascope.loading.sources import is_array_file, picture_items
from kerascope.types import Array


@dataclasses.dataclass(frozen=True, eq=False, kw_only=True)
class Probes:
    """Probes as they are given, checked as far as that goes without a model.

    source: arrays as the model takes them (a dict or list for several inputs), a data frame, what
    `load_images`, `load_texts`, `load_series`, `load_volumes` or `load_table` returns, or picture
    files. labels: the right class of each, by index or name. classes: names of
    all classes. masks: (y, x) for each, true on the object; None where there is none.
    """

    source: Any
    labels: Sequence[Any] | None = None
    classes: Sequence[str] | None = None
    masks: Sequence[Any] | None = None
    names: Sequence[str] | None = None
    preprocess: Any = "auto"

    def __post_init__(self) -> None:
        count = _count(self.source)
        for what in ("labels", "masks", "names"):
            given = getattr(self, what)
            if given is not None and len(given) != count:
                raise BadInput(f"{len(given)} {what} for {count} probes; give one for each")
        for index, mask in enumerate(self.masks if self.masks is not None else ()):
            if mask is not None and np.ndim(mask) != 2:
                raise BadInput(f"mask {index} has shape {np.shape(mask)}; it must be (y, x)")
        known = None if self.classes is None else list(self.classes)
        for label in () if self.labels is None else self.labels:
            if known is not None and isinstance(label, str) and label not in known:
                raise BadInput(f"label '{label}' is not one of the classes {', '.join(known)}")
            if known is not None and _is_index(label) and not 0 <= label < len(known):
                raise BadInput(f"label {label} is out of range; there are {len(known)} classes")

    def read(self, model: Any) -> Any:
        """Return the probes as `explain` takes them; tell the model's facts the classes' names."""
        if self.classes is not None and facts_of(model).labels is None:
            remember(model, labels=tuple(self.classes))
        if not _is_files(self.source):
            return taken(model, self.source)[1]
        return load_images(self.source, model, preprocess=self.preprocess)

    @property
    def target(self) -> list[Any] | None:
        """The right class of every probe, to be explained; None where one is not known."""
        labels = self.labels
        if labels is None or any(label is None for label in labels):
            return None
        return [int(label) if _is_index(label) else label for label in labels]

    @property
    def truths(self) -> tuple[str | None, ...]:
        """The right class of every probe, as results name it."""
        return tuple(self._word(label) for label in (() if self.labels is None else self.labels))

    def _word(self, label: Any) -> str | None:
        if label is None or isinstance(label, str):
            return label
        return f"class {int(label)}" if self.classes is None else str(self.classes[int(label)])

    @property
    def areas(self) -> tuple[Array | None, ...]:
        """The masks as float32 shares, 0 … 1."""
        given = self.masks if self.masks is not None else ()
        return tuple(
            None if mask is None else np.clip(np.asarray(mask, np.float32), 0, 1) for mask in given
        )


def _is_index(label: Any) -> bool:
    return isinstance(label, (int, np.integer)) and not isinstance(label, bool)


def _is_files(source: Any) -> bool:
    """Tell paths and Pillow images from arrays and what `load_images` made of them."""
    if isinstance(source, (str, os.PathLike)):
        return True
    if not isinstance(source, (list, tuple)) or not source:
        return False
    return is_array_file(source[0]) or picture_items(source) is not None


def _count(source: Any) -> int:
    """Return the number of probes; raise `BadInput` or `BadFile` for none."""
    try:
        files = _is_files(source)
        items = picture_items(source) if files else None
    except BadImage as error:
        raise BadInput(f"{error}; texts are given as load_texts(…)") from error
    if files:
        if items is None:
            raise BadInput("probes in a file of arrays: load them and give the arrays")
        return len(items[0])
    first = source
    if isinstance(source, Mapping):
        first = next(iter(source.values()), ())
    elif isinstance(source, (list, tuple)):
        first = source[0] if source else ()
    count = len(first) if hasattr(first, "__len__") else 0
    if not count:
        raise BadInput("no probes were given: give arrays or picture files")
    return count
