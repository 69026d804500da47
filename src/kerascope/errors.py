"""Every error Kerascope raises on purpose.

    KerascopeError
    ├── BadInput (ValueError)        what the user gave cannot be used: exit code 2, one line
    │   ├── BadModel                 a model file or a model that cannot be explained as it is
    │   ├── BadImage                 a picture that cannot be read
    │   ├── BadTarget                a class, output or target that the model does not have
    │   ├── BadLayer                 a layer that the model does not have, or that does not fit
    │   ├── BadMethod                a method or field that does not exist, or a value out of range
    │   └── BadFile                  a folder, output or data file that cannot be used
    ├── Refused                      the method's own theory excludes this model; names the layer
    └── MissingDependency (ImportError)   an optional package is needed; names the command

A message names the value, the rule and the choices, on one line.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable


class KerascopeError(Exception):
    """Base of all errors that Kerascope raises on purpose."""


class BadInput(KerascopeError, ValueError):
    """What the user gave cannot be used."""


class BadModel(BadInput):
    """A model file, or a model, that cannot be explained as it is."""


class BadImage(BadInput):
    """A picture that cannot be read."""


class BadTarget(BadInput):
    """A class, output or target that the model does not have."""


class BadLayer(BadInput):
    """A layer that the model does not have, or that does not fit the method."""


class BadMethod(BadInput):
    """A method or a field that does not exist, or a value out of its range."""


class BadFile(BadInput):
    """A folder, output path or data file that cannot be used."""


class Refused(KerascopeError):
    """The theory behind the method excludes this model; the message names layer and reason."""


class MissingDependency(KerascopeError, ImportError):
    """An optional package is needed; the message names the command that installs it."""


def choices(value: str, known: Iterable[str], *, limit: int = 8) -> str:
    """Return "; did you mean …?" or "; known: …" for the end of an error message.

    `value` is what was asked for, `known` the valid names; at most `limit` names are listed.
    """
    names = [str(name) for name in known]
    near = _holding(str(value), names)[:3]
    near = near or difflib.get_close_matches(str(value), names, n=3, cutoff=0.6)
    if near:
        return "; did you mean " + " or ".join(f"'{name}'" for name in near) + "?"
    if not names:
        return ""
    rest = f", … ({len(names)} in all)" if len(names) > limit else ""
    return "; known: " + ", ".join(names[:limit]) + rest


def _holding(value: str, names: list[str]) -> list[str]:
    """Return the names that hold all words of `value` as words: "tiger_cat" holds "cat"."""
    wanted = set(_words(value))
    return [name for name in names if len(value) > 2 and wanted and wanted <= set(_words(name))]


def _words(name: str) -> list[str]:
    return re.findall(r"[^\W_]+", name.lower())
