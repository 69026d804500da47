"""Methods as forms: title, needs, cost and fields, all read off the method classes themselves."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import re
import types
import typing
from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict

from kerascope.citations import cite
from kerascope.errors import BadMethod
from kerascope.method import (
    AttributionMethod,
    Data,
    Need,
    Passes,
    make_method,
    method_class,
    registry,
)

_SHAPE = {"image": (224, 224, 3)}  # for the cost, where a model's own is not known
_CHANNELS = 256
_KINDS = {bool: "boolean", int: "integer", float: "number", str: "text"}
_LAYER = ("layer", "layers")
_GRADIENT, _BACKWARD = 3, 2  # what a pass costs, in forward passes


class Control(TypedDict):
    """What a field takes."""

    kind: str
    kinds: list[str]
    optional: bool
    choices: list[Any]


class Field(Control):
    """A field of a method; default: any value that `kinds` names, or null."""

    name: str
    default: Any
    words: str


class Form(TypedDict):
    """A method as a form; hindrance: why it cannot work on the model that was named."""

    name: str
    title: str
    wants: str
    words: str
    needs: list[str]
    cost: dict[str, Any]
    rank: int
    linear: bool
    signed: bool
    partial: bool
    paper: str
    fields: list[Field]
    hindrance: NotRequired[str]


@functools.cache
def forms() -> list[Form]:
    """Return all methods as JSON values, those that cost least first."""
    found = [_form(kind) for kind in registry().values()]
    return sorted(found, key=lambda form: (form["rank"], form["title"]))


def _form(kind: type[AttributionMethod]) -> Form:
    passes = _passes(kind())
    return {
        "name": kind.name,
        "title": kind.title,
        "wants": _wants(kind),
        "words": (inspect.getdoc(kind) or "").split("\n", 1)[0],
        "needs": sorted(need.value for need in kind.needs),
        "cost": dataclasses.asdict(passes),
        "rank": rank_of(passes),
        "linear": kind.linear,
        "signed": kind.signed,
        "partial": kind.partial,
        "paper": cite([kind.name])[0],
        "fields": _fields(kind),
    }


def hindrance(form: Form, facts: Mapping[str, Any]) -> str:
    """Return why a method cannot work on a model, in words; "" where it may, or nobody knows."""
    layers = facts.get("layers")
    if not layers:
        return ""
    if form["wants"] == "attention" and not any("ttention" in row["kind"] for row in layers):
        return "the model has no attention layer"
    if form["wants"] == "maps" and not any(row["map"] for row in layers):
        return "no layer of the model has spatial positions"
    return ""


def _wants(kind: type[AttributionMethod]) -> str:
    """Return what a model must have beside what `needs` says: "attention", "maps" or nothing."""
    names = {field.name for field in dataclasses.fields(kind)}
    if "layers" in names:
        return "attention"
    return "maps" if Need.ACTIVATIONS in kind.needs and "layer" in names else ""


def _passes(method: AttributionMethod) -> Passes:
    return method.passes(_SHAPE, 1, _CHANNELS)


def rank_of(passes: Passes) -> int:
    """Return what passes cost, in forward passes."""
    return passes.forward + _GRADIENT * passes.gradient + _BACKWARD * passes.backward


def cost_of(method: AttributionMethod) -> int:
    """Return about what a method costs over a picture, in forward passes."""
    return rank_of(_passes(method))


def _fields(kind: type[AttributionMethod]) -> list[Field]:
    hints, told = typing.get_type_hints(kind), _told(kind)
    return [
        {
            "name": field.name,
            "default": _plain(field.default),
            "words": told.get(field.name, ""),
            **_kind(field.name, hints[field.name]),
        }
        for field in dataclasses.fields(kind)
        if _settable(hints[field.name])
    ]


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _parts(hint: Any) -> list[Any]:
    """Return the types that a field may have; the values of a `Literal` count as text."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return [part for each in typing.get_args(hint) for part in _parts(each)]
    return [hint]


def _settable(hint: Any) -> bool:
    """Say whether a field can be set by numbers and words: arrays come from Python only."""
    return any(part not in (Data, type(None)) for part in _parts(hint))


def _kind(name: str, hint: Any) -> Control:
    """Return the kind of control, whether the field may be left open, and its choices."""
    parts = _parts(hint)
    literals = [p for p in parts if typing.get_origin(p) is typing.Literal]
    options = [value for part in literals for value in typing.get_args(part)]
    plain = [_KINDS[part] for part in parts if part in _KINDS]
    more = ["list" for part in parts if typing.get_origin(part) is tuple]
    kinds = list(dict.fromkeys([*plain, *more, *(["choice"] if options else [])]))
    shown = "layer" if name in _LAYER else "choice" if kinds == ["choice"] else kinds[0]
    return {
        "kind": shown if len(kinds) == 1 or name in _LAYER else "any",
        "kinds": kinds,
        "optional": type(None) in parts,
        "choices": options,
    }


def _told(kind: type[AttributionMethod]) -> dict[str, str]:
    """Return what docstrings say of fields: "name: words", up to the next field or empty line."""
    names = "|".join(field.name for field in dataclasses.fields(kind))
    if not names:
        return {}
    start = re.compile(rf"(?:^|(?<=[.;] ))((?:{names})(?:, (?:{names}))*): ", re.MULTILINE)
    found: dict[str, str] = {}
    for each in reversed(kind.__mro__):
        for part in inspect.cleandoc(each.__doc__ or "").split("\n\n"):
            text = re.sub(r"\n {2,}", " ", part)
            places = list(start.finditer(text))
            ends = [*(place.start() for place in places), len(text)][1:]
            for place, end in zip(places, ends, strict=True):
                words = " ".join(text[place.end() : end].split())
                found |= dict.fromkeys(place[1].split(", "), words)
    return found


def method_of(name: str, fields: Mapping[str, Any]) -> AttributionMethod:
    """Return the method value that a request asks for; raise `BadMethod` in one line."""
    kind = method_class(name)
    hints = typing.get_type_hints(kind)
    for key, value in fields.items():
        if key in hints and key in {f.name for f in dataclasses.fields(kind)}:
            _check(value, hints[key], f"{kind.name}: {key}")
    try:
        return make_method(kind, fields)
    except (TypeError, AttributeError, ValueError) as error:
        if isinstance(error, BadMethod):
            raise
        raise BadMethod(f"{kind.name}: {error}") from error


def _check(value: Any, hint: Any, where: str) -> None:
    if not any(_fits(value, part) for part in _parts(hint)):
        kind = _kind("", hint) if _settable(hint) else None
        known = [
            *(kind["kinds"] if kind else []),
            *(["null"] if type(None) in _parts(hint) else []),
        ]
        known += [repr(choice) for choice in (kind["choices"] if kind else [])]
        allowed = " or ".join(kind for kind in known if kind != "choice") or "set from Python only"
        raise BadMethod(f"{where}={value!r} is not {allowed}")


def _fits(value: Any, part: Any) -> bool:
    if typing.get_origin(part) is typing.Literal:
        return value in typing.get_args(part)
    if typing.get_origin(part) is tuple:
        return isinstance(value, list) and all(
            any(_fits(item, kind) for each in _items(part) for kind in _parts(each))
            for item in value
        )
    if part is type(None):
        return value is None
    if isinstance(value, bool):
        return part is bool
    if part is float:
        return isinstance(value, (int, float))
    return part in (int, str) and isinstance(value, part)


def _items(part: Any) -> list[Any]:
    return [each for each in typing.get_args(part) if each is not Ellipsis]
