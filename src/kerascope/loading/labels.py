"""Class names: from a file, from a sequence, or ImageNet's where Keras has them at hand."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kerascope.errors import BadFile, BadInput, choices
from kerascope.labels import Labels, one_list
from kerascope.loading.wants import box_widths, boxes_apart, output_shapes, output_widths

IMAGENET = "imagenet_class_index.json"
_MOST_BYTES = 1 << 26


def read_labels(labels: Any) -> Labels:
    """Return class names in the order of the model's output, or of each of its outputs.

    labels: a file with a name a line, a JSON file, or what such a file holds: a list of names,
        {"0": name}, {"0": [id, name]} as Keras's `imagenet_class_index.json`, or {name: 0}; for
        several outputs {output: any of these}.
    Raises `BadFile` or `BadInput`.
    """
    if isinstance(labels, str | os.PathLike):
        return _from_file(Path(labels))
    return _from_values(labels, "labels")


def one_of(labels: Any) -> tuple[str, ...]:
    """Return one list of class names, as `read_labels`; raise `BadInput` for several."""
    names = one_list(read_labels(labels))
    if names is None:
        raise BadInput("class names of several outputs were given: one list is wanted here")
    return names


def _from_file(path: Path) -> Labels:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise BadFile(
                f"labels file '{path.name}' is larger than 64 MiB: it holds no class names"
            )
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise BadFile(f"labels file '{path}' cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise BadFile(f"labels file '{path.name}' is not text in UTF-8") from error
    if path.suffix.lower() == ".json" or text.lstrip()[:1] in ("[", "{"):
        try:
            return _from_values(json.loads(text), f"labels file '{path.name}'")
        except json.JSONDecodeError as error:
            if path.suffix.lower() == ".json":
                raise BadFile(f"labels file '{path.name}' is not JSON: {error}") from error
    names = tuple(line.strip() for line in text.rstrip().splitlines())
    if not names:
        raise BadFile(f"labels file '{path.name}' is empty: it should hold a class name a line")
    return names


def _from_values(values: Any, what: str) -> Labels:
    if isinstance(values, Mapping) and _by_output(values):
        return {str(o): _one_list(of, f"{what} of output '{o}'") for o, of in values.items()}
    return _one_list(values, what)


def _by_output(values: Mapping[Any, Any]) -> bool:
    """Tell {output: its names} from {"0": name}, {"0": [id, name]} and {name: 0}."""
    named = any(not str(key).strip().lstrip("-").isdigit() for key in values)
    lists = (Mapping, list, tuple, np.ndarray, os.PathLike)
    return named and any(isinstance(value, lists) for value in values.values())


def _one_list(values: Any, what: str) -> tuple[str, ...]:
    if isinstance(values, os.PathLike):
        return one_of(values)
    rule = f'{what}: expected a list of names, or an object like {{"0": "cat"}}'
    if isinstance(values, Mapping):
        values = _in_order(values, rule)
    if not isinstance(values, Iterable) or isinstance(values, str):
        raise BadInput(rule)
    # imagenet_class_index.json holds [WordNet id, name]
    names = [v[1] if isinstance(v, list | tuple) and len(v) == 2 else v for v in values]
    if not names or not all(isinstance(name, str | int) for name in map(_plain, names)):
        raise BadInput(rule)
    return tuple(str(_plain(name)) for name in names)


def _plain(value: Any) -> Any:
    """Return a Python value for a NumPy scalar."""
    return value.item() if hasattr(value, "item") else value


def _in_order(values: Mapping[Any, Any], rule: str) -> list[Any]:
    """Return the names of an index → name or name → index mapping in the order of the indices."""
    if all(isinstance(value, int) for value in values.values()):
        values = {index: name for name, index in values.items()}
    try:
        numbered = {int(index): name for index, name in values.items()}
    except (TypeError, ValueError) as error:
        raise BadInput(rule) from error
    if sorted(numbered) != list(range(len(numbered))):
        missing = sorted(set(range(len(numbered))) - set(numbered))[:3]
        raise BadInput(f"{rule}, without gaps; missing: {', '.join(map(str, missing))}")
    return [numbered[index] for index in range(len(numbered))]


def check_count(labels: Labels, model: Any) -> None:
    """Raise `BadInput` when the number of names fits no output of the model.

    A single unit has one name, or two: its low and its high side. Outputs of boxes hold other
    numbers too. Unknown outputs are not checked, nor class numbers beside boxes.
    """
    if isinstance(labels, Mapping):
        known = output_shapes(model)
        for name, names in labels.items():
            if known and name not in known:
                raise BadInput(f"labels: output '{name}' not found{choices(name, known)}")
            shape = known.get(name, ())
            width = shape[-1] if len(shape) > 1 else None
            if isinstance(width, int) and len(names) not in {width, 2 if width == 1 else width}:
                raise BadInput(
                    f"{len(names)} class names were given for output '{name}', which has {width} "
                    "values"
                )
        return
    widths = output_widths(model)
    fitting = widths | ({2} if 1 in widths else set()) | box_widths(model)
    if widths and not boxes_apart(model) and len(labels) not in fitting:
        counts = " or ".join(str(width) for width in sorted(widths))
        raise BadInput(
            f"{len(labels)} class names were given, but the model's output has {counts} values"
        )


def imagenet_labels(model: Any) -> tuple[str, ...] | None:
    """Return ImageNet's names for 1000 outputs when Keras has them on disk; never downloads."""
    if output_widths(model) != {1000}:
        return None
    home = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"))
    try:
        names = one_list(_from_file(home / "models" / IMAGENET)) or ()
    except BadInput:
        return None
    return names if len(names) == 1000 else None
