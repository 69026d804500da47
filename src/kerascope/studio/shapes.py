"""JSON schemas made of typed dicts."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]
_PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}
PLACE = "#/components/schemas/"


def schema_of(hint: Any) -> Schema:
    """Return the schema of a type; that of a typed dict is a reference to it by its name."""
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if hint in _PLAIN:
        return {"type": _PLAIN[hint]}
    if hint is Any:
        return {}
    if typing.is_typeddict(hint):
        return {"$ref": PLACE + hint.__name__}
    if origin in (typing.NotRequired, typing.Required):
        return schema_of(parts[0])
    if origin is typing.Literal:
        return {"enum": list(parts)}
    if origin in (typing.Union, types.UnionType):
        return {"anyOf": [schema_of(part) for part in parts]}
    if origin is list:
        return {"type": "array", "items": schema_of(parts[0])}
    if origin is dict and parts[0] is str:
        return {"type": "object", "additionalProperties": schema_of(parts[1])}
    raise TypeError(f"{hint!r} has no schema: use typed dicts, lists, unions, literals and words")


def components(kinds: list[type]) -> dict[str, Schema]:
    """Return the schemas of typed dicts and of all that they hold, by name."""
    found: dict[str, Schema] = {}
    waiting = list(kinds)
    while waiting:
        kind: Any = waiting.pop()
        if kind.__name__ in found:
            continue
        hints = typing.get_type_hints(kind, include_extras=True)
        found[kind.__name__] = {
            "type": "object",
            "description": (kind.__doc__ or "").strip(),
            "properties": {name: schema_of(hint) for name, hint in hints.items()},
            "required": [
                name
                for name, hint in hints.items()
                if typing.get_origin(hint) is not typing.NotRequired
            ],
            "additionalProperties": False,
        }
        waiting += [held for hint in hints.values() for held in _held(hint)]
    return dict(sorted(found.items()))


def _held(hint: Any) -> Iterator[type]:
    if typing.is_typeddict(hint):
        yield hint
    for part in typing.get_args(hint):
        yield from _held(part)
