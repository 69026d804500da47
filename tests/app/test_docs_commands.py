"""Every command line of the documentation is one that the command line's own parser takes."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import typer

import documented
from kerascope.cli.main import app
from kerascope.cli.words import parse_method
from once import once

pytestmark = once

GROUP = typer.main.get_command(app)
CONTEXT: Any = GROUP.make_context("kerascope", [], resilient_parsing=True)
COMMANDS: dict[str, Any] = {
    name: GROUP.get_command(CONTEXT, name) for name in GROUP.list_commands(CONTEXT)
}
OPTIONS = {
    option
    for command in (GROUP, *COMMANDS.values())
    for param in command.get_params(CONTEXT)
    for option in (*param.opts, *param.secondary_opts)
}
PAGES = [page for page in documented.pages() if "CHANGELOG" not in page]  # past ones, too
OTHERS = {"--read", "--markdown"}  # of `python -m kerascope.planted.shortcuts.benchmark`
# Methods that a page defines, or a package of somebody else.
NOT_OURS = {"my_cam", "gradient_power"}


def lines(text: str) -> Iterator[str]:
    """Yield the command lines of fenced and indented blocks that are no Python."""
    plain = re.sub(r"^```(?:python|toml)\n.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    yield from re.findall(r"^(?: {4})?(?:[A-Z_]+=\S+ )?(kerascope (?!=).*)$", plain, re.MULTILINE)


def problem(line: str, *, whole: bool) -> str:
    """Return what the parser says of a command line; "" where it takes it.

    whole: not only mentioned, so that nothing may be missing.
    """
    _, name, *given = shlex.split(line, comments=True)
    if name.startswith("-"):
        return "" if name in OPTIONS else f"no such option {name}"
    if name not in COMMANDS:
        return f"no such command {name}"
    try:
        context = COMMANDS[name].make_context(name, list(given), parent=CONTEXT)
        methods = context.params.get("method") or ()
        for method in [methods] if isinstance(methods, str) else methods:
            if method.partition(":")[0] not in NOT_OURS:
                parse_method(method)
    except Exception as error:
        if type(error).__name__ == "MissingParameter" and not whole:
            return ""
        return str(error) or repr(error)
    return ""


@pytest.mark.parametrize("page", PAGES)
def test_command_lines(page: str) -> None:
    text = documented.text_of(page)
    found = [(line, problem(line, whole=True)) for line in lines(text)]
    mentioned = [span for span in documented.spans(text) if re.match(r"kerascope [\w-]", span)]
    found += [(span, problem(span, whole=False)) for span in mentioned]
    assert [pair for pair in found if pair[1]] == []


def test_options_that_sentences_name() -> None:
    code = [span.split() for page in PAGES for span in documented.spans(documented.text_of(page))]
    named = [words for words in code if re.match("--?[a-z]", words[0])]
    assert len(named) >= 50
    found = {word for words in named for word in words if word.startswith("-")}
    assert found - OPTIONS == OTHERS


def test_there_are_many() -> None:
    assert len(list(lines(documented.text_of("../README.md")))) >= 31
    assert len({line for page in PAGES for line in lines(documented.text_of(page))}) >= 60


@pytest.mark.parametrize(
    ("line", "words"),
    [("kerascope explain m.keras a.jpg --targt 3", "--targt"),
     ("kerascope explan m.keras a.jpg", "explan"),
     ("kerascope explain", "Missing"),
     ("kerascope explain m.keras a.jpg -m lime:sampels=3", "sampels"),
     ("kerascope audit m.keras photos/ --seeds few", "valid integer"),
     ("kerascope --versoin", "--versoin")],
)  # fmt: skip
def test_what_the_parser_refuses_is_found(line: str, words: str) -> None:
    (found,) = lines(f"words\n\n    {line}  # and a comment\n")
    assert words in problem(found, whole=True)
