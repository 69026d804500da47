"""Methods from words: "smooth_grad:samples=50,noise=0.2"."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from typing import TYPE_CHECKING, Any

from kerascope.errors import BadMethod, choices

if TYPE_CHECKING:
    from kerascope.method import AttributionMethod


def parse_method(text: str) -> AttributionMethod:
    """Return the method value that "name" or "name:field=value,field=value" describes.

    Several values of one field are joined by "+", sizes along axes also by "x": "8x8".
    """
    from kerascope.method import make_method, method_class

    name, _, rest = text.partition(":")
    kind = method_class(name)
    hints = typing.get_type_hints(kind)
    fields: dict[str, Any] = {}
    for part in filter(None, (piece.strip() for piece in rest.split(","))):
        key, equals, value = part.partition("=")
        known = [f.name for f in dataclasses.fields(kind)]
        if not equals and key in known:
            raise BadMethod(f"'{key}' in '{text}' has no value; write {key}=…")
        if not equals or key not in known:
            raise BadMethod(
                f"'{part}' in '{text}' is not field=value of {kind.name}{choices(key, known)}"
            )
        fields[key] = _parse_value(value, hints[key], f"{kind.name}:{key}")
    return make_method(kind, fields)


def _parse_value(text: str, hint: Any, where: str) -> Any:
    """Read a command-line value as the field's type says; a field may allow several types."""
    from kerascope.method import Data

    union = typing.get_origin(hint) in (typing.Union, types.UnionType)
    kinds = [*typing.get_args(hint)] if union else [hint]
    if Data in kinds and text.endswith(".npy"):
        return Data(text)
    if text.lower() in ("none", "null") and type(None) in kinds:
        return None
    for kind in (k for k in (bool, int, float) if k in kinds):
        try:
            value = json.loads(text.lower())
        except json.JSONDecodeError:
            break
        if kind is bool and isinstance(value, bool):
            return value
        if kind is int and isinstance(value, int) and not isinstance(value, bool):
            return value
        if kind is float and isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
    for item in (typing.get_args(kind)[0] for kind in kinds if typing.get_origin(kind) is tuple):
        sizes = text.lower().split("x")
        if _takes(int, item) and all(size.strip().isdigit() for size in sizes):
            return tuple(int(size) for size in sizes)
        # Pairs have no form in words, and what takes one alone takes several only where + says so.
        if typing.get_origin(item) is not tuple and ("+" in text or len(kinds) == 1):
            return tuple(_parse_value(part, item, where) for part in text.split("+"))
    if str in kinds or any(typing.get_origin(kind) is typing.Literal for kind in kinds):
        return text
    raise BadMethod(f"{where} cannot be '{text}'; it takes {', '.join(map(_named, kinds))}")


def _takes(kind: type, hint: Any) -> bool:
    return kind is hint or kind in typing.get_args(hint)


def _named(kind: Any) -> str:
    """Return what a kind of value is called, and how several are written."""
    if kind is type(None):
        return "none"
    if typing.get_origin(kind) is tuple:
        return "several as 8x8" if _takes(int, typing.get_args(kind)[0]) else "several as a+b"
    return getattr(kind, "__name__", str(kind))
