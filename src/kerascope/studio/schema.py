"""Check JSON values against the part of JSON Schema that the endpoints use."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from kerascope.errors import choices
from kerascope.studio.errors import Problem

Schema = Mapping[str, Any]
_KINDS: dict[str, tuple[type, ...]] = {
    "object": (dict,), "array": (list,), "string": (str,), "integer": (int,),
    "number": (int, float), "boolean": (bool,), "null": (type(None),),
}  # fmt: skip


def check(value: Any, schema: Schema, where: str) -> None:
    """Raise `Problem` (400) that names the first place where a value is not as described."""
    if "anyOf" in schema:
        _any(value, schema["anyOf"], where)
        return
    kind = schema.get("type")
    if kind is not None and not _is(value, kind):
        raise Problem(400, f"{where} must be {_a(kind)}, not {_named(value)}")
    if "enum" in schema and value not in schema["enum"]:
        raise Problem(400, f"{where}={value!r} is not known{choices(str(value), schema['enum'])}")
    if kind == "object":
        _object(value, schema, where)
    elif kind == "array":
        _array(value, schema, where)
    elif kind == "string":
        _within(len(value), schema.get("minLength"), schema.get("maxLength"), f"length of {where}")
    elif kind in ("integer", "number"):
        _within(value, schema.get("minimum"), schema.get("maximum"), where)


def _any(value: Any, several: list[Schema], where: str) -> None:
    matching = [schema for schema in several if _is(value, schema["type"])]
    if not matching:
        kinds = " or ".join(_a(schema["type"]) for schema in several)
        raise Problem(400, f"{where} must be {kinds}, not {_named(value)}")
    check(value, matching[0], where)


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool) and kind != "boolean":
        return False
    if isinstance(value, float) and not math.isfinite(value):
        return False
    return isinstance(value, _KINDS[kind])


def _object(value: dict[str, Any], schema: Schema, where: str) -> None:
    known = schema.get("properties", {})
    for name in schema.get("required", ()):
        if name not in value:
            raise Problem(400, f"{where} lacks '{name}'")
    _within(len(value), None, schema.get("maxProperties"), f"number of fields of {where}")
    for name, item in value.items():
        if name in known:
            check(item, known[name], f"{where}.{name}" if where != "body" else name)
        elif schema.get("additionalProperties") is False:
            raise Problem(400, f"{where} has no field '{name}'{choices(name, known)}")


def _array(value: list[Any], schema: Schema, where: str) -> None:
    _within(len(value), schema.get("minItems"), schema.get("maxItems"), f"length of {where}")
    for index, item in enumerate(value):
        check(item, schema.get("items", {}), f"{where}[{index}]")


def _within(value: float, least: float | None, most: float | None, what: str) -> None:
    if least is not None and value < least:
        raise Problem(400, f"{what} must be at least {least}, not {value}")
    if most is not None and value > most:
        raise Problem(400, f"{what} must be at most {most}, not {value}")


def _a(kind: str) -> str:
    return "null" if kind == "null" else f"{'an' if kind[0] in 'aeio' else 'a'} {kind}"


def _named(value: Any) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    names = {name for name, kinds in _KINDS.items() if type(value) in kinds}
    return "null" if value is None else _a(min(names)) if names else type(value).__name__
