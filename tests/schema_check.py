"""Check JSON against the schemas of an OpenAPI description: what they use of JSON Schema."""

from __future__ import annotations

from typing import Any

KINDS: dict[str, Any] = {
    "object": dict, "array": list, "string": str, "integer": int, "number": (int, float),
    "boolean": bool, "null": type(None),
}  # fmt: skip
KNOWN = {
    "$ref", "anyOf", "enum", "type", "items", "properties", "required", "additionalProperties",
    "description",
}  # fmt: skip


def wrong(value: Any, schema: dict[str, Any], whole: dict[str, Any], where: str = "$") -> list[str]:
    """Return where a value is not as a schema says; an unknown word of a schema is wrong too."""
    if set(schema) - KNOWN:
        return [f"{where}: unknown {sorted(set(schema) - KNOWN)}"]
    if "$ref" in schema:
        name = schema["$ref"].removeprefix("#/components/schemas/")
        return wrong(value, whole["components"]["schemas"][name], whole, where)
    if "anyOf" in schema:
        several = [wrong(value, one, whole, where) for one in schema["anyOf"]]
        return [] if [] in several else max(several, key=lambda found: found[0].count("."))
    if "enum" in schema:
        return [] if value in schema["enum"] else [f"{where}: {value!r}"]
    kind = schema.get("type")
    if kind and not (isinstance(value, KINDS[kind]) and (kind == "boolean") >= (value is True)):
        return [f"{where}: {kind}, not {str(value)[:60]!r}"]
    if kind == "array":
        items = schema["items"]
        return [
            bad for i, one in enumerate(value) for bad in wrong(one, items, whole, f"{where}.{i}")
        ]
    return _object(value, schema, whole, where) if kind == "object" else []


def _object(value: Any, schema: dict[str, Any], whole: dict[str, Any], where: str) -> list[str]:
    found = [f"{where} lacks {name}" for name in schema.get("required", ()) if name not in value]
    more = schema.get("additionalProperties", {})
    for name, item in value.items():
        known = schema.get("properties", {}).get(name, more)
        told = (
            [f"{where} has {name}"]
            if known is False
            else wrong(item, known, whole, f"{where}.{name}")
        )
        found += told
    return found
