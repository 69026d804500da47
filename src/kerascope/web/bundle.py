"""One script and one style of the front end: a page can name the hash of either.

Every module becomes a function of its own that returns what it exports, so that no name of one can
meet that of another.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import re
from pathlib import Path, PurePosixPath

from kerascope.errors import BadFile
from kerascope.files import cache_folder, write_whole

WEB = Path(__file__).parent.parent / "web"
START = "main.js"
_FIRST_STYLE = "kerascope.css"

_IMPORT = re.compile(r'^import\s*\{([^}]*)\}\s*from\s*"([^"\n]+)"\s*;[ \t]*\n?', re.MULTILINE)
_EXPORT = re.compile(r"^export\s+(?=(?:async\s+function|function|class|const)\b)", re.MULTILINE)
_LIST = re.compile(r"^export\s*\{([^}]*)\}\s*;[ \t]*\n?", re.MULTILINE)
_DECLARED = re.compile(
    r"(?:^|[;}])[ \t]*(?P<export>export[ \t]+)?(?:async[ \t]+)?"
    r"(?P<kind>function|class|const|let|var)[ \t*]+(?P<name>[\w$]+)",
    re.MULTILINE,
)
_NAME = re.compile(r"[A-Za-z_$][\w$]*")
_ENDS = ("</", "<!--", "<script")  # what an inlined text must not hold, in any case of letters
_OUTSIDE = ("@import", "url(")  # what a style must not hold


class NotBundled(ValueError):
    """Modules of the front end that cannot become one script; says which and why."""


@functools.cache
def script(folder: Path = WEB, start: str = START) -> str:
    """Return `start` and all that it imports as one script, what is imported first.

    It is kept on disk: making it takes a quarter of a second, for which the studio's first page
    would wait.
    Raises `NotBundled` for unknown files and names, cycles, forms of import and export that are not
    understood, and text that would end the element of the script.
    """
    kept = _kept(folder, start)
    if kept is not None:
        with contextlib.suppress(OSError, ValueError):
            return kept.read_text(encoding="utf-8")
    made = _bundled(folder, start)
    if kept is not None:
        with contextlib.suppress(OSError, BadFile):
            kept.parent.mkdir(parents=True, exist_ok=True)
            write_whole(kept, made.encode())
    return made


def _kept(folder: Path, start: str) -> Path | None:
    """Return the file for the script of just these modules; None: nothing is kept on disk."""
    away = cache_folder()
    if away is None:
        return None
    digest = hashlib.sha256(start.encode() + Path(__file__).read_bytes())
    for file in sorted(folder.rglob("*.js")):
        digest.update(f"\0{file.relative_to(folder)}\0".encode() + file.read_bytes())
    return away / "web" / f"{digest.hexdigest()}.js"


def _bundled(folder: Path, start: str) -> str:
    sources: dict[str, str] = {}
    _collect(folder, start, (), sources)
    exports = {path: exported(path, blanked(text)) for path, text in sources.items()}
    parts = [_part(path, text, exports) for path, text in sources.items()]
    return checked("script", "\n".join(parts))


@functools.cache
def style(folder: Path = WEB) -> str:
    """Return all style sheets of a folder as one: the main one, then the others by name."""
    files = sorted(folder.glob("*.css"), key=lambda path: (path.name != _FIRST_STYLE, path.name))
    parts = [f"/* {path.name} */\n{path.read_text(encoding='utf-8')}" for path in files]
    whole = checked("style", "\n".join(parts))
    for outside in _OUTSIDE:
        if outside in re.sub(r"/\*.*?\*/", "", whole, flags=re.DOTALL):
            raise NotBundled(f"a style holds '{outside}': a page asks for nothing beside itself")
    return whole


def checked(what: str, text: str) -> str:
    """Return a text that may stand in an element of a page; raise `NotBundled` for another."""
    for end in _ENDS:
        if end in text.lower():
            line = text[: text.lower().index(end)].count("\n")
            raise NotBundled(f"the {what} holds '{end}': {text.splitlines()[line].strip()[:80]}")
    return text


def _collect(folder: Path, path: str, above: tuple[str, ...], found: dict[str, str]) -> None:
    """Put a module into `found` behind all that it imports."""
    if path in above:
        raise NotBundled(f"modules import each other: {' → '.join([*above, path])}")
    if path in found:
        return
    file = folder / path
    if not file.is_file():
        raise NotBundled(f"{above[-1] if above else 'a page'} imports {path}, which is not there")
    text = file.read_text(encoding="utf-8")
    for _, source in _imports(path, text):
        _collect(folder, source, (*above, path), found)
    found[path] = text


def _imports(
    path: str, text: str, exports: dict[str, tuple[str, ...]] | None = None
) -> list[tuple[tuple[str, ...], str]]:
    """Return the names and the file of every import of a module; with exports, they are checked."""
    code, found = blanked(text, strings=False), []
    for match in _IMPORT.finditer(code):
        names, source = tuple(_split(path, match[1])), match[2]
        if not source.startswith(("./", "../")):
            raise NotBundled(f"{path} imports '{source}': modules are named as ./ or ../")
        file = _joined(path, source)
        for name in names:
            if exports is not None and name not in exports[file]:
                raise NotBundled(f"{path} imports {name}, which {file} does not export")
        found.append((names, file))
    return found


def _joined(path: str, source: str) -> str:
    parts = list(PurePosixPath(path).parent.parts)
    for part in PurePosixPath(source).parts:
        if part == "..":
            if not parts:
                raise NotBundled(f"{path} imports '{source}', which lies outside")
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts)


def _split(path: str, names: str) -> list[str]:
    found = [name.strip() for name in names.split(",") if name.strip()]
    for name in found:
        if not _NAME.fullmatch(name):
            raise NotBundled(f"{path} names '{name}': an import or export is a plain name")
    return found


def exported(path: str, code: str) -> tuple[str, ...]:
    """Return the names that a module, blanked, exports."""
    kinds = {match["name"]: match["kind"] for match in _DECLARED.finditer(_top(code))}
    found = [match["name"] for match in _DECLARED.finditer(_top(code)) if match["export"]]
    found += [name for match in _LIST.finditer(code) for name in _split(path, match[1])]
    for name in found:
        if name not in kinds:
            raise NotBundled(f"{path} exports {name}, which it does not declare")
        if kinds[name] in ("let", "var"):
            raise NotBundled(f"{path} exports {name}, which may change: make it a constant")
    return tuple(found)


def _part(path: str, text: str, exports: dict[str, tuple[str, ...]]) -> str:
    """Return a module as a function that is called at once, and the name of what it returns."""
    given = [
        f"const {{ {', '.join(names)} }} = {_held(source)};"
        for names, source in _imports(path, text, exports)
        if names
    ]
    body = _stripped(path, text)
    back = f"return {{ {', '.join(exports[path])} }};"
    return "\n".join(
        [f"// {path}", f"const {_held(path)} = (() => {{", *given, body, back, "})();"]
    )


def _held(path: str) -> str:
    """Return the name under which the exports of a module are held."""
    return "module$" + re.sub(r"[^A-Za-z0-9]", "$", path.removesuffix(".js"))


def _stripped(path: str, text: str) -> str:
    """Return a module without its imports, and without the word before what it exports."""
    code = blanked(text)
    # Matches are found where no string or comment stands, and cut from the text at their places.
    places = [m.span() for pattern in (_EXPORT, _LIST) for m in pattern.finditer(code)]
    places += [m.span() for m in _IMPORT.finditer(blanked(text, strings=False))]
    for start, end in sorted(places, reverse=True):
        text, code = text[:start] + text[end:], code[:start] + code[end:]
    for word in re.finditer(r"(?<![\w$.])(?:import|export)(?![\w$]|\s*:)", code):
        line = text[: word.start()].count("\n")
        raise NotBundled(f"{path} has another import or export: {text.splitlines()[line].strip()}")
    if re.search(r"(?<![\w$.])await(?![\w$])", _top(code)):
        raise NotBundled(f"{path} awaits at top level")
    return text.strip("\n")


@functools.lru_cache(maxsize=256)
def _top(code: str) -> str:
    """Return blanked code with all that stands in brackets blanked too, the outer ones kept."""
    depth, made, place = 0, [], 0
    for bracket in _BRACKET.finditer(code):
        opens = bracket[0] in "([{"
        if opens and depth == 0:  # behind it all is blanked
            made.append(code[place : bracket.end()])
            place = bracket.end()
        elif not opens and depth == 1:
            made.append(_spaces(code[place : bracket.start()]))
            place = bracket.start()
        depth += 1 if opens else -1
    return "".join([*made, code[place:] if depth == 0 else _spaces(code[place:])])


def _spaces(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)


_PIECE = re.compile(
    r"(?P<comment>//[^\n]*|/\*.*?\*/)"
    r"|(?P<string>\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*')"
    r"|(?P<pattern>/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n\[])+/[a-z]*)"
    r"|(?P<template>`)",
    re.DOTALL,
)
_BRACKET = re.compile(r"[()\[\]{}]")
_VALUE = re.compile(r"(?:[\w$)\]}.])\s*$")  # before a "/" that divides
_WORDS = re.compile(r"\b(?:return|typeof|case|of|in|delete|void)\s*$")


@functools.lru_cache(maxsize=256)
def blanked(text: str, *, strings: bool = True) -> str:
    """Return code of the same length whose comments, strings and patterns are spaces.

    strings: False keeps plain strings, so that the files of imports can be read.
    """
    made, place = [], 0
    while (match := _PIECE.search(text, place)) is not None:
        start, end = match.span()
        if match["pattern"]:
            before = text[max(0, start - 200) : start]
            if _VALUE.search(before) and not _WORDS.search(before):
                made.append(text[place : start + 1])
                place = start + 1
                continue
        elif match["template"]:
            end = _template_end(text, end)
        made.append(text[place:start])
        kept = bool(match["string"]) and not strings
        made.append(text[start:end] if kept else _spaces(text[start:end]))
        place = end
    made.append(text[place:])
    return "".join(made)


def _template_end(text: str, place: int) -> int:
    """Return the place behind a template that opened before `place`; templates may nest."""
    depth = 0  # of ${…} and the braces inside
    while place < len(text):
        char = text[place]
        if char == "\\":
            place += 1
        elif depth == 0 and char == "`":
            return place + 1
        elif depth == 0 and text.startswith("${", place):
            depth, place = 1, place + 1
        elif depth and char == "{":
            depth += 1
        elif depth and char == "}":
            depth -= 1
        elif depth and char == "`":
            place = _template_end(text, place + 1) - 1
        place += 1
    return place
