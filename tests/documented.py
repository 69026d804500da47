"""Pages of the documentation as data: what stands under which heading, and what of it runs."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

DOCS = Path(__file__).parents[1] / "docs"
_PART = re.compile(r"^(#+) ([^\n]*)$|^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Fences that a reader takes for Python, and indented lines that are.
_UNSEEN = re.compile(
    r"^(?!```python$) *(?:```|~~~) *\{?\.?(?:py|python)\b.*$"
    r"|^    (?:import \w|from [\w.]+ import|(?:[\w, ]+ = )?(?:ks|keras)\.).*$",
    re.MULTILINE,
)


class Section(NamedTuple):
    """A heading of a page, its level, the words below it, and its blocks of Python."""

    level: int
    heading: str
    words: str
    blocks: tuple[str, ...]


def text_of(page: str) -> str:
    """Return the text of a page; its name is its place as seen from docs/."""
    return (DOCS / page).read_text(encoding="utf-8")


def pages() -> list[str]:
    """Return the names of all pages, those beside docs/ among them."""
    beside = [f"../{path.name}" for path in sorted(DOCS.parent.glob("*.md"))]
    return beside + sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))


def sections(page: str) -> list[Section]:
    """Return the sections of a page, in order; comments in code are no headings."""
    text = text_of(page)
    found: list[Section] = []
    blocks: list[str] = []
    words = ""
    level, heading, end = 0, "", 0
    for match in _PART.finditer(text):
        words += text[end : match.start()]
        end = match.end()
        if match[1] is None:
            blocks += [match[4]] if match[3] == "python" else []
            continue
        found.append(Section(level, heading, " ".join(words.split()), tuple(blocks)))
        level, heading, words, blocks = len(match[1]), match[2], "", []
    words += text[end:]
    return [*found, Section(level, heading, " ".join(words.split()), tuple(blocks))][1:]


def blocks_of(page: str) -> list[tuple[str, str]]:
    """Return (heading, block) of a page's blocks of Python, in order."""
    return [(part.heading, block) for part in sections(page) for block in part.blocks]


def spans(text: str) -> list[str]:
    """Return the code within sentences of a text, each on one line."""
    prose = re.sub(r"^```.*?^```$|^    [^\n]*$", "", text, flags=re.MULTILINE | re.DOTALL)
    return [" ".join(span.split()) for span in re.findall(r"(?<!`)`([^`]+)`(?!`)", prose)]


def unseen(text: str) -> list[str]:
    """Return lines that are Python to a reader and in no block of Python."""
    plain = re.sub(r"^```python\n.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return [line.strip() for line in _UNSEEN.findall(plain)]


def execute(block: str, page: str, names: dict[str, Any]) -> None:
    """Run a block of a page as a reader does, by its own line numbers, and compare what it shows.

    Names that the block takes for granted are in `names`, and what it makes comes there.
    """
    text = text_of(page)
    assert block in text
    lines = block.splitlines()
    first = text[: text.index(block)].count("\n")
    for statement in ast.parse(block).body:
        last = lines[statement.end_lineno - 1].encode()[statement.end_col_offset :].decode()
        ast.increment_lineno(statement, first)
        value = _value(statement, str(DOCS / page), names)
        if (shown := _shown(last)) is not None:
            assert matches(value, shown), f"{page} shows{last}, and it is {value!r}"


def _value(statement: ast.stmt, file: str, names: dict[str, Any]) -> Any:
    """Run a statement; return the value of an expression, or of what was assigned to one name."""
    if isinstance(statement, ast.Expr):
        return eval(compile(ast.Expression(statement.value), file, "eval", 0, True), names)
    exec(compile(ast.Module([statement], []), file, "exec", 0, True), names)
    if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
        return names[statement.targets[0].id]
    return None


def _shown(comment: str) -> ast.expr | None:
    """Return the value or the names of axes that a comment is, None where it is words."""
    words = comment.strip().removeprefix("#").strip()
    try:
        said = ast.parse(words.replace("…", "..."), mode="eval").body
        ast.literal_eval(said)
    except SyntaxError:
        return None
    except ValueError:
        axes = isinstance(said, ast.Tuple) and all(isinstance(axis, ast.Name) for axis in said.elts)
        return said if axes and words.startswith("(") else None
    return said


def matches(value: Any, shown: ast.expr) -> bool:
    """Tell whether a value is what a page shows: "(row, column)" are axes, "…" is any tail."""
    try:
        said = ast.literal_eval(shown)
    except ValueError:
        assert isinstance(shown, ast.Tuple)
        return np.ndim(value) == len(shown.elts)
    if isinstance(said, tuple | list) and said and said[-1] is ...:
        return value[: len(said) - 1] == said[:-1]
    return bool(value == said)
