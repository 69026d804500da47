"""What sentences of the documentation name is there: names and keywords, fields, files."""

from __future__ import annotations

import ast
import dataclasses
import functools
import inspect
import re
from collections.abc import Iterator
from typing import Any

import pytest

import documented
import kerascope as ks
from kerascope.cli.words import parse_method
from kerascope.method import method_class
from once import once

pytestmark = once

ROOT = documented.DOCS.parent
FILE = re.compile(r"(?<![\w/.*<-])(?:tests|docs|docs_src|docs_site|src|benchmarks|\.ci)/[\w./*-]+")


def unknown_names(span: str) -> Iterator[str]:
    """Yield what is said of `ks` in a piece of code and is not there: names, keywords, fields."""
    if not re.search(r"\bks\.", span):
        return
    try:
        tree = ast.parse(span.replace("…", "..."))
    except SyntaxError:
        yield span
        return
    calls = {id(node.func): node for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        path = ast.unparse(node) if isinstance(node, ast.Attribute) else ""
        if re.fullmatch(r"ks(\.\w+)+", path):
            try:
                found = functools.reduce(getattr, path.split(".")[1:], ks)
            except AttributeError:
                yield path
                continue
            if id(node) in calls:
                yield from _unknown_arguments(found, calls[id(node)])


def _unknown_arguments(found: Any, call: ast.Call) -> Iterator[str]:
    """Yield keywords that a call gives and the callable, or the method it names, does not take."""
    taken = inspect.signature(found).parameters
    if found is not ks.explain and any(one.kind is one.VAR_KEYWORD for one in taken.values()):
        return
    known = set(taken)
    given = [word.value for word in call.args if isinstance(word, ast.Constant)]
    if found is ks.explain and given and isinstance(given[0], str):
        known |= {field.name for field in dataclasses.fields(method_class(given[0]))}
    yield from {word.arg for word in call.keywords if word.arg} - known


def unknown_fields(span: str) -> str:
    """Return what is wrong with a method in words, "name:field=value"; "" where nothing is."""
    words = span.removeprefix("-m ")
    if not re.match(r"[a-z_0-9]+:\w+=", words) or words.startswith(("gradient_power", "my_")):
        return ""  # no method, or one that a page defines
    try:
        parse_method(words)
    except ks.KerascopeError as error:
        return str(error)
    return ""


def missing_files(span: str) -> list[str]:
    """Return the places in the repository that are named and are not there."""
    return [name for name in FILE.findall(span) if not list(ROOT.glob(name.rstrip("/.")))]


@pytest.mark.parametrize("page", [p for p in documented.pages() if "CHANGELOG" not in p])
def test_what_is_named_is_there(page: str) -> None:
    spans = documented.spans(documented.text_of(page))
    assert [name for span in spans for name in unknown_names(span)] == []
    assert [span for span in spans if unknown_fields(span)] == []
    places = {place for span in spans for place in missing_files(span)}
    assert places <= {"docs_src/recipes/NAME.py"}
    targets = [span.split()[1] for span in spans if re.match("make [a-z]", span)]
    rules = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert [name for name in targets if f"\n{name}:" not in rules] == []


def test_what_is_not_there_is_found() -> None:
    assert list(unknown_names("ks.explian(model, x)")) == ["ks.explian"]
    assert list(unknown_names("ks.Attribution.laod(…)")) == ["ks.Attribution.laod"]
    assert list(unknown_names("ks.explain(…, grad=True)")) == ["grad"]
    assert list(unknown_names('ks.explain(m, x, "lime", sampels=3)')) == ["sampels"]
    assert list(unknown_names('ks.explain(m, x, "lime", samples=3, grade=True)')) == []
    assert "it takes" in unknown_fields("occlusion:patch=(1,8,8)")
    assert missing_files("tests/app/test_gone.py and tests/once.py") == ["tests/app/test_gone.py"]
