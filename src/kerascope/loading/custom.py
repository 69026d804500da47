"""Custom classes and functions that a model file refers to by name."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from kerascope.errors import BadInput, choices
from kerascope.plugins import run_file


def custom_objects(custom: Any) -> dict[str, Any]:
    """Return custom objects by every name that a model file may use for them.

    `custom` holds "module:Class", "file.py:Class", "module" (imported for what it registers),
    classes and functions, or is a dict by name. Raises `BadInput` when one cannot be found.
    """
    if custom is None:
        return {}
    if isinstance(custom, Mapping):
        return dict(custom)
    if isinstance(custom, str) or not isinstance(custom, Iterable):
        custom = (custom,)
    found: dict[str, Any] = {}
    for item in custom:
        thing = _imported(item) if isinstance(item, str) else item
        if isinstance(thing, Mapping):
            found |= thing
        elif thing is not None:
            found |= _named(thing)
    return found


def _named(thing: Any) -> dict[str, Any]:
    """Return a class or function by its own name and by the name it is registered under."""
    name = getattr(thing, "__name__", None)
    if name is None or not callable(thing):
        raise BadInput(
            f"custom object {thing!r} is neither a class nor a function; give 'module:Class', a "
            "class or a dict"
        )
    import keras

    return {name: thing, keras.saving.get_registered_name(thing): thing}


def _imported(text: str) -> Any:
    """Return what "module:Class" names; None for a bare module, which registers its own."""
    place, colon, attribute = text.rpartition(":") if ":" in text else (text, "", "")
    module = _module(place, text)
    if not colon:
        return None
    if not hasattr(module, attribute):
        known = [name for name in vars(module) if not name.startswith("_")]
        raise BadInput(
            f"custom object '{text}': '{place}' has no '{attribute}'{choices(attribute, known)}"
        )
    return getattr(module, attribute)


def _module(place: str, text: str) -> ModuleType:
    """Import a module by name, from the working folder too, or by the path of its file."""
    folder = str(Path.cwd())
    try:
        if place.endswith(".py"):
            if not Path(place).is_file():
                raise FileNotFoundError("no such file")
            return run_file(Path(place))
        sys.path.insert(0, folder)  # as `python -m` does; the command line tool lacks it
        try:
            return importlib.import_module(place)
        finally:
            sys.path.remove(folder)
    except Exception as error:  # the module's own code may raise anything
        what = " ".join(str(error).split()) or type(error).__name__
        raise BadInput(
            f"custom object '{text}': '{place}' cannot be imported ({what}); give it as "
            "module:Class"
        ) from error
