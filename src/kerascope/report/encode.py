"""The one way of text, JSON, styles and scripts into a page."""

from __future__ import annotations

import base64
import functools
import hashlib
import json
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from kerascope.web.bundle import checked

_HERE = Path(__file__).parent
# Inside a script element only these can end it, open a comment, or end a line of JavaScript.
_ESCAPES = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}


def json_for_script(data: Any) -> Markup:
    """Return data as JSON that is safe inside a script element, whatever its strings hold."""
    text = json.dumps(data, ensure_ascii=True, sort_keys=True, allow_nan=False, default=str)
    return Markup(text.translate(_ESCAPES))  # noqa: S704 — nothing is left to escape


@functools.cache
def environment() -> Environment:
    """Return the environment of the templates: everything is escaped, nothing may be undefined."""
    made = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["tight"] = tight
    return made


def tight(text: str) -> str:
    """Return the text with numbers and their percent signs kept on one line."""
    return text.replace(" %", "\u00a0%")


def inlined(text: str) -> Markup:
    """Return a style or script of this package, as it may stand in its element."""
    return Markup(checked("page", text))  # noqa: S704 — checked, and a file of this package


def policy(*, style: str, script: str) -> str:
    """Return a content security policy that allows this style, this script and inlined pictures."""
    return (
        "default-src 'none'; img-src data: blob:; "
        f"style-src {_source(style)}; script-src {_source(script)}; "
        "base-uri 'none'; form-action 'none'"
    )


def _source(content: str) -> str:
    digest = hashlib.sha256(content.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
