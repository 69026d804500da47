"""Labels matched with a model's classes, by name or by index."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from kerascope.errors import BadInput, BadTarget, choices
from kerascope.types import Array

UNLABELLED = -1


class Matched(NamedTuple):
    """Classes by sample (`UNLABELLED` without one), names of all classes, notes."""

    labels: Array
    classes: tuple[str, ...] | None
    notes: tuple[str, ...]


def class_width(model: Any) -> int | None:
    """Return how many classes a model tells apart; None where its outputs do not say."""
    from kerascope.loading.wants import output_widths

    widths = output_widths(model)
    if len(widths) != 1:
        return None
    width = widths.pop()
    return 2 if width == 1 else width


def matched(
    labels: Sequence[Any], known: tuple[str, ...] | None, width: int | None, what: str
) -> Matched:
    """Return labels as indices of classes.

    labels: by sample a name, an index, or None. known: the model's class names. width: how many
    classes it has. Names that no list of classes explains are taken in alphabetical order, as
    Keras takes folders.

    Raises:
        BadTarget: a name or index that is no class; `what` says where it stands.
    """
    distinct = list(dict.fromkeys(_plain(label) for label in labels))
    words = [label for label in distinct if label is not None]
    notes: tuple[str, ...] = ()
    names = known
    if known is None and any(not _is_index(label) for label in words):
        names = tuple(sorted(str(label) for label in words))
        if width is not None and len(names) != width:
            raise BadTarget(
                f"{what} name {len(names)} classes ({', '.join(names[:5])}), the model has {width} "
                "and no names for them; give all their names in order: classes=, or --labels FILE"
            )
        shown = ", ".join(f"{name} = {i}" for i, name in enumerate(names[:5]))
        said = "the model's class names are not known: classes are taken in alphabetical order"
        notes = (f"{said}, as Keras takes folders ({shown}{', …' if len(names) > 5 else ''})",)
    index = {label: _index(label, names, width, what) for label in words}
    found = np.array([index.get(_plain(label), UNLABELLED) for label in labels], np.int32).reshape(
        -1
    )
    return Matched(found, names, (*notes, *_few(found, names)))


def class_name(index: int, names: tuple[str, ...] | None) -> str:
    """Return the name of a class, or its index in words."""
    return names[index] if names is not None and index < len(names) else f"class {index}"


def _plain(label: Any) -> Any:
    """Return a Python value; None for what stands for no label."""
    value = label.item() if hasattr(label, "item") else label
    if value is None or value != value or (isinstance(value, str) and not value.strip()):  # noqa: PLR0124
        return None
    if isinstance(value, float) and value == int(value):  # a column with gaps
        return int(value)
    return value.strip() if isinstance(value, str) else value


def _is_index(label: Any) -> bool:
    if isinstance(label, bool):
        return False
    return isinstance(label, int) or (isinstance(label, str) and label.isdigit())


def _index(label: Any, names: tuple[str, ...] | None, width: int | None, what: str) -> int:
    if names is not None and isinstance(label, str):
        alike = [i for i, name in enumerate(names) if _same(name) == _same(label)]
        exact = [i for i in alike if names[i] == label]
        if len(exact or alike) == 1:
            return (exact or alike)[0]
        if alike:
            raise BadTarget(
                f"{what}: '{label}' stands for several classes: give one of the indices "
                f"{', '.join(map(str, alike))}"
            )
    if not _is_index(label):
        raise BadTarget(f"{what}: '{label}' is no class of the model{choices(label, names or ())}")
    count = width if names is None else len(names)
    if int(label) < 0 or (count is not None and int(label) >= count):
        raise BadTarget(
            f"{what}: class {label} is out of range"
            + ("" if count is None else f": the model has {count} classes, 0 to {count - 1}")
        )
    return int(label)


def _same(name: str) -> str:
    return name.strip().lower().replace("_", " ")


def _few(found: Array, names: tuple[str, ...] | None) -> Iterable[str]:
    """Note classes with a single sample: nothing can be compared within them."""
    counts = Counter(found[found != UNLABELLED].tolist())
    alone = [class_name(index, names) for index, count in sorted(counts.items()) if count == 1]
    if alone:
        listed = ", ".join(f"'{name}'" for name in alone[:5]) + (", …" if len(alone) > 5 else "")
        yield f"a single sample of {listed}: it is looked at, but nothing can be compared with it"


def check_count(labels: Sequence[Any], count: int, what: str) -> None:
    """Raise `BadInput` unless there is one label for every sample."""
    if len(labels) != count:
        raise BadInput(f"{len(labels)} labels for {count} {what}: there must be one for each")
